"""All SQL about deliveries, beyond the outbox itself. Never commits."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
from pydantic_core import from_json
from sqlalchemy import delete, select, text
from sqlalchemy.dialects.postgresql import insert as upsert

from andon import audit
from andon.actions import proving
from andon.actions.domain import AnswerKind, Attempt, Disabled
from andon.actions.tables import delivery_answers, delivery_attempts, disabled_destinations
from andon.kernel.claims import CONCLUDE, CONCLUDE_NAMES, Conclusion, conclude_sql, conclusions_of
from andon.kernel.db import Tx, run_plain
from andon.kernel.outbox import Known, MessageState

_BEGUN = (("ids", "uuid"), ("messages", "uuid"), ("numbers", "int"), ("began", "timestamptz"), ("inquiries", "bool"))
_ENDED = (
    ("attempts", "uuid"),
    ("ended", "timestamptz"),
    ("kinds", "text"),
    ("statuses", "int"),
    ("details", "text"),
    ("results", "jsonb"),
)


def _write_sql(begun: str, ended: str, place: str, conclude: str, leaf: str = "") -> str:
    return f"""
WITH {leaf}begun AS (
    INSERT INTO delivery_attempts (id, message_id, number, began_at, inquiry)
    SELECT * FROM unnest({begun})
    ON CONFLICT (id) DO NOTHING
), ended AS (
    INSERT INTO delivery_answers (attempt_id, ended_at, kind, status, detail, result, writer, seq)
    SELECT *, {place} FROM unnest({ended})
    ON CONFLICT (attempt_id) DO NOTHING
)
{conclude}
"""


_AFTER = 12 + len(CONCLUDE_NAMES)


def _group_sql(place: str, leaf: str = "") -> str:
    return _write_sql(
        ", ".join(f"${number}::{kind}[]" for number, (_, kind) in enumerate(_BEGUN, 1)),
        ", ".join(f"${number}::{kind}[]" for number, (_, kind) in enumerate(_ENDED, 6)),
        place,
        conclude_sql(12),
        leaf,
    )


_WRITE = _group_sql("NULL::uuid, NULL::bigint")
_WRITE_WITH_LEAF = _group_sql(audit.place_sql(_AFTER), f"leaf AS ({audit.insert_sql(_AFTER)}), ")

_BURY = text(
    _write_sql(
        ", ".join(f"CAST(:{name} AS {kind}[])" for name, kind in _BEGUN),
        ", ".join(f"CAST(:{name} AS {kind}[])" for name, kind in _ENDED),
        "CAST(NULL AS uuid), CAST(NULL AS bigint)",
        CONCLUDE.format(**{name: f":o_{name}" for name in CONCLUDE_NAMES}) + "RETURNING o.id, o.scope, o.lane",
    )
)

_LAST = """
SELECT DISTINCT ON (a.message_id) a.message_id, a.id, a.number, a.began_at, r.ended_at, r.kind, r.status, r.detail,
       r.result
