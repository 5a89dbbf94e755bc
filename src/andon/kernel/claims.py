"""Claims of outbox messages by lane, and the outcomes of the work on them.

On asyncpg, for consumers that deliver thousands a second to independent places.

Messages of a topic that share a lane wait for each other; the lane is a column computed from the payload. Messages to
be retried wait separately from fresh ones, so that either kind can be taken without the other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import asyncpg
from pydantic_core import from_json

from andon.kernel.outbox import Message, MessageState

_CLAIM = """
WITH RECURSIVE present(lane) AS (
    SELECT min(lane) FROM outbox WHERE topic = $1 AND state = 'pending' AND lane <> ''
    UNION ALL
    SELECT (
        SELECT min(o.lane) FROM outbox o
        WHERE o.topic = $1 AND o.state = 'pending' AND o.lane <> '' AND o.lane > p.lane
    )
    FROM present p WHERE p.lane IS NOT NULL
), wanted AS (
    SELECT p.lane, kind.again, CASE WHEN kind.again THEN coalesce(r.again, $6) ELSE coalesce(r.fresh, $6) END AS room
    FROM present p
    LEFT JOIN unnest($3::text[], $4::int[], $5::int[]) AS r(lane, fresh, again) ON r.lane = p.lane
    CROSS JOIN (VALUES (false), (true)) AS kind(again)
    WHERE p.lane IS NOT NULL
), due AS (
    SELECT next.id FROM wanted w CROSS JOIN LATERAL (
        SELECT o.id FROM outbox o
        WHERE o.topic = $1 AND o.state = 'pending' AND o.lane <> '' AND o.lane = w.lane AND o.again = w.again
          AND o.due_at <= $2 AND (o.claimed_until IS NULL OR o.claimed_until < $2)
        ORDER BY o.due_at LIMIT w.room FOR UPDATE SKIP LOCKED
    ) next
)
UPDATE outbox o SET claimed_until = $7, attempts = o.attempts + 1
WHERE o.id = ANY (ARRAY(SELECT id FROM due))
RETURNING o.id, o.topic, o.scope, o.subject, o.payload, o.correlation_id, o.traceparent, o.created_at, o.due_at,
          o.attempts, o.last_error, o.again, o.revived_at
"""
"""An array, so that no row estimate can make the planner read the whole table."""

_RENEW = """
WITH ours AS (
    SELECT o.id FROM outbox o JOIN unnest($2::uuid[], $3::int[]) AS c(id, attempts) ON o.id = c.id
    WHERE o.attempts = c.attempts AND o.state = 'pending' FOR UPDATE OF o SKIP LOCKED
)
UPDATE outbox o SET claimed_until = $1 FROM ours WHERE o.id = ours.id
"""
"""A locked row is being concluded at this moment; waiting for it could deadlock."""


CONCLUDE = """
UPDATE outbox o SET state = c.state, due_at = coalesce(c.due_at, o.due_at), claimed_until = NULL, last_error = c.error,
    attempts = o.attempts - CASE WHEN c.counted THEN 0 ELSE 1 END,
    again = c.state = 'pending' AND c.retry,
    settled_at = CASE WHEN c.state = 'pending' THEN NULL ELSE CAST({now} AS timestamptz) END
FROM unnest(CAST({ids} AS uuid[]), CAST({attempts} AS integer[]), CAST({states} AS text[]),
    CAST({due_ats} AS timestamptz[]), CAST({errors} AS text[]), CAST({counted} AS boolean[]),
    CAST({retries} AS boolean[]))
    AS c(id, attempts, state, due_at, error, counted, retry)
WHERE o.id = c.id AND o.state = 'pending' AND (o.attempts = c.attempts OR c.state = 'done')
"""
"""An expired claim that was taken over has no effect, except that finished work counts as done."""

CONCLUDE_NAMES = ("now", "ids", "attempts", "states", "due_ats", "errors", "counted", "retries")
"""The parameters of CONCLUDE, as `conclusions_of` gives them."""


@dataclass(frozen=True, slots=True)
class Conclusion:
    """The outcome of the work on one claimed message.

    A `pending` message is due again at `due_at`; with `counted=False` this was not an attempt. With `asks` it is due
    for a question about what was sent, which is not a retry.
    """

    message: Message
    state: MessageState
    error: str | None = None
    due_at: datetime | None = None
    counted: bool = True
    asks: bool = False

    @property
    def is_retry(self) -> bool:
        """Whether the next claim of the message is a retry."""
        return not self.asks and (self.message.again or self.counted)


@dataclass(frozen=True, slots=True)
class Room:
    """The room in a lane: how many fresh messages and how many retries may be taken."""

    lane: str
    fresh: int
    again: int


async def claim(
    connection: asyncpg.Connection,
    topic: str,
    rooms: Sequence[Room],
    *,
    elsewhere: int,
    now: datetime,
    lease: timedelta,
) -> list[Message]:
    """Take due messages, the oldest of each lane first, as far as there is room.

    `elsewhere` is the room of every other lane. Nobody else gets the messages before the lease ends. Each claim counts
    as an attempt, so work that kills its process also runs out of attempts.
    """
    rows = await connection.fetch(
        _CLAIM,
        topic,
        now,
        [room.lane for room in rooms],
        [room.fresh for room in rooms],
        [room.again for room in rooms],
        elsewhere,
        now + lease,
    )
    return sorted(map(_message, rows), key=lambda message: message.id)


async def renew(connection: asyncpg.Connection, claims: Sequence[Message], *, until: datetime) -> None:
    """Extend claims, except on messages that somebody else has claimed meanwhile."""
    await connection.execute(_RENEW, until, [m.id for m in claims], [m.claim.number for m in claims])


def conclude_sql(first: int) -> str:
    """Return the UPDATE that concludes a batch, as part of a larger statement.

    Its parameters are numbered from `first` on (see `conclusions_of`).
    """
    return CONCLUDE.format(**{name: f"${first + i}" for i, name in enumerate(CONCLUDE_NAMES)})


def conclusions_of(conclusions: Sequence[Conclusion], *, now: datetime) -> list[Any]:
    """Return the parameters of `conclude_sql`."""
    return [
        now,
        [c.message.id for c in conclusions],
        [c.message.claim.number for c in conclusions],
        [c.state.value for c in conclusions],
        [c.due_at for c in conclusions],
        [c.error for c in conclusions],
        [c.counted for c in conclusions],
        [c.is_retry for c in conclusions],
    ]


def _message(row: asyncpg.Record) -> Message:
    return Message(
        id=row[0],
        topic=row[1],
        scope=row[2],
        subject=row[3],
        payload=from_json(row[4]),
        correlation_id=row[5],
        traceparent=row[6],
        created_at=row[7],
        due_at=row[8],
        state=MessageState.PENDING,
        attempts=row[9] - 1,
        last_error=row[10],
        again=row[11],
        revived_at=row[12],
    )
