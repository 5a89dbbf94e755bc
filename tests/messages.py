"""The outbox messages of a decision, as the workers that carry them out find them."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import asyncpg

import ledger
from andon.decisions import DELIVER_ACTION, OPEN_REVIEW
from andon.kernel import claims, outbox
from andon.kernel.claims import Room
from andon.kernel.db import Database
from andon.kernel.ids import uuid7


def an_action(at: datetime, *, destination: str = "bank", automation: str = "payments") -> outbox.Message:
    """Return a message that asks for a webhook."""
    decision_id = uuid7(at)
    return outbox.Message(
        id=uuid7(at),
        topic=DELIVER_ACTION,
        scope=automation,
        subject=decision_id,
        payload={
            "action": "release",
            "connector": "webhook",
            "destination": destination,
            "options": {},
            "outcome": "release",
        },
        correlation_id="corr-1",
        created_at=at,
        due_at=at,
    )


def a_question(at: datetime, *, automation: str = "payments", queue: str = "fraud", due: float = 900) -> outbox.Message:
    """Return a message that asks for a review; only the outcome `pause` has an action."""
    decision_id = uuid7(at)
    pause = {"action": "pause", "connector": "webhook", "destination": "bank", "options": {}}
    return outbox.Message(
        id=uuid7(at),
        topic=OPEN_REVIEW,
        scope=automation,
        subject=decision_id,
        payload={
            "queue": queue,
            "due_seconds": due,
            "rule": "otherwise",
            "reasons": ["NOT_CERTAIN"],
            "outcomes": ["release", "pause"],
            "actions": {"pause": pause},
        },
        correlation_id="corr-1",
        created_at=at,
        due_at=at,
    )


def put(database: Database, *messages: outbox.Message) -> None:
    """Write messages and the decisions they are about, committed."""
    questions = [message for message in messages if message.topic == OPEN_REVIEW]
    with database.begin() as tx:
        ledger.record(tx, questions, outcome="review", score=0.5)
        ledger.record(tx, [message for message in messages if message.topic == DELIVER_ACTION])
        outbox.add(tx, messages)


def bury(database: Database, messages: Sequence[outbox.Message], *, at: datetime, why: str = "answered 422") -> None:
    """Write messages as dead letters."""
    put(database, *messages)
    with database.begin() as tx:
        for message in messages:
            outbox.settle(tx, message.id, outbox.MessageState.DEAD, now=at, error=why)


def connected(database: Database, work: Callable[[asyncpg.Connection], Awaitable[Any]]) -> Any:
    """Do something on one connection of asyncpg."""

    async def run() -> Any:
        connection = await database.connect()
        try:
            return await work(connection)
        finally:
            await connection.close()

    return asyncio.run(run())


def claim(
    database: Database, *rooms: Room, now: datetime, lease: timedelta, elsewhere: int = 0
) -> list[outbox.Message]:
    """Claim actions, as who delivers them does."""

    async def work(connection: asyncpg.Connection) -> list[outbox.Message]:
        return await claims.claim(connection, DELIVER_ACTION, rooms, elsewhere=elsewhere, now=now, lease=lease)

    found: list[outbox.Message] = connected(database, work)
    return found


def conclude(database: Database, *conclusions: claims.Conclusion, now: datetime) -> None:
    """Say how claimed messages ended."""

    async def work(connection: asyncpg.Connection) -> None:
        await connection.execute(claims.conclude_sql(1), *claims.conclusions_of(conclusions, now=now))

    connected(database, work)
