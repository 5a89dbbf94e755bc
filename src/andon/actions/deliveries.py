"""The delivery loop: claim due actions from the outbox, try each once, write down how it went, settle or try again later.

Every database call runs in a thread as one short transaction for a whole group. A claim is a lease of seconds that is
renewed while the work is under way, so what a dead process held is taken up within seconds by another.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

import structlog
from opentelemetry.trace import SpanKind, StatusCode

from andon.actions import service, store
from andon.actions.domain import Answer, AnswerKind, Attempt, BreakerState, Disabled, GiveUp, follow_up
from andon.actions.grouping import Grouped
from andon.actions.lanes import Lane, ask
from andon.actions.ports import Connector, Delivery, Destination
from andon.decisions import DELIVER_ACTION
from andon.kernel import outbox
from andon.kernel.clock import Clock
from andon.kernel.db import Database, DatabaseUnavailable
from andon.kernel.identity import PLATFORM
from andon.kernel.ids import uuid7
from andon.kernel.tracing import span, traceparent_of

LEASE = timedelta(seconds=6)
BATCH = 128
CAPACITY = 2048
IDLE = timedelta(milliseconds=200)
"""How soon a new action is seen when there was nothing to do."""

_log = structlog.get_logger(__name__)
_random = random.Random()  # noqa: S311 - jitter, not a secret


class Observer(Protocol):
    """Hears how deliveries go, for metrics. Called on the event loop, so it counts and returns."""

    def answered(self, destination: str, answer: Answer, *, attempt: int, seconds: float) -> None:
        """An attempt (from 1; above that it is a retry) ended."""
        ...

    def gave_up(self, destination: str) -> None:
        """A delivery became a dead letter."""
        ...


class Unobserved:
    """Nobody listens."""

    def answered(self, destination: str, answer: Answer, *, attempt: int, seconds: float) -> None:
        """Nothing."""

    def gave_up(self, destination: str) -> None:
        """Nothing."""


@dataclass(frozen=True, slots=True)
class _Ending:
    """What is to be written of one claimed message, in one transaction with others."""

    conclusion: outbox.Conclusion
    attempt: Attempt | None = None
    disables: Disabled | None = None


class Deliveries:
    """Carries out actions. `connectors` are by kind ("webhook"), `destinations` by the name that actions use."""

    def __init__(
        self,
        database: Database,
        connectors: Mapping[str, Connector],
        destinations: Mapping[str, Destination],
        clock: Clock,
        *,
        observer: Observer | None = None,
        share: Callable[[], float] = _random.random,
        width: int = 32,
    ) -> None:
        self._database = database
        self._connectors = dict(connectors)
        self._lanes = {name: Lane(destination, clock, width=width) for name, destination in destinations.items()}
        self._clock = clock
        self._observer = observer or Unobserved()
        self._share = share
        self._held: dict[UUID, outbox.Message] = {}
        self._disabled: Mapping[str, Disabled] = {}
        self._begun = Grouped(self._write_begun)
        self._endings = Grouped(self._write_endings)
        self._wake = asyncio.Event()
        self._stopping = False

    async def run_round(self) -> int:
        """Carry out one batch of what is due; how many were delivered. Raises DatabaseUnavailable."""
        async with self._renewing():
            taken = await self._take(BATCH)
            return sum(await asyncio.gather(*map(self._carry_out, taken)))

    async def run(self, stop: asyncio.Event) -> None:
        """Deliver until `stop` is set, then finish what is being sent and give back the rest."""
        stopping = asyncio.create_task(self._stop_when(stop))
        try:
            async with self._renewing(), asyncio.TaskGroup() as under_way:
                while not self._stopping:
                    self._wake.clear()
                    taken = await self._take_patiently(min(BATCH, CAPACITY - len(self._held)))
                    for message in taken:
                        under_way.create_task(self._carry_out(message))
                    if not taken:
                        await self._rest(IDLE)
        finally:
            stopping.cancel()
            self._stopping = False

    def breakers(self) -> dict[str, BreakerState]:
        """Where the breaker of each destination stands now."""
        return {name: lane.breaker for name, lane in self._lanes.items()}

    async def close(self) -> None:
        """Close all connectors."""
        for connector in self._connectors.values():
            await connector.close()

    async def _take_patiently(self, limit: int) -> list[outbox.Message]:
        try:
            return await self._take(limit) if limit > 0 else []
        except DatabaseUnavailable as error:
            _log.warning("deliveries wait for the database", error=str(error))
            await self._rest(timedelta(seconds=1))
            return []

    async def _take(self, limit: int) -> list[outbox.Message]:
        waiting = [name for name, lane in self._lanes.items() if lane.is_full or lane.blocked_until() is not None]
        claimed, self._disabled = await asyncio.to_thread(self._claim, limit, waiting)
        taken = [message for message in claimed if message.id not in self._held]
        for message in taken:
            self._held[message.id] = message
            self._count(message, 1)
        for message in claimed:
            if message not in taken:  # our own lease ran out while the database was away, and we are still at it
                await self._endings.add(self._later(message, self._clock.now() + LEASE))
        return taken

    async def _carry_out(self, message: outbox.Message) -> bool:
        """Bring one claimed message to an end and write that down; whether it was delivered."""
        try:
            ending = await self._ending(message)
            await self._endings.add(ending)
        except DatabaseUnavailable as error:
            _log.warning(
                "delivery not written down, comes again",
                action_id=str(message.id),
                correlation_id=message.correlation_id,
                error=str(error),
            )
            return False
        finally:
            del self._held[message.id]
            self._count(message, -1)
        if ending.conclusion.state is outbox.State.DEAD:
            self._observer.gave_up(service.action_of(message).destination)
        return ending.conclusion.state is outbox.State.DONE

    async def _ending(self, message: outbox.Message) -> _Ending:
        obstacle = self._obstacle(message)
        if obstacle is not None:
            return _Ending(outbox.Conclusion(message, outbox.State.DEAD, obstacle))
        lane = self._lanes[message.payload["destination"]]
        async with lane.slot():
            blocked_until = lane.blocked_until()
            if blocked_until is not None or self._stopping:
                return self._later(message, blocked_until or self._clock.now())
            return await self._attempt(message, lane)

    def _obstacle(self, message: outbox.Message) -> str | None:
        """Why a message cannot even be tried, for the person who will find it among the dead letters."""
        action = service.action_of(message)
        lane = self._lanes.get(action.destination)
        if lane is None:
            return (
                f"destination {action.destination!r} is not configured: "
                f"add [destinations.{action.destination}] to andon.toml, then send this again"
            )
        if action.connector not in self._connectors:
            return f"no connector {action.connector!r}; there are: {', '.join(sorted(self._connectors)) or 'none'}"
        if not isinstance(message.payload.get("decision"), Mapping):
            return "the message holds no decision to deliver"
        disabled = self._disabled.get(action.destination)
        if disabled is not None:
            return f"destination {action.destination!r} is disabled: {disabled.reason}"
        if message.attempts >= lane.destination.max_attempts:
            return f"gave up after {message.attempts} attempts; the last never got as far as an answer"
        return None

    async def _attempt(self, message: outbox.Message, lane: Lane) -> _Ending:
        began_at = self._clock.now()
        attempt = Attempt(uuid7(began_at), message.attempts + 1, began_at)
        lane.begin()
        try:
            await self._begun.add((message.id, attempt))
            started = asyncio.get_running_loop().time()
            answer = await self._ask(message, attempt, lane.destination)
        except BaseException:
            lane.abandon()
            raise
        lane.answered(answer)
        seconds = asyncio.get_running_loop().time() - started
        self._observer.answered(lane.destination.name, answer, attempt=attempt.number, seconds=seconds)
        return self._judge(message, attempt, answer, lane.destination)

    async def _ask(self, message: outbox.Message, attempt: Attempt, destination: Destination) -> Answer:
        """One attempt, as a span of the decision's trace; the receiver's part of it follows from that span."""
        delivery = _delivery(message, destination)
        about = {
            "andon.automation": delivery.automation,
            "andon.action": delivery.action,
            "andon.destination": destination.name,
            "andon.attempt": attempt.number,
        }
        with span("action.deliver", parent=message.traceparent, kind=SpanKind.CLIENT, attributes=about) as sending:
            delivery = replace(delivery, traceparent=traceparent_of(sending) or message.traceparent)
            answer = await ask(self._connectors[message.payload["connector"]], delivery)
            sending.set_attribute("andon.answer", answer.kind.value)
            if answer.status is not None:
                sending.set_attribute("http.response.status_code", answer.status)
            if answer.kind is not AnswerKind.DELIVERED:
                sending.set_status(StatusCode.ERROR)
        return answer

    def _judge(self, message: outbox.Message, attempt: Attempt, answer: Answer, destination: Destination) -> _Ending:
        now = self._clock.now()
        ended = replace(attempt, ended_at=now, kind=answer.kind, status=answer.status, detail=answer.detail)
        gone = Disabled(destination.name, now, f"it answered that it is gone ({answer.status})")
        disables = gone if answer.disable else None
        next_step = follow_up(
            answer, attempt=attempt.number, max_attempts=destination.max_attempts, share=self._share()
        )
        if next_step is None:
            conclusion = outbox.Conclusion(message, outbox.State.DONE)
        elif isinstance(next_step, GiveUp):
            conclusion = outbox.Conclusion(message, outbox.State.DEAD, next_step.why)
        else:
            error = f"{answer.kind}: {answer.detail}"
            conclusion = outbox.Conclusion(message, outbox.State.PENDING, error, now + next_step.wait)
        return _Ending(conclusion, ended, disables)

    def _later(self, message: outbox.Message, due_at: datetime) -> _Ending:
        return _Ending(
            outbox.Conclusion(message, outbox.State.PENDING, message.last_error, due_at=due_at, counted=False)
        )

    def _count(self, message: outbox.Message, change: int) -> None:
        """Keep the lane's count, and wake the loop when there is room for more."""
        lane = self._lanes.get(service.action_of(message).destination)
        if lane is None:
            return
        was_full = lane.is_full or len(self._held) + 1 >= CAPACITY
        lane.held += change
        if was_full and not lane.is_full:
            self._wake.set()

    async def _rest(self, span: timedelta) -> None:
        """Until there is room for more, or `stop` was asked for, or `span` has passed."""
        with suppress(TimeoutError):
            async with asyncio.timeout(span.total_seconds()):
                await self._wake.wait()

    async def _stop_when(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._stopping = True
        self._wake.set()

    @asynccontextmanager
    async def _renewing(self) -> AsyncIterator[None]:
        renewals = asyncio.create_task(self._renew())
        try:
            yield
        finally:
            renewals.cancel()
            with suppress(asyncio.CancelledError):
                await renewals

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(LEASE.total_seconds() / 3)
            if self._held:
                try:
                    await asyncio.to_thread(self._write_renewals, list(self._held.values()))
                except DatabaseUnavailable as error:
                    _log.warning("claims not renewed", error=str(error))

    def _claim(self, limit: int, waiting: Sequence[str]) -> tuple[list[outbox.Message], dict[str, Disabled]]:
        with self._database.begin() as tx:
            claimed = outbox.claim(
                tx, DELIVER_ACTION, limit=limit, now=self._clock.now(), lease=LEASE, unless=("destination", waiting)
            )
            return claimed, store.disabled(tx) if claimed else {}

    def _write_begun(self, begun: Sequence[tuple[UUID, Attempt]]) -> None:
        with self._database.begin() as tx:
            store.add_begun(tx, begun)

    def _write_endings(self, endings: Sequence[_Ending]) -> None:
        now = self._clock.now()
        with self._database.begin() as tx:
            store.add_answers(tx, [ending.attempt for ending in endings if ending.attempt is not None])
            outbox.conclude(tx, [ending.conclusion for ending in endings], now=now)
            for name, gone in {e.disables.name: e.disables for e in endings if e.disables is not None}.items():
                service.disable_destination(tx, name, actor=PLATFORM, reason=gone.reason, now=now)

    def _write_renewals(self, held: Sequence[outbox.Message]) -> None:
        with self._database.begin() as tx:
            outbox.renew(tx, held, until=self._clock.now() + LEASE)


def _delivery(message: outbox.Message, destination: Destination) -> Delivery:
    action = service.action_of(message)
    return Delivery(
        key=message.id,
        destination=destination,
        automation=action.automation,
        action=action.action,
        outcome=action.outcome,
        data=message.payload["decision"],
        created_at=message.created_at,
        correlation_id=message.correlation_id,
        traceparent=message.traceparent,
        options=message.payload.get("options") or {},
    )
