"""The smtp connector keeps the contract of connectors against a real server, and sends no password in the clear."""

import ssl
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest
from tests.contract.connectors.contract import a_delivery
from tests.contract.connectors.sending import SendingContract, SendingStage, a_sending_server, loopback

from andon.actions import AnswerKind
from andon.connectors.smtp import SmtpConnector, SmtpSettings
from andon.kernel.clock import SystemClock
from certificates import a_certificate

MAIL = {"to": ["{input.to}"], "subject": "Transfer {id}\nis held", "text": "Reasons: {outcome}, {input.amount}"}


class SmtpStage(SendingStage):
    """A mail server that asks for STARTTLS and a password."""

    kind = "smtp"
    settings = SmtpSettings
    sender = "line@bank.test"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return a_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def stage(certificate: tuple[Path, Path]) -> Iterator[SmtpStage]:
    with a_sending_server(certificate) as mailbox:
        yield SmtpStage(mailbox)


@pytest.fixture
def connector(certificate: tuple[Path, Path]) -> SmtpConnector:
    trust = ssl.create_default_context(cafile=str(certificate[0]))
    return SmtpConnector(SystemClock(), tls=trust, resolve=loopback)


@pytest.fixture
def doubting() -> SmtpConnector:
    return SmtpConnector(SystemClock(), resolve=loopback)


class TestSmtp(SendingContract):
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
        assert (answer.kind, answer.detail) == (AnswerKind.REFUSED, "a recipient is not a mail address")
        assert stage.mailbox.mails == []
