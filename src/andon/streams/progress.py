"""The positions of streams, written in the transaction that records their decisions.

Other SQL of streams is in `store`.
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from pydantic_core import to_json

from andon.decisions import AlongsideEntry
from andon.kernel.errors import Invalid
from andon.kernel.statements import Statement, all_of
from andon.streams import journal
from andon.streams.domain import DeadEvent, StreamKey
from andon.streams.errors import Poison
from andon.streams.reading import ArrivalReader, Chunk

_MOVE = """
WITH held AS (
    SELECT 1 FROM stream_partitions WHERE automation = $1 AND stream = $2 AND partition = ANY($4::text[])
    ORDER BY partition FOR UPDATE
)
UPDATE stream_partitions p SET
    position = n.next, watermark = greatest(p.watermark, n.watermark), moved_at = clock_timestamp(),
    decided = p.decided + n.decided, repeated = p.repeated + n.repeated,
    left_out = p.left_out + n.left_out, dead = p.dead + n.dead
FROM (SELECT count(*) FROM held) AS locked,
    unnest($4::text[], $5::bigint[], $6::bigint[], $7::timestamptz[], $8::int[], $9::int[], $10::int[], $11::int[])
    AS n(partition, first, next, watermark, decided, repeated, left_out, dead)
WHERE p.automation = $1 AND p.stream = $2 AND p.partition = n.partition
  AND p.position = n.first AND p.owner = $3 AND NOT p.paused AND p.seek IS NULL
RETURNING p.partition
"""
"""Rows are locked in order, so that two writers of several rows cannot deadlock."""

MOVE = all_of(_MOVE, "partition", "$4::text[]")
"""Move all of these partitions, or refuse."""

MOVED = """
SELECT count(*) FROM stream_partitions p
JOIN unnest($4::text[], $5::bigint[]) AS n(partition, next) ON p.partition = n.partition AND p.position = n.next
WHERE p.automation = $1 AND p.stream = $2 AND p.owner = $3
"""

REMEMBER = """
INSERT INTO mails (automation, mail, message_id, decision_id, folder)
SELECT $1::text, * FROM unnest($2::text[], $3::text[], $4::uuid[], $5::text[])
    AS n(mail, message_id, decision_id, folder)
ORDER BY mail ON CONFLICT DO NOTHING
"""
"""Remember permanently which decision a mail has: the keys of events are forgotten after two days."""

BURY = """
INSERT INTO dead_events (id, automation, stream, partition, position, source, event_id, type, reason,
    faults, data, headers, key, caller, correlation_id, traceparent, happened_at, died_at)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::text[], $8::text[],
    $9::text[], $10::text[]::jsonb[], $11::bytea[], $12::text[]::jsonb[], $13::text[], $14::text[], $15::text[],
    $16::text[],
    $17::timestamptz[], $18::timestamptz[])
"""


@dataclass(frozen=True, slots=True)
class Moved:
    """The results of a batch's events."""

    decided: int
    repeated: int
    left_out: int
    dead: int


@dataclass(slots=True)
class _Step:
    """The progress of one partition in a batch."""

    first: int
    next: int
    watermark: datetime | None
    decided: int = 0
    repeated: int = 0
    left_out: int = 0
    dead: int = 0


