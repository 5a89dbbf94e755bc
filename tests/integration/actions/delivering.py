"""Shared parts of the delivery loop's tests: a clock moved by hand, a destination, the loop with a real connector."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pydantic import SecretStr

from andon import actions, audit
from andon.actions import AnswerKind, Deliveries, DeliveryStates, Destination
from andon.connectors.procedure import ProcedureConnector
from andon.connectors.webhook import WebhookConnector
from andon.decisions import DELIVER_ACTION
from andon.kernel import outbox
from andon.kernel.db import Database
from andon.kernel.events import Events
from andon.kernel.lookout import Lookout
from receiver import SECRET, Receiver


@dataclass
class MovedClock:
    """The real time, moved on by hand."""

    ahead: timedelta = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def move_on(self, span: timedelta) -> None:
        self.ahead += span


def a_destination(receiver: Receiver, *, name: str = "bank", timeout: float = 5, max_attempts: int = 12) -> Destination:
    return Destination(
        name,
        receiver.url,
        secrets=(SecretStr(SECRET),),
        timeout=timedelta(seconds=timeout),
        max_attempts=max_attempts,
        allow_private=True,
    )


@asynccontextmanager
async def delivering(
    database: Database,
    *destinations: Destination,
    clock: MovedClock,
    share: Callable[[], float] = lambda: 1.0,
    events: Events | None = None,
) -> AsyncIterator[Deliveries]:
    deliveries = Deliveries(
        database,
        {"webhook": WebhookConnector(clock), "procedure": ProcedureConnector(None, clock)},
        {destination.name: destination for destination in destinations},
        clock,
        events=events or Events(),
        share=share,
    )
    try:
        yield deliveries
    finally:
        await deliveries.close()
    require_sound(database)


def require_sound(database: Database) -> None:
    """Require that entries of the audit log explain the states and answers of all deliveries."""
    with database.snapshot() as tx:
        report = audit.verify(tx, evidence=DeliveryStates().by_action())
    assert report.ok, report.findings


@asynccontextmanager
async def running(database: Database, *workers: Deliveries) -> AsyncIterator[None]:
    """Run these as a worker does until the block ends; open deliveries are finished within five seconds."""
    stop, lookout = asyncio.Event(), Lookout(database)
    for worker in workers:
        lookout.watch(outbox.waiting_sql(DELIVER_ACTION), worker.poke)
    tasks = [asyncio.create_task(one.run(stop)) for one in (lookout, *workers)]
    try:
        yield
    finally:
        stop.set()
        await asyncio.wait_for(asyncio.gather(*tasks), 5)


def the_action(database: Database, message: outbox.Message) -> actions.Action:
    with database.begin() as tx:
        return actions.get(tx, message.id)


def kinds(database: Database, message: outbox.Message, at: datetime) -> list[AnswerKind | None]:
    with database.begin() as tx:
        return [attempt.kind for attempt in actions.attempts(tx, message.id, now=at)]
