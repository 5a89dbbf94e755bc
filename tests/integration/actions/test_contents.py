"""A decision's content is read from the ledger when it is sent: the same bytes each time, none of it in the outbox."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import asyncpg
import pytest
from msgspec.structs import replace

from andon.actions import Answer, AnswerKind, Deliveries, Delivery, Destination
from andon.actions.cloudevents import data_of
from andon.actions.domain import Repeat
from andon.kernel import outbox
from andon.kernel.db import Database
from andon.kernel.events import Events
from integration.actions.delivering import MovedClock
from ledger import content
from messages import an_action, put


class Listener:
    """A connector that takes what is sent at a certain try, and keeps the bytes of each."""

    repeat = Repeat.IDEMPOTENT

    def __init__(self, *, tries: int) -> None:
        self._tries = tries
        self.bodies: dict[str, list[bytes]] = {}
        self.recorded: dict[str, bool] = {}

    async def deliver(self, delivery: Delivery) -> Answer:
        bodies = self.bodies.setdefault(str(delivery.key), [])
        bodies.append(data_of(delivery))
        self.recorded[str(delivery.key)] = delivery.recorded
        return Answer(AnswerKind.DELIVERED if len(bodies) == self._tries else AnswerKind.FAILED)

    async def close(self) -> None: ...


class Watched(Database):
    """A database that notes what is asked of the ledger on its connections."""

    asked: Sequence[str] = ()

    async def connect(self, **options: Any) -> asyncpg.Connection:
        connection = await super().connect(**options)
        connection.add_query_logger(self._note)
        return connection

    def _note(self, query: Any) -> None:
        if "FROM decisions" in query.query:
            self.asked = [*self.asked, query.query]


def with_payload(message: outbox.Message, **more: Any) -> outbox.Message:
    return replace(message, payload={**message.payload, **more})


def test_each_kind_of_message_sends_its_content_the_same_bytes_at_each_attempt_and_asks_the_ledger_once_a_claim(
    database: Database, clock: MovedClock
) -> None:
    action, old = an_action(clock.now()), an_action(clock.now())
    verdict = with_payload(an_action(clock.now()), outcome="pause", verdict="pause")
    answer = with_payload(an_action(clock.now()), action="notify", outcome="decided", answer=True)
    copy = {"id": str(old.subject), "outcome": "release", "decided_by": "policy", "input": {"name": "Zoë", "n": 1e22}}
    old = with_payload(old, automation="payments", decision=copy)
    sent = [
        (action, content(action)),
        (verdict, content(verdict, outcome="pause", decided_by="review")),
        (answer, {**content(answer), "status": "decided"}),
        (old, copy),
    ]
    put(database, *(message for message, _ in sent))
    listener, watched = Listener(tries=2), Watched(database.url)

    async def rounds() -> list[int]:
        bank = {"bank": Destination("bank")}
        deliveries = Deliveries(watched, {"webhook": listener}, bank, clock, events=Events(), share=lambda: 0.0)
        try:
            return [await deliveries.run_round(), await deliveries.run_round()]
        finally:
            await deliveries.close()

    assert asyncio.run(rounds()) == [0, len(sent)]
    watched.close()
    for message, expected in sent:
        whole = json.dumps(expected, separators=(",", ":")).encode()
        assert listener.bodies[str(message.id)] == [whole, whole]
        assert listener.recorded[str(message.id)] is (message is not old)
    assert len(watched.asked) == 2, "one query for each batch that was claimed"


@pytest.mark.parametrize("many", [1, 300])
def test_a_batch_of_messages_is_sent_whole(database: Database, clock: MovedClock, many: int) -> None:
    messages = [an_action(clock.now()) for _ in range(many)]
    messages += [replace(message, id=an_action(clock.now()).id) for message in messages[:10]]  # two of one decision
    put(database, *messages)
    listener = Listener(tries=1)

    async def rounds() -> int:
        bank = {"bank": Destination("bank", max_concurrent=512)}
        deliveries = Deliveries(database, {"webhook": listener}, bank, clock, events=Events(), share=lambda: 0.0)
        try:
            return sum([await deliveries.run_round() for _ in range(8)])
        finally:
            await deliveries.close()

    assert asyncio.run(rounds()) == len(messages)
    for message in messages:
        assert json.loads(listener.bodies[str(message.id)][0]) == content(message)
