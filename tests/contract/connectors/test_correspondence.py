"""Replies and mails passed on keep the contract of connectors, against Dovecot and a real SMTP server."""

import asyncio
import ssl
from collections.abc import Iterator, Mapping
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any, ClassVar

import pytest
from tests.contract.connectors.contract import a_delivery
from tests.contract.connectors.sending import SendingContract, SendingStage, a_sending_server, loopback
from tests.contract.connectors.waiting import deliver_behind
from tests.crash.proxy import Proxy as Obstacle

from andon.actions import AnswerKind, Delivery, Destination
from andon.connectors.correspondence import CorrespondenceConnector, CorrespondenceSettings
from andon.connectors.correspondence.connector import SESSIONS
from andon.kernel.clock import SystemClock
from certificates import a_certificate
from dovecots import Dovecot, a_dovecot, a_mail, a_user
from mailbox_server import Mailbox

REPLY = {"do": "reply", "message": "{key}@customers.test", "text": "We have blocked your card."}


class CorrespondenceStage(SendingStage):
    """A mailbox, and a server that sends."""

    kind = "correspondence"
    settings = CorrespondenceSettings
    name = "support"
    sender = "support@bank.test"
    patience = timedelta(seconds=10)

    def __init__(self, dovecot: Dovecot, mailbox: Mailbox) -> None:
        super().__init__(mailbox)
        self.dovecot, self.user = dovecot, a_user()
        self.connections: dict[str, dict[str, Any]] = {
            "support": {"server": dovecot.server(self.user), "sent_folder": "Sent"}
        }
        self._number = 0

    def put(self, key: object, **headers: str) -> None:
        self._number += 1  # each from somebody else: replies to one address are few
        given = {"From": f"Zoe <zoe{self._number}@customers.test>", "Message_ID": f"<{key}@customers.test>"}
        self.dovecot.put(self.user, a_mail(**(given | headers)))

    def copies(self) -> list[tuple[str, set[str]]]:
        """Return the ids and flags of the copies."""
        ids, flags = self.dovecot.ids(self.user, "Sent"), self.dovecot.flags(self.user, "Sent")
        return [(one.partition("@")[0], found - {"\\Recent"}) for one, found in zip(ids, flags, strict=True)]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return a_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Dovecot]:
    with a_dovecot() as server:
        yield server


@pytest.fixture
def stage(certificate: tuple[Path, Path], dovecot: Dovecot) -> Iterator[CorrespondenceStage]:
    with a_sending_server(certificate) as mailbox:
        yield CorrespondenceStage(dovecot, mailbox)


@pytest.fixture
def connector(certificate: tuple[Path, Path], stage: CorrespondenceStage) -> CorrespondenceConnector:
    trust = ssl.create_default_context(cafile=str(certificate[0]))
    return CorrespondenceConnector(stage.connections, SystemClock(), tls=trust, resolve=loopback)


@pytest.fixture
def doubting(stage: CorrespondenceStage) -> CorrespondenceConnector:
    return CorrespondenceConnector(stage.connections, SystemClock(), resolve=loopback)


