"""The built-in intake, a table: requests accepted with 202 are claimed in batches and decided.

Taking a row out and recording its decision are one transaction, so a kill leaves a request either waiting or decided.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from time import perf_counter_ns
from uuid import UUID

import structlog
from msgspec.structs import replace

from andon import decisions
from andon.authoring import Trigger
from andon.decisions import Decider, DecisionRequest, Deployment, InputInvalid, InputMalformed, WaitingRequest
from andon.kernel.clock import Clock
from andon.kernel.db import Database, DatabaseUnavailable, Tx
from andon.kernel.errors import Invalid, Unavailable
from andon.kernel.events import Events
from andon.kernel.lookout import REST_SECONDS, first_of
from andon.streams import service
from andon.streams.domain import DeadEvent, StreamKey
from andon.streams.errors import Poison
from andon.streams.events import Event, event_of
from andon.streams.labelling import LabelWriter, ReportContract, refusal, reporting
from andon.streams.ports import Arrival
from andon.streams.reading import ArrivalReader
from andon.streams.store import dead

log = structlog.get_logger(__name__)

BATCH = 256
LEASE = timedelta(seconds=10)

MOST_DEATHS = 3
"""A request is set aside after this many workers died while deciding it."""

_DEADLY = f"the worker ended {MOST_DEATHS} times while it decided this; it is not tried again"
_REPEATED = "the event has since been decided through another entry point"
_REFUSED = "the database refused to record the decision; the worker's log says why"


class Intake:
    """Decides the waiting requests of the intake, until stopped. Models are loaded for the first of them.

    Its owner pokes it when there may be something to decide; otherwise it looks every REST_SECONDS.
    """

    def __init__(
        self, database: Database, deployment: Deployment, decider: Decider, clock: Clock, events: Events
    ) -> None:
        self._wake = asyncio.Event()
        self._interrupted: list[UUID] = []
        self._database = database
        self._deployment = deployment
        self._decider = decider
        self._clock = clock
        self._events = events

    async def run(self, stop: asyncio.Event) -> None:
        """Decide batch after batch until stopped."""
        while not stop.is_set():
            self._wake.clear()
            try:
                decided = await self.run_round()
            except Unavailable as error:
                log.warning("intake.interrupted", error=type(error).__name__)
                decided = 0
            if decided == 0:
                await first_of(stop, self._wake, within=REST_SECONDS)

    def poke(self) -> None:
        """Look now, because there may be something to decide."""
        self._wake.set()

    async def run_round(self) -> int:
        """Decide one batch; return how many requests were taken."""
        taken = await asyncio.to_thread(self._take)
        self._interrupted = [waiting.id for waiting, _ in taken]  # until the end of this round is known
        requests = [
            request
            for waiting, event in taken
            if (request := self._read(waiting) if event is None else self._read_again(waiting, event)) is not None
        ]
        if requests:
            keeping = asyncio.create_task(self._keep_claimed([request.id for request in requests]))
            try:
                decided = await self._decider.decide_batch(requests)
            finally:
                keeping.cancel()
            await asyncio.to_thread(self._fail_undecided, [r for r in requests if r.id not in decided])
        self._interrupted = []
        return len(taken)

    def _take(self) -> list[tuple[WaitingRequest, DeadEvent | None]]:
        with self._database.begin() as tx:
            if self._interrupted:
                decisions.give_back(tx, self._interrupted)
            if decisions.count_waiting(tx) == 0:
                return []
        if not self._deployment.lines:
            self._deployment.refresh()
        with self._database.begin() as tx:
            ready = sorted(self._deployment.lines)
            claimed = decisions.claim(tx, ready, limit=BATCH, now=self._clock.now(), lease=LEASE)
            return [
                (waiting, None if waiting.dead_event is None else dead.find(tx, waiting.dead_event))
                for waiting in claimed
                if not self._set_aside(tx, waiting)
            ]

    async def _keep_claimed(self, ids: Sequence[UUID]) -> None:
        """Extend the lease of requests until their batch has ended, so that it expires only if the worker dies."""
        while True:
            await asyncio.sleep(LEASE.total_seconds() / 3)
            with suppress(DatabaseUnavailable):
                await asyncio.to_thread(self._extend, ids)

    def _extend(self, ids: Sequence[UUID]) -> None:
        with self._database.begin() as tx:
            decisions.keep_claimed(tx, ids, until=self._clock.now() + LEASE)

    def _set_aside(self, tx: Tx, waiting: WaitingRequest) -> bool:
        """Set aside a request that MOST_DEATHS workers died on; return whether this is one."""
        if waiting.attempts <= MOST_DEATHS:
            return False
        log.error("intake.set_aside", request=str(waiting.id), automation=waiting.automation, deaths=MOST_DEATHS)
        if waiting.dead_event is None:
            decisions.fail(tx, waiting.id, _DEADLY, now=self._clock.now())
        else:
            service.fail_again(tx, waiting.dead_event, waiting.id, Poison(_DEADLY))
        return True

    def _read(self, waiting: WaitingRequest) -> DecisionRequest | None:
        try:
            given = self._deployment.lines[waiting.automation].contract.read(waiting.raw)
        except (InputInvalid, InputMalformed) as error:
            self._fail(waiting, f"the contract has changed since this was accepted: {error}")
            return None
        return DecisionRequest(
            id=waiting.id,
            automation=waiting.automation,
            raw=waiting.raw,
            input=given,
            caller=waiting.caller,
            correlation_id=waiting.correlation_id,
            asked_at=waiting.received_at,
            began_ns=perf_counter_ns() - int((self._clock.now() - waiting.received_at).total_seconds() * 1e9),
            traceparent=waiting.traceparent,
            idempotency=waiting.idempotency,
            from_intake=True,
            notify=waiting.notify,
        )

    def _read_again(self, waiting: WaitingRequest, event: DeadEvent) -> DecisionRequest | None:
        """Retry an event that could not be decided; it is dead again if that fails."""
        try:
            trigger = reporting(self._deployment.lines[waiting.automation].automation, event.stream)
            if trigger is None:
                return self._again(waiting, event)
            self._report_again(waiting, event, trigger)
            return None
        except Invalid as error:
            with self._database.begin() as tx:
                service.fail_again(tx, event.id, waiting.id, error)
            return None

    def _again(self, waiting: WaitingRequest, event: DeadEvent) -> DecisionRequest:
        line = self._deployment.lines[waiting.automation]
        trigger = next((t for t in line.automation.triggers if t.name == event.stream), None)
        if trigger is None:
            raise Poison(f"{waiting.automation} no longer has a trigger {event.stream}")
        return self._request(
            waiting, event, ArrivalReader(StreamKey(event.automation, event.stream), trigger, line.contract)
        )

    def _report_again(self, waiting: WaitingRequest, event: DeadEvent, trigger: Trigger) -> None:
        """Retry an event that reports the truth; afterwards it no longer waits."""
        reader = ArrivalReader(StreamKey(event.automation, event.stream), trigger, ReportContract())
        request = self._request(waiting, event, reader)
        writer = LabelWriter(self._database, event.automation, events=self._events, clock=self._clock)
        with self._database.begin() as tx:
            decisions.withdraw(tx, waiting.id)
            (settled,) = writer.record(tx, [request])
            if settled.error is not None:
                raise refusal(settled.error)

    def _request(self, waiting: WaitingRequest, event: DeadEvent, reader: ArrivalReader) -> DecisionRequest:
        known = Event(
            waiting.raw,
            event.source,
            event.event_id,
            event.type,
            event.happened_at,
            event.correlation_id,
            event.traceparent,
        )
        came = known if waiting.mended or event.event_id is not None else event_of(waiting.raw, event.headers)
        found = reader.input_of(came)
        if found is None:
            raise Poison("The trigger ignores this event")
        arrival = Arrival(event.position, came.data, event.headers, event.key, event.happened_at, event.caller)
        request = reader.request_of(came, *found, arrival, waiting.received_at, waiting.id)
        return replace(request, from_intake=True)

    def _fail_undecided(self, undecided: list[DecisionRequest]) -> None:
        """Fail requests that another worker has taken.

        A caller's own key is reserved for its request, an event's is not.
        """
        with self._database.begin() as tx:
            taken = decisions.holders(tx, [key for request in undecided if (key := request.idempotency) is not None])
            for request in undecided:
                key = request.idempotency
                repeats = key is not None and taken.get((key.scope, key.key), request.id) != request.id
                decisions.fail(tx, request.id, _REPEATED if repeats else _REFUSED, now=self._clock.now())

    def _fail(self, waiting: WaitingRequest, error: str) -> None:
        with self._database.begin() as tx:
            decisions.fail(tx, waiting.id, error, now=self._clock.now())
