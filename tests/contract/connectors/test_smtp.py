"""The smtp connector keeps the contract of connectors against a real server, and sends no password in the clear."""

import socket
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
from tests.contract.connectors.contract import SECRET_TEXT, ConnectorContract, a_delivery

from andon.actions import AnswerKind, Destination
from andon.connectors.smtp import SmtpConnector, SmtpSettings
from andon.kernel.clock import SystemClock
from certificates import a_certificate
from mailbox_server import Mailbox

MAIL = {"to": ["{input.to}"], "subject": "Transfer {id}\nis held", "text": "Reasons: {outcome}, {input.amount}"}


class SmtpStage:
    """A mail server that asks for STARTTLS and a password."""

    def __init__(self, mailbox: Mailbox) -> None:
        self.mailbox = mailbox

    def destination(self, *, timeout: timedelta = timedelta(seconds=5), **changes: Any) -> Destination:
        values = {"sender": "line@bank.test", "user": "andon", "password_env": "PASSWORD"} | changes
        settings = SmtpSettings.model_validate(values, context={"environment": {"PASSWORD": SECRET_TEXT}})
        url = f"smtp://localhost:{self.mailbox.port}"
        return Destination("mail", url, timeout=timeout, allow_private=True, settings={"smtp": settings})

    def nowhere(self) -> Destination:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            return replace(self.destination(), url=f"smtp://127.0.0.1:{taken.getsockname()[1]}")

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


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return a_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def stage(certificate: tuple[Path, Path]) -> Iterator[SmtpStage]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    with Mailbox(tls=context, password=SECRET_TEXT) as mailbox:
        yield SmtpStage(mailbox)


async def loopback(*_: object) -> list[str]:
    return ["127.0.0.1"]


@pytest.fixture
def connector(certificate: tuple[Path, Path]) -> SmtpConnector:
    trust = ssl.create_default_context(cafile=str(certificate[0]))
    return SmtpConnector(SystemClock(), tls=trust, resolve=loopback)


class TestSmtp(ConnectorContract):
    options: ClassVar[Mapping[str, Any]] = MAIL | {"to": ["fraud@bank.test"]}

    def test_the_mail_says_what_was_asked_for(self, connector: SmtpConnector, stage: SmtpStage) -> None:
        data = {"id": "d-1", "input": {"to": "zoe@bank.test", "amount": 12.5}}
        delivery = a_delivery(stage.destination(), options=MAIL, data=data)
        [answer] = self.deliver(connector, delivery)
        assert answer.kind is AnswerKind.DELIVERED
        [mail] = stage.mailbox.mails
        assert (mail["From"], mail["To"], mail["Subject"]) == (
            "line@bank.test",
            "zoe@bank.test",
            "Transfer d-1 is held",
        )
        assert mail["Message-ID"] == f"<{delivery.key}@bank.test>"
        assert str(mail.get_payload()).strip() == "Reasons: release, 12.5"
        assert stage.mailbox.recipients == [["zoe@bank.test"]]

    @pytest.mark.parametrize("evil", ["a@b.test, c@d.test", "a@b.test\r\nBcc: c@d.test", "nobody", "<a@b.test>"])
    def test_a_value_cannot_add_recipients(self, connector: SmtpConnector, stage: SmtpStage, evil: str) -> None:
        data = {"id": "d-1", "input": {"to": evil, "amount": 1}}
        [answer] = self.deliver(connector, a_delivery(stage.destination(), options=MAIL, data=data))
        assert (answer.kind, answer.detail) == (AnswerKind.REFUSED, "a recipient is no mail address")
        assert stage.mailbox.mails == []

    def test_a_server_that_is_not_who_it_should_be_gets_no_password(self, stage: SmtpStage) -> None:
        doubting = SmtpConnector(SystemClock(), resolve=loopback)
        [answer] = self.deliver(doubting, self.a_delivery(stage.destination()))
        assert (answer.kind, stage.mailbox.mails) == (AnswerKind.FAILED, [])

    def test_a_wrong_password_may_be_mended(self, connector: SmtpConnector, stage: SmtpStage) -> None:
        settings = SmtpSettings.model_validate(
            {"sender": "a@b.test", "user": "andon", "password_env": "P"}, context={"environment": {"P": "wrong"}}
        )
        wrong = replace(stage.destination(), settings={"smtp": settings})
        [answer] = self.deliver(connector, self.a_delivery(wrong))
        assert answer.kind is AnswerKind.FAILED
        assert "did not let us in" in answer.detail

    def test_the_own_network_is_refused_unless_it_is_meant(self, connector: SmtpConnector, stage: SmtpStage) -> None:
        [answer] = self.deliver(connector, self.a_delivery(replace(stage.destination(), allow_private=False)))
        assert answer.kind is AnswerKind.REFUSED
        assert "allow_private = true under [destinations.mail]" in answer.detail


def test_a_password_without_encryption_is_refused_when_loaded() -> None:
    with pytest.raises(ValueError, match="not sent without encryption"):
        SmtpSettings.model_validate(
            {"sender": "a@b.test", "user": "u", "password_env": "P", "encryption": "none"},
            context={"environment": {"P": SECRET_TEXT}},
        )
