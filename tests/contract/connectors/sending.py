"""What connectors that send mail must keep besides: a real server with STARTTLS and a password, and three promises."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
from tests.contract.connectors.contract import SECRET_TEXT, ConnectorContract

from andon.actions import AnswerKind, Connector, Destination, SendingSettings
from mailbox_server import Mailbox


class SendingStage:
    """Brings the server into each situation, for a connector with these settings."""

    kind: ClassVar[str]
    settings: ClassVar[type[SendingSettings]]
    name: ClassVar[str] = "mail"
    sender: ClassVar[str]
    patience: ClassVar[timedelta] = timedelta(seconds=5)

    def __init__(self, mailbox: Mailbox) -> None:
        self.mailbox = mailbox

    def destination(
        self, *, timeout: timedelta | None = None, password: str = SECRET_TEXT, **changes: Any
    ) -> Destination:
        values = {"sender": self.sender, "user": "andon", "password_env": "PASSWORD"} | changes
        settings = self.settings.model_validate(values, context={"environment": {"PASSWORD": password}})
        url = f"smtp://localhost:{self.mailbox.port}"
        return Destination(
            self.name, url, timeout=timeout or self.patience, allow_private=True, settings={self.kind: settings}
        )

    def nowhere(self) -> Destination:
        return replace(self.destination(), url="smtp://127.0.0.1:1")

    def refuse(self) -> None:
        self.mailbox.plan("554 no")

    def fail(self) -> None:
        self.mailbox.plan("451 busy")

    def keep_silent(self) -> None:
        self.mailbox.plan("silence")

    def vanish(self) -> None:
        self.mailbox.plan("hang up")

    def taken(self) -> dict[str, int]:
        keys = [str(mail["Message-ID"]).strip("<>").partition("@")[0] for mail in self.mailbox.mails]
        return {key: keys.count(key) for key in keys}


class SendingContract(ConnectorContract):
    """`doubting` is the connector that trusts the public authorities alone."""

    def test_a_server_that_is_not_who_it_should_be_gets_no_password(
        self, doubting: Connector, stage: SendingStage
    ) -> None:
        [answer] = self.deliver(doubting, self.a_delivery(stage.destination()))
        assert (answer.kind, stage.mailbox.mails) == (AnswerKind.FAILED, [])

    def test_a_wrong_password_may_be_mended(self, connector: Connector, stage: SendingStage) -> None:
        [answer] = self.deliver(connector, self.a_delivery(stage.destination(password="wrong")))
        assert answer.kind is AnswerKind.FAILED
        assert "refused the login" in answer.detail

    def test_the_own_network_is_refused_unless_it_is_meant(self, connector: Connector, stage: SendingStage) -> None:
        [answer] = self.deliver(connector, self.a_delivery(replace(stage.destination(), allow_private=False)))
        assert answer.kind is AnswerKind.REFUSED
        assert f"allow_private = true under [destinations.{stage.name}]" in answer.detail

    def test_a_password_without_encryption_is_refused_when_loaded(self, stage: SendingStage) -> None:
        with pytest.raises(ValueError, match="not sent without encryption"):
            stage.destination(encryption="none")


@contextmanager
def a_sending_server(certificate: tuple[Path, Path]) -> Iterator[Mailbox]:
    """Run the server while the context lasts."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    with Mailbox(tls=context, password=SECRET_TEXT) as mailbox:
        yield mailbox


async def loopback(*_: object) -> list[str]:
    """Return the address of every host: this machine."""
    return ["127.0.0.1"]
