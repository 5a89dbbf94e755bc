"""SQL about answers and dead letters as `andon audit verify` reads them: in bounded memory. Never commits."""

import json
from collections.abc import Collection, Iterator
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text

from andon.actions import proving
from andon.kernel.db import Tx, fetch_binary
from andon.kernel.outbox import MessageState

_STREAMED = {"stream_results": True, "yield_per": 1000}


def _moment(column: str) -> str:
    """Return a time in microseconds since 1970; null where it is infinite."""
    return f"CASE WHEN isfinite({column}) THEN (extract(epoch FROM {column}) * 1000000)::bigint END"


_ANSWER = (
    f"a.id, a.message_id, a.number, {_moment('a.began_at')}, a.inquiry, {_moment('r.ended_at')}, r.kind, r.status, "
    "r.detail, r.result::text, r.writer, r.seq"
)
_JOINED = "delivery_answers AS r JOIN delivery_attempts AS a ON a.id = r.attempt_id"

_OF_MESSAGES = f"SELECT {_ANSWER} FROM {_JOINED} WHERE a.message_id = ANY(%(ids)s::uuid[])"

_HELD = """ARRAY(
    SELECT substring(e.body FROM at + 17 FOR 32) FROM generate_series(1, octet_length(e.body) - 48, 49) AS at
    WHERE substring(e.body FROM at FOR 17) = {item}
)"""
"""The digests of one delivery in an entry."""

_LEAF = (
    "LEFT JOIN audit_entries AS e ON e.writer = {of}.writer AND e.seq = {of}.seq AND e.action = :action "
    "AND e.writer <> '00000000-0000-0000-0000-000000000000'"
)

_ANSWER_HELD = _HELD.format(item="'a'::bytea || uuid_send(a.message_id)")
_DEATH_HELD = _HELD.format(item="'d'::bytea || uuid_send(m.id)")

_ALL = text(
    f"SELECT {_ANSWER}, {_ANSWER_HELD} FROM {_JOINED} {_LEAF.format(of='r')} WHERE r.writer IS NOT NULL".replace(
        "::", "\\:\\:"
    )
)
_OLD = text(
    f"SELECT a.message_id FROM {_JOINED} WHERE r.writer IS NULL "
    "AND (CAST(:until AS timestamptz) IS NULL OR r.ended_at > :until)"
)
_COUNTS = text(
    f"SELECT count(*) FILTER (WHERE r.writer IS NOT NULL), count(*) FILTER (WHERE r.writer IS NULL) FROM {_JOINED}"
)
_DEAD = text(
    f"SELECT m.id, {_moment('m.settled_at')}, m.last_error, {_DEATH_HELD} "
    f"FROM outbox AS m LEFT JOIN delivery_deaths AS d ON d.message_id = m.id {_LEAF.format(of='d')} "
    "WHERE m.topic = :topic AND m.state = 'dead'"
)


class AnswerRow(NamedTuple):
    """One stored answer: its attempt and delivery, the digest, the place of its entry."""

    attempt: UUID
    message: UUID
    digest: bytes
    writer: UUID | None
    seq: int | None


class DeadRow(NamedTuple):
    """One stored dead letter, and its digests in its entry."""

    message: UUID
    settled_at: int | None
    digest: bytes
    held: Collection[bytes]


class StandingDelivery(NamedTuple):
    """The state of a delivery, and when it was last sent again, in microseconds since 1970."""

    state: MessageState
    revived_at: int | None


def answers_of(tx: Tx, messages: Collection[bytes]) -> dict[bytes, list[AnswerRow]]:
    """Return the answers of these deliveries, by the bytes of their ids."""
    found: dict[bytes, list[AnswerRow]] = {}
    for row in fetch_binary(tx, _OF_MESSAGES, {"ids": [str(UUID(bytes=one)) for one in messages]}):
        answer = _answer(row)
        found.setdefault(answer.message.bytes, []).append(answer)
    return found


def standing(tx: Tx, messages: Collection[bytes]) -> dict[bytes, StandingDelivery]:
    """Return the states of those of these deliveries that exist, by the bytes of their ids."""
    query = f"SELECT id, state, {_moment('revived_at')} FROM outbox WHERE id = ANY(%(ids)s::uuid[])"
    rows = fetch_binary(tx, query, {"ids": [str(UUID(bytes=one)) for one in messages]})
    return {row[0].bytes: StandingDelivery(MessageState(row[1]), row[2]) for row in rows}


def count_answers(tx: Tx) -> tuple[int, int]:
    """Return how many answers name an entry, and how many name none."""
    vouched, old = tx.execute(_COUNTS).one()
    return vouched, old


def all_answers(tx: Tx) -> Iterator[tuple[AnswerRow, Collection[bytes]]]:
    """Yield the answers that name an entry, each with the digests of its delivery in that entry."""
    for row in tx.execute(_ALL, {"action": proving.ANSWERED}, execution_options=_STREAMED):
        yield _answer(row), [bytes(one) for one in row[12]]


def unproven_answers(tx: Tx, until: Any) -> Iterator[UUID]:
    """Yield the deliveries of answers that name no entry, and that ended after a moment (None: all of them)."""
    yield from tx.execute(_OLD, {"until": until}, execution_options=_STREAMED).scalars()


def dead_letters(tx: Tx, topic: str) -> Iterator[DeadRow]:
    """Yield the dead letters, from a cursor of the server."""
    values = {"action": proving.ANSWERED, "topic": topic}
    for identifier, settled, error, held in tx.execute(_DEAD, values, execution_options=_STREAMED):
        digest = proving.digest_of(identifier, settled, error)
        yield DeadRow(identifier, settled, digest, [bytes(one) for one in held])


def _answer(row: Any) -> AnswerRow:
    attempt, message, number, began, inquiry, ended, kind, status, detail, result, writer, seq = row[:12]
    read = None if result is None else json.loads(result, parse_float=Decimal, parse_int=Decimal)
    plain = None if read is None else proving.exact(read)
    digest = proving.digest_of(attempt, message, number, began, inquiry, ended, kind, status, detail, plain)
    return AnswerRow(attempt, message, digest, writer, seq)