FROM delivery_attempts a LEFT JOIN delivery_answers r ON r.attempt_id = a.id
WHERE a.message_id = ANY($1::uuid[]) AND NOT a.inquiry
ORDER BY a.message_id, a.id DESC
"""


@dataclass(frozen=True, slots=True)
class PostboxEntry:
    """The writes for one claimed message: an attempt that begins, one that ended, the end of the claim."""

    begun: tuple[UUID, Attempt] | None = None
    ended: Attempt | None = None
    conclusion: Conclusion | None = None

    @property
    def answer_item(self) -> bytes | None:
        """The item of an audit entry for the attempt that ended."""
        if self.ended is None:
            return None
        if self.begun is not None:
            return proving.answer_item(self.begun[0], self.ended)
        return None if self.conclusion is None else proving.answer_item(self.conclusion.message.id, self.ended)


async def write(
    connection: asyncpg.Connection, entries: Sequence[PostboxEntry], *, leaf: audit.Leaf | None, now: datetime
) -> None:
    """Write a group of entries as one statement, so in one commit, with the leaf that vouches for its answers.

    Writing them again, with the next leaf of another chain, changes nothing.
    """
    values = (*_columns(entries), *_conclusions(entries, now))
    if leaf is None:
        await connection.execute(_WRITE, *values)
    else:
        await connection.execute(_WRITE_WITH_LEAF, *values, *audit.values_of(leaf))


def bury(tx: Tx, entries: Sequence[PostboxEntry], *, now: datetime) -> list[Known]:
    """Write entries in the caller's transaction; return the messages that they ended, without those ended before.

    No leaf vouches for them before `vouch` does, in the same transaction.
    """
    names = [name for name, _ in (*_BEGUN, *_ENDED)] + [f"o_{name}" for name in CONCLUDE_NAMES]
    values = [*_columns(entries), *_conclusions(entries, now)]
    return [Known(*row) for row in tx.execute(_BURY, dict(zip(names, values, strict=True)))]


def vouch(tx: Tx, entries: Sequence[PostboxEntry], *, chain: audit.Chain, now: datetime) -> audit.Leaf:
    """Write the chain's next leaf, which vouches for what `bury` wrote at `now` in this transaction."""
    ended = [entry for entry in entries if entry.ended is not None]
    buried = [entry.conclusion.message.id for entry in entries if entry.conclusion is not None]
    place = dict(zip(("writer", "seq"), chain.place, strict=True))
    dead = tx.execute(_NOTE_DEATHS, {"ids": buried, "now": now, **place}).all()
    tx.execute(_NOTE_ANSWERS, {"ids": [entry.ended.id for entry in ended if entry.ended is not None], **place})
    items = [item for entry in ended if (item := entry.answer_item) is not None]
    items += [proving.death_item(row.id, now, row.last_error) for row in dead]
    leaf = proving.linked(chain, items, now)
    run_plain(tx, audit.insert_sql(1), audit.values_of(leaf))
    return leaf


_NOTE_DEATHS = text("""
WITH dead AS (
    SELECT id, last_error FROM outbox WHERE id = ANY(CAST(:ids AS uuid[])) AND state = 'dead' AND settled_at = :now
), noted AS (
    INSERT INTO delivery_deaths (message_id, writer, seq)
    SELECT id, CAST(:writer AS uuid), CAST(:seq AS bigint) FROM dead
    ON CONFLICT (message_id) DO UPDATE SET writer = excluded.writer, seq = excluded.seq
)
SELECT id, last_error FROM dead
""")

_NOTE_ANSWERS = text(
    "UPDATE delivery_answers SET writer = CAST(:writer AS uuid), seq = CAST(:seq AS bigint) "
    "WHERE attempt_id = ANY(CAST(:ids AS uuid[])) AND writer IS NULL"
)


class UnexplainedState(NamedTuple):
    """A delivery whose state its answers alone do not explain."""

    id: UUID
    state: MessageState
    revived: bool
    delivered: bool


_UNEXPLAINED = text("""
SELECT m.id, m.state, m.revived_at IS NOT NULL, t.message_id IS NOT NULL
FROM outbox AS m
LEFT JOIN (
    SELECT DISTINCT a.message_id FROM delivery_attempts AS a
    JOIN delivery_answers AS r ON r.attempt_id = a.id WHERE r.kind = 'delivered'
) AS t ON t.message_id = m.id
WHERE m.topic = :topic AND (
    m.revived_at IS NOT NULL
    OR (m.state = 'done' AND t.message_id IS NULL)
    OR (m.state = 'pending' AND t.message_id IS NOT NULL)
)
""")

_WITHOUT_MESSAGE = text("""
SELECT DISTINCT a.message_id FROM delivery_attempts AS a
WHERE NOT EXISTS (SELECT FROM outbox AS m WHERE m.id = a.message_id)
""")

_STREAMED = {"stream_results": True, "yield_per": 1000}


def unexplained(tx: Tx, topic: str) -> Iterator[UnexplainedState]:
    """Yield the deliveries whose state their answers alone do not explain, from a cursor of the server."""
    for identifier, state, revived, delivered in tx.execute(
        _UNEXPLAINED, {"topic": topic}, execution_options=_STREAMED
    ):
        yield UnexplainedState(identifier, MessageState(state), revived, delivered)


