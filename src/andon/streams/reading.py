"""The step from messages to requests, or to the reason why there is none, by an automation's trigger. Pure but for ids.

A message that cannot be decided never holds up later ones: it becomes a dead event with the reason.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from time import perf_counter_ns
from typing import Any, Protocol
from uuid import UUID

import structlog
from pydantic_core import to_json

from andon.authoring import Trigger
from andon.decisions import DecisionRequest, Idempotency, Priority
from andon.kernel.errors import Fault, Invalid
from andon.kernel.ids import uuid7
from andon.streams.domain import DeadEvent, StreamKey
from andon.streams.errors import Poison, ReadFailed, reason_of
from andon.streams.events import Event, EventUnreadable, events_of, value_of
from andon.streams.ports import Arrival

log = structlog.get_logger(__name__)

LONGEST_CORRELATION = 128
"""Characters; a longer id of an event is not its correlation id."""

MAX_BYTES = 1_000_000


@dataclass(slots=True)
class Chunk:
    """The messages read from one partition: requests to decide, in order, and dead events. Recorded as a whole."""

    partition: str
    first: int
    next: int
    arrivals: Sequence[Arrival]
    requests: list[DecisionRequest] = field(default_factory=list)
    origins: list[int] = field(default_factory=list)
    """For each request, the number of its message in `arrivals`."""
    dead: list[DeadEvent] = field(default_factory=list)
    left_out: int = 0
    repeated: int = 0
    watermark: datetime | None = None


class Reads(Protocol):
    """Reads inputs, as an automation's contract does."""

    def read(self, raw: bytes) -> Mapping[str, Any]:
        """Parse an input from JSON. Raises Invalid."""
        ...


class ArrivalReader:
    """Reads the messages of one stream. `max_bytes` is the size of the largest message that is read."""

    def __init__(self, key: StreamKey, trigger: Trigger, contract: Reads, *, max_bytes: int = MAX_BYTES) -> None:
        self.key = key
        self._trigger = trigger
        self._contract = contract
        self._types = frozenset(trigger.types)
        self._max_bytes = max_bytes

    def read(
        self, partition: str, first: int, arrivals: Sequence[Arrival], now: datetime, *, most: int | None = None
    ) -> Chunk:
        """Return the requests of these messages, or of the first if they hold more than `most` events.

        `first` is the position they were read from.
        """
        chunk = Chunk(partition, first, arrivals[-1].position + 1, arrivals)
        for number, arrival in enumerate(arrivals):
            if most is not None and len(chunk.requests) >= most:
                chunk.arrivals, chunk.next = arrivals[:number], arrivals[number - 1].position + 1
                break
            try:
                self._read(chunk, number, arrival, now)
            except Invalid as error:
                chunk.dead.append(self.dead(partition, arrival, error, now))
        return chunk

    def dead(
        self, partition: str, arrival: Arrival, error: Invalid, now: datetime, event: Event | None = None
    ) -> DeadEvent:
        """Return the dead event of a message, or of one event in it."""
        event = event or Event(arrival.data)
        return DeadEvent(
            id=uuid7(now),
            automation=self.key.automation,
            stream=self.key.stream,
            partition=partition,
            position=arrival.position,
            source=event.source,
            event_id=event.id,
            type=event.type,
            reason=reason_of(error),
            faults=error.faults,
            data=event.data,
            headers=arrival.headers,
            key=arrival.key,
            caller=arrival.caller or self.key.stream,
            correlation_id=event.correlation,
            traceparent=event.traceparent,
            happened_at=event.time or arrival.at,
            died_at=now,
        )

    def input_of(self, event: Event) -> tuple[bytes, Mapping[str, Any]] | None:
        """Return an event's input, as JSON and as the contract reads it; None if it is skipped. Raises Invalid."""
        if event.type is not None and self._types and event.type not in self._types:
            return None
        raw = event.data
        if self._trigger.read is not None:
            made = self._made(value_of(raw))
            if made is None:
                return None
            raw = made
        return raw, self._contract.read(raw)

    def request_of(
        self, event: Event, raw: bytes, given: Mapping[str, Any], arrival: Arrival, now: datetime, identifier: UUID
    ) -> DecisionRequest:
        """Return the request of an event."""
        correlation = event.correlation or event.id
        if correlation is None or len(correlation) > LONGEST_CORRELATION:
            correlation = str(identifier)
        return DecisionRequest(
            id=identifier,
            automation=self.key.automation,
            raw=raw,
            input=given,
            caller=arrival.caller or self.key.stream,
            correlation_id=correlation,
            asked_at=now,
            began_ns=perf_counter_ns(),
            traceparent=event.traceparent,
            idempotency=None
            if event.id is None or event.source is None
            else Idempotency.of_event(self.key.automation, event.source, event.id, raw),
            priority=Priority.NORMAL,
            happened_at=event.time or arrival.at,
            arrived_at=arrival.at,
        )

    def _read(self, chunk: Chunk, number: int, arrival: Arrival, now: datetime) -> None:
        if arrival.mail is not None and arrival.mail.decided:
            chunk.repeated += 1
            return
        if arrival.unreadable is not None:
            raise Poison(arrival.unreadable)
        if len(arrival.data) > self._max_bytes:
            raise Poison(
                f"It has {len(arrival.data)} bytes; an event may have {self._max_bytes} ([gateway] max_body_bytes)"
            )
        for event in events_of(arrival.data, arrival.headers):
            if isinstance(event, EventUnreadable):
                chunk.dead.append(self.dead(chunk.partition, arrival, event, now))
                continue
            try:
                found = self.input_of(event)
            except Invalid as error:
                chunk.dead.append(self.dead(chunk.partition, arrival, error, now, event))
                continue
            if found is None:
                chunk.left_out += 1
                continue
            request = self.request_of(event, *found, arrival, now, uuid7(now))
            chunk.requests.append(request)
            chunk.origins.append(number)
            happened = request.happened_at
            if happened is not None and happened <= now and (chunk.watermark is None or happened > chunk.watermark):
                chunk.watermark = happened

    def _made(self, value: Any) -> bytes | None:
        """Return the result of the builder's function for an event's data."""
        if not isinstance(value, dict):
            raise EventUnreadable("Its data is not a JSON object", faults=[Fault("data", "expected a JSON object")])
        assert self._trigger.read is not None  # noqa: S101 - asked before
        try:
            made = self._trigger.read(value)
            return None if made is None else to_json(made, inf_nan_mode="strings")
        except Exception as error:  # the builder's own code: anything it raises is the fault of this event
            log.warning("event.not_read", stream=str(self.key), error=type(error).__name__)
            raise ReadFailed.because(error) from error


def split(reader: ArrivalReader, chunk: Chunk, now: datetime) -> list[Chunk]:
    """Split a chunk into one per message, to find a message that breaks something."""
    parts: list[Chunk] = []
    first = chunk.first
    for arrival in chunk.arrivals:
        parts.append(reader.read(chunk.partition, first, [arrival], now))
        first = parts[-1].next
    return parts
