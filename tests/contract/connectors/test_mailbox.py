"""The mailbox connector keeps the contract of connectors against Dovecot, and respects what people do with mails."""

import asyncio
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Barrier
from typing import Any, ClassVar

import pytest
from tests.contract.connectors.contract import ConnectorContract, a_delivery
from tests.contract.connectors.waiting import deliver_behind
from tests.crash.proxy import Proxy as Obstacle

from andon.actions import Answer, AnswerKind, Delivery, Destination
from andon.connectors.mailbox import MailboxConnector, MailboxSettings
from andon.connectors.mailbox.connector import SESSIONS
from andon.mail import MailSession
from dovecots import Dovecot, a_dovecot, a_mail, a_user
from proxy import Proxy

MOVE = {"do": "move", "message": "{key}@customers.test", "folder": "Cards"}


class MailboxStage:
    """A mailbox behind a proxy that loses answers."""

    def __init__(self, dovecot: Dovecot, proxy: Proxy, command: bytes) -> None:
        self.dovecot, self.user, self._proxy, self._command = dovecot, a_user(), proxy, command
        self._refused = self._failed = False
        dovecot.make(self.user, "Cards", "Loans")
        self.connections: dict[str, Any] = {
            "support": {"server": dovecot.server(self.user, port=proxy.port)},
            "nowhere": {"server": dovecot.server(self.user, port=1)},
        }

    def put(self, key: object) -> None:
        if self._refused:
            self._refused = False
            return
        self.dovecot.put(self.user, a_mail(Message_ID=f"<{key}@customers.test>"))

    def destination(self, *, timeout: timedelta = timedelta(seconds=5), connection: str = "support") -> Destination:
        settings = MailboxSettings(connection=connection)
        return Destination("support", timeout=timeout, settings={"mailbox": settings})

    def nowhere(self) -> Destination:
        return self.destination(connection="nowhere")

    def refuse(self) -> None:
        self._refused = True

    def fail(self) -> None:
        self._proxy.cut_before(b"EXAMINE")  # before anything is changed

    def keep_silent(self) -> None:
        self._proxy.hold_after(self._command)

    def vanish(self) -> None:
        self._proxy.cut_after(self._command)

    def taken(self) -> dict[str, int]:
        keys = [one.partition("@")[0] for one in self.dovecot.ids(self.user, "Cards")]
        return {key: keys.count(key) for key in keys}


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Dovecot]:
    with a_dovecot() as server:
        yield server


@pytest.fixture
def stage(dovecot: Dovecot) -> Iterator[MailboxStage]:
    with Proxy("127.0.0.1", dovecot.port) as proxy:
        yield MailboxStage(dovecot, proxy, b"UID MOVE")


@pytest.fixture
def connector(stage: MailboxStage) -> MailboxConnector:
    return MailboxConnector(stage.connections)