def states_of(tx: Tx, ids: Sequence[UUID]) -> dict[UUID, MessageState]:
    """Return the state of each of these messages that exists."""
    rows = tx.execute(text("SELECT id, state FROM outbox WHERE id = ANY(:ids)"), {"ids": list(ids)})
    return {row.id: MessageState(row.state) for row in rows}


def without_message(tx: Tx) -> Iterator[UUID]:
    """Yield the messages that were attempted and do not exist any more, from a server-side cursor."""
    yield from tx.execute(_WITHOUT_MESSAGE, execution_options=_STREAMED).scalars()


async def last_attempts(connection: asyncpg.Connection, message_ids: Sequence[UUID]) -> dict[UUID, Attempt]:
    """Return the last attempt at each tried message, without inquiries."""
    rows = await connection.fetch(_LAST, message_ids)
    return {row["message_id"]: _attempt(row) for row in rows}


async def gone(connection: asyncpg.Connection) -> dict[str, Disabled]:
    """All disabled destinations by name."""
    rows = await connection.fetch("SELECT name, disabled_at, reason FROM disabled_destinations")
    return {row["name"]: Disabled(row["name"], row["disabled_at"], row["reason"]) for row in rows}


def attempts_of(tx: Tx, message_id: UUID) -> list[Attempt]:
    """All attempts at one message, oldest first."""
    joined = delivery_attempts.outerjoin(delivery_answers, delivery_answers.c.attempt_id == delivery_attempts.c.id)
    query = (
        select(delivery_attempts, delivery_answers)
        .select_from(joined)
        .where(delivery_attempts.c.message_id == message_id)
        .order_by(delivery_attempts.c.id)
    )
    return [replace(_attempt(dict(row)), inquiry=row["inquiry"]) for row in tx.execute(query).mappings()]


def disable(tx: Tx, destination: Disabled) -> bool:
    """Disable a destination. Return False if it was disabled already."""
    values = {"name": destination.name, "disabled_at": destination.disabled_at, "reason": destination.reason}
    statement = upsert(disabled_destinations).values(values).on_conflict_do_nothing()
    return tx.execute(statement).rowcount == 1


def enable(tx: Tx, name: str) -> bool:
    """Enable a destination again. Return False if it was not disabled."""
    statement = delete(disabled_destinations).where(disabled_destinations.c.name == name)
    return tx.execute(statement).rowcount == 1


def disabled(tx: Tx) -> dict[str, Disabled]:
    """All disabled destinations by name."""
    rows = tx.execute(select(disabled_destinations).order_by(disabled_destinations.c.name))
    return {row.name: Disabled(row.name, row.disabled_at, row.reason) for row in rows}


def _attempt(row: Mapping[str, Any]) -> Attempt:
    return Attempt(
        id=row["id"],
        number=row["number"],
        began_at=row["began_at"],
        ended_at=row["ended_at"],
        kind=None if row["kind"] is None else AnswerKind(row["kind"]),
        status=row["status"],
        detail=row["detail"] or "",
        result=from_json(row["result"]) if isinstance(row["result"], str) else row["result"],
    )


def _columns(entries: Sequence[PostboxEntry]) -> list[list[Any]]:
    """Return the attempts that began and those that ended, one list per column."""
    begun = [entry.begun for entry in entries if entry.begun is not None]
    ended = [entry.ended for entry in entries if entry.ended is not None]
    return [
        [a.id for _, a in begun],
        [message_id for message_id, _ in begun],
        [a.number for _, a in begun],
        [a.began_at for _, a in begun],
        [a.inquiry for _, a in begun],
        [a.id for a in ended],
        [a.ended_at for a in ended],
        [None if a.kind is None else a.kind.value for a in ended],
        [a.status for a in ended],
        [a.detail for a in ended],
        [None if a.result is None else json.dumps(a.result) for a in ended],
    ]


def _conclusions(entries: Sequence[PostboxEntry], now: datetime) -> list[Any]:
    return conclusions_of([entry.conclusion for entry in entries if entry.conclusion is not None], now=now)