class TestCorrespondence(SendingContract):
    options: ClassVar[Mapping[str, Any]] = REPLY
    counts_repeats = False
    knows_after_silence = False
    silence = timedelta(seconds=2)

    @pytest.fixture(autouse=True)
    def _on(self, stage: CorrespondenceStage) -> None:
        self.stage = stage

    def a_delivery(self, destination: Destination) -> Delivery:
        delivery = super().a_delivery(destination)
        self.stage.put(delivery.key)
        return delivery

    def test_waiting_for_a_session_is_not_part_of_the_time(
        self, connector: CorrespondenceConnector, stage: CorrespondenceStage
    ) -> None:
        with Obstacle(stage.dovecot.port) as obstacle:
            stage.connections["support"]["server"] = stage.dovecot.server(stage.user, port=obstacle.port)
            obstacle.stand_still()
            holding = [self.a_delivery(stage.destination(timeout=timedelta(seconds=30))) for _ in range(SESSIONS)]
            waiting = self.a_delivery(stage.destination(timeout=timedelta(seconds=2)))
            first, last = deliver_behind(connector, holding, waiting, let_go=obstacle.go_on)
        assert [answer for answer in [*first, last] if answer.kind is not AnswerKind.DELIVERED] == []

    def test_a_reply_stays_in_its_thread_and_says_what_it_is(
        self, connector: CorrespondenceConnector, stage: CorrespondenceStage
    ) -> None:
        delivery = a_delivery(stage.destination(), options=REPLY)
        stage.put(
            delivery.key, References="<first@customers.test> <second@bank.test>", Subject="=?utf-8?q?K=C3=A4rte?="
        )
        [answer] = self.deliver(connector, delivery)
        assert answer.kind is AnswerKind.DELIVERED
        [mail] = stage.mailbox.mails
        letter = message_from_bytes(mail.as_bytes(), policy=policy.default)
        assert isinstance(letter, EmailMessage)
        assert (letter["To"], letter["From"], letter["Subject"]) == (
            "Zoe <zoe1@customers.test>",
            "support@bank.test",
            "Re: Kärte",
        )
        assert letter["In-Reply-To"] == f"<{delivery.key}@customers.test>"
        assert letter["References"] == f"<first@customers.test> <second@bank.test> <{delivery.key}@customers.test>"
        assert letter["Message-ID"] == f"<{delivery.key}@bank.test>"
        assert letter["Auto-Submitted"] == "auto-replied"
        assert letter.get_content().strip() == "We have blocked your card."
        assert stage.mailbox.recipients == [["zoe1@customers.test"]]
        assert stage.copies() == [(str(delivery.key), {"\\Seen"})]

    @pytest.mark.parametrize(
        "headers",
        [
            {"Auto-Submitted": "auto-replied"},
            {"List-Id": "<news.shop.test>"},
            {"Precedence": "bulk"},
            {"X-Andon-Automation": "triage"},
            {"From": "support@bank.test"},
            {"From": "noreply@shop.test"},
            {"From": "nobody"},
        ],
        ids=lambda headers: next(iter(headers)) + "-" + next(iter(headers.values())).strip("<>"),
    )
    def test_what_would_go_on_for_ever_is_not_answered(
        self, connector: CorrespondenceConnector, stage: CorrespondenceStage, headers: Mapping[str, str]
    ) -> None:
        delivery = a_delivery(stage.destination(), options=REPLY)
        stage.put(delivery.key, **headers)
        [answer] = self.deliver(connector, delivery)
        assert answer.kind is AnswerKind.REFUSED, answer
        assert (stage.mailbox.mails, stage.copies()) == ([], [])

    def test_replies_to_one_address_are_few(
        self, connector: CorrespondenceConnector, stage: CorrespondenceStage
    ) -> None:
        deliveries = [a_delivery(stage.destination(replies_a_day=2), options=REPLY) for _ in range(3)]
        for delivery in deliveries:
            stage.put(delivery.key, From="zoe@customers.test")
        answers = self.deliver(connector, *deliveries)
        assert [answer.kind for answer in answers] == [
            AnswerKind.DELIVERED,
            AnswerKind.DELIVERED,
            AnswerKind.REFUSED,
        ]
        assert "2 replies were sent to this address within a day" in answers[2].detail

    def test_a_mail_is_passed_on_as_it_came_from_wherever_it_is(
        self, connector: CorrespondenceConnector, stage: CorrespondenceStage
    ) -> None:
        options = REPLY | {"do": "forward", "to": ["cards@bank.test"], "text": "For you."}
        delivery = a_delivery(stage.destination(), options=options)
        stage.put(delivery.key)
        stage.dovecot.make(stage.user, "Cards")
        stage.dovecot.move(stage.user, f"{delivery.key}@customers.test", "INBOX", "Cards")
        [answer] = self.deliver(connector, delivery)
        assert answer.kind is AnswerKind.DELIVERED
        [mail] = stage.mailbox.mails
        letter = message_from_bytes(mail.as_bytes(), policy=policy.default)
        assert isinstance(letter, EmailMessage)
        assert (letter["To"], letter["Subject"]) == ("cards@bank.test", "Fwd: Card")
        assert letter["Auto-Submitted"] == "auto-generated"
        [attached] = letter.iter_attachments()
        assert f"<{delivery.key}@customers.test>".encode() in attached.get_content()

    def test_after_a_refusal_no_copy_stays(
        self, connector: CorrespondenceConnector, stage: CorrespondenceStage
    ) -> None:
        stage.refuse()
        delivery = self.a_delivery(stage.destination())
        [answer] = self.deliver(connector, delivery)
        assert (answer.kind, stage.copies()) == (AnswerKind.REFUSED, [])
        assert asyncio.run(connector.inquire(delivery)).kind is AnswerKind.FAILED