class Progress:
    """The writes of a batch of chunks in addition to its decisions: the position of each partition, and dead events."""

    def __init__(
        self, key: StreamKey, owner: UUID, reader: ArrivalReader, chunks: Sequence[Chunk], now: datetime
    ) -> None:
        self.moved = Moved(0, 0, 0, 0)
        self._key = key
        self._owner = owner
        self._reader = reader
        self._chunks = chunks
        self._now = now

    def statements(self, recorded: AbstractSet[UUID], refused: Mapping[UUID, str | Invalid]) -> list[Statement]:
        """Move all partitions and bury dead events; refuse if a partition has moved since it was read, or is not ours.

        `refused` says why PostgreSQL rejects some requests, or what is wrong with them.
        """
        steps, dead = self._steps(recorded, refused)
        burying = [(BURY, _columns(dead))] if dead else []
        mails = self._mails(recorded)
        remembering = [(REMEMBER, (self._key.automation, *map(list, zip(*mails, strict=True))))] if mails else []
        return [*burying, *remembering, (MOVE, self._moving(steps))]

    def entry(self) -> AlongsideEntry:
        """Return the audit entry about the move of each partition."""
        moves: dict[str, tuple[int, int]] = {}
        for chunk in self._chunks:
            first, _ = moves.get(chunk.partition, (chunk.first, 0))
            moves[chunk.partition] = first, chunk.next
        return journal.move(self._key, moves, self._now)

    async def is_written(self, connection: asyncpg.Connection) -> bool:
        """Return whether all partitions are where this batch moves them."""
        ends = {chunk.partition: chunk.next for chunk in self._chunks}
        found = await connection.fetchval(MOVED, *self._key, self._owner, list(ends), list(ends.values()))
        return bool(found == len(ends))

    def _mails(self, recorded: AbstractSet[UUID]) -> list[tuple[str, str, UUID, str]]:
        """Return the mails of the recorded decisions: their identity, their decision and their folder."""
        return [
            (mail.identity, mail.message_id, request.id, mail.folder)
            for chunk in self._chunks
            for request, origin in zip(chunk.requests, chunk.origins, strict=True)
            if (mail := chunk.arrivals[origin].mail) is not None and request.id in recorded
        ]

    def _moving(self, steps: Mapping[str, _Step]) -> tuple[Any, ...]:
        """Return the parameters of MOVE."""
        values = steps.values()
        return (
            *self._key,
            self._owner,
            list(steps),
            [step.first for step in values],
            [step.next for step in values],
            [step.watermark for step in values],
            [step.decided for step in values],
            [step.repeated for step in values],
            [step.left_out for step in values],
            [step.dead for step in values],
        )

    def _steps(
        self, recorded: AbstractSet[UUID], refused: Mapping[UUID, str | Invalid]
    ) -> tuple[dict[str, _Step], list[DeadEvent]]:
        steps: dict[str, _Step] = {}
        dead: list[DeadEvent] = []
        for chunk in self._chunks:
            step = steps.get(chunk.partition)
            if step is None:
                step = steps[chunk.partition] = _Step(chunk.first, chunk.next, chunk.watermark)
            buried = [*chunk.dead, *self._refused(chunk, refused)] if refused else chunk.dead
            decided = sum(request.id in recorded for request in chunk.requests)
            step.next = chunk.next
            step.watermark = max((m for m in (step.watermark, chunk.watermark) if m is not None), default=None)
            step.decided += decided
            step.repeated += chunk.repeated + len(chunk.requests) - decided - (len(buried) - len(chunk.dead))
            step.left_out += chunk.left_out
            step.dead += len(buried)
            dead += buried
        values = steps.values()
        self.moved = Moved(
            sum(step.decided for step in values),
            sum(step.repeated for step in values),
            sum(step.left_out for step in values),
            sum(step.dead for step in values),
        )
        return steps, dead

    def _refused(self, chunk: Chunk, refused: Mapping[UUID, str | Invalid]) -> list[DeadEvent]:
        """Return the events whose decisions PostgreSQL rejects, and unusable reports."""
        return [
            self._reader.dead(chunk.partition, chunk.arrivals[origin], _error(why), self._now)
            for request, origin in zip(chunk.requests, chunk.origins, strict=True)
            if (why := refused.get(request.id)) is not None
        ]


def _error(why: str | Invalid) -> Invalid:
    return why if isinstance(why, Invalid) else Poison(f"PostgreSQL refuses it: {why}")


def _columns(dead: Sequence[DeadEvent]) -> list[list[object]]:
    """Return the parameters of BURY. PostgreSQL's texts cannot hold a NUL character."""
    return [
        [event.id for event in dead],
        [event.automation for event in dead],
        [event.stream for event in dead],
        [event.partition for event in dead],
        [event.position for event in dead],
        [_storable(event.source) for event in dead],
        [_storable(event.event_id) for event in dead],
        [_storable(event.type) for event in dead],
        [_storable(event.reason) for event in dead],
        [_json([{"where": fault.where, "message": fault.message} for fault in event.faults]) for event in dead],
        [event.data for event in dead],
        [_json(dict(event.headers)) for event in dead],
        [_storable(event.key) for event in dead],
        [_storable(event.caller) for event in dead],
        [_storable(event.correlation_id) for event in dead],
        [event.traceparent for event in dead],
        [event.happened_at for event in dead],
        [event.died_at for event in dead],
    ]


def _storable(text: str | None) -> str | None:
    return None if text is None else text.replace("\0", "\N{REPLACEMENT CHARACTER}")


def _json(value: object) -> str:
    return to_json(value).decode().replace("\\u0000", "\\ufffd")