class TestMailbox(ConnectorContract):
    options: ClassVar[Mapping[str, Any]] = MOVE
    counts_repeats = False
    silence = timedelta(seconds=1)

    @pytest.fixture(autouse=True)
    def _on(self, stage: MailboxStage) -> None:
        self.stage = stage

    def a_delivery(self, destination: Destination) -> Delivery:
        delivery = super().a_delivery(destination)
        self.stage.put(delivery.key)
        return delivery

    def test_waiting_for_a_session_is_not_part_of_the_time(self, stage: MailboxStage) -> None:
        with Obstacle(stage.dovecot.port) as obstacle:
            stage.connections["support"] = {"server": stage.dovecot.server(stage.user, port=obstacle.port)}
            obstacle.stand_still()
            holding = [self.a_delivery(stage.destination(timeout=timedelta(seconds=30))) for _ in range(SESSIONS)]
            waiting = self.a_delivery(stage.destination(timeout=timedelta(seconds=1)))
            first, last = deliver_behind(MailboxConnector(stage.connections), holding, waiting, let_go=obstacle.go_on)
        assert [answer for answer in [*first, last] if answer.kind is not AnswerKind.DELIVERED] == []

    def test_a_mailbox_that_says_nothing_holds_up_no_other(self, stage: MailboxStage) -> None:
        with Obstacle(stage.dovecot.port) as obstacle:
            stage.connections["other"] = {"server": stage.dovecot.server(stage.user, port=obstacle.port)}
            obstacle.stand_still()
            there = stage.destination(connection="other", timeout=timedelta(seconds=30))
            holding = [self.a_delivery(there) for _ in range(SESSIONS)]
            here = self.a_delivery(stage.destination())

            async def run() -> Answer:
                connector = MailboxConnector(stage.connections)
                held = [asyncio.create_task(connector.deliver(one)) for one in holding]
                await asyncio.sleep(0)
                try:
                    async with asyncio.timeout(20):
                        return await connector.deliver(here)
                finally:
                    obstacle.go_on()
                    await asyncio.gather(*held)
                    await connector.close()

            assert asyncio.run(run()).kind is AnswerKind.DELIVERED

    def test_a_flag_is_set_and_removed(self, connector: MailboxConnector, stage: MailboxStage) -> None:
        flag = {"do": "flag", "message": "{key}@customers.test", "flags": ["$Urgent", "\\Flagged"]}
        delivery = replace(self.a_delivery(stage.destination()), options=flag)
        [answer] = self.deliver(connector, delivery)
        assert answer.kind is AnswerKind.DELIVERED
        [flags] = stage.dovecot.flags(stage.user, "INBOX")
        assert {"$Urgent", "\\Flagged"} <= flags
        assert "\\Seen" not in flags
        assert asyncio.run(connector.inquire(delivery)).kind is AnswerKind.DELIVERED
        [answer] = self.deliver(connector, replace(delivery, options=flag | {"remove": True}))
        assert "$Urgent" not in stage.dovecot.flags(stage.user, "INBOX")[0]

    def test_a_mail_that_somebody_moved_elsewhere_stays_there(
        self, connector: MailboxConnector, stage: MailboxStage
    ) -> None:
        delivery = self.a_delivery(stage.destination())
        stage.dovecot.move(stage.user, f"{delivery.key}@customers.test", "INBOX", "Loans")
        [answer] = self.deliver(connector, delivery)
        assert answer.kind is AnswerKind.REFUSED
        assert "it was moved or deleted" in answer.detail
        assert stage.dovecot.ids(stage.user, "Loans") == [f"{delivery.key}@customers.test"]

    def test_a_message_id_that_holds_another_is_not_taken_for_it(
        self, connector: MailboxConnector, stage: MailboxStage
    ) -> None:
        stage.dovecot.put(stage.user, a_mail(Message_ID="<long-a@customers.test>"))
        options = MOVE | {"message": "a@customers.test"}
        [answer] = self.deliver(connector, a_delivery(stage.destination(), options=options))
        assert answer.kind is AnswerKind.REFUSED
        assert stage.dovecot.ids(stage.user, "INBOX") == ["long-a@customers.test"]

    def test_a_folder_that_is_not_there_is_refused_unless_it_may_be_made(
        self, connector: MailboxConnector, stage: MailboxStage
    ) -> None:
        destination = stage.destination()
        delivery = replace(self.a_delivery(destination), options=MOVE | {"folder": "New"})
        [refused] = self.deliver(connector, delivery)
        assert (refused.kind, "no folder New" in refused.detail) == (AnswerKind.REFUSED, True)
        settings = {"mailbox": MailboxSettings(connection="support", make_folders=True)}
        making = replace(delivery, destination=replace(destination, settings=settings))
        assert [answer.kind for answer in self.deliver(connector, making)] == [AnswerKind.DELIVERED]
        assert stage.dovecot.ids(stage.user, "New") == [f"{delivery.key}@customers.test"]


def test_sessions_that_make_the_same_folder_at_once_all_find_it(dovecot: Dovecot) -> None:
    user, together = a_user(), 6
    sessions = [MailSession(dovecot.server(user)) for _ in range(together)]
    barrier = Barrier(together)

    def make(session: MailSession) -> None:
        for number in range(10):
            barrier.wait(10)
            session.make(f"Made {number}")

    with ThreadPoolExecutor(together) as pool:
        for done in [pool.submit(make, session) for session in sessions]:
            done.result()
    for session in sessions:
        session.close()
    assert dovecot.ids(user, "Made 9") == []
