"""Messages written in the transaction that caused them and delivered afterwards, at least once, each under one key.

The kernel attaches no meaning to messages: each has a topic, whose owner claims, works and concludes (`claims.py`), or
does all in one statement (`taking.py`). A claimed message that is not settled by `claimed_until` is free again: another
worker takes over the work of a dead process.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from msgspec import Struct
from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    DateTime,
    Integer,
    MetaData,
    Row,
    Select,
    String,
    Table,
    Text,
    Uuid,
    func,
    insert,
    select,
    update,
)

from andon.kernel.db import Tx

outbox = Table(
    "outbox",
    MetaData(),
    Column("id", Uuid, primary_key=True),
    Column("topic", String, nullable=False),
    Column("scope", String, nullable=False),
    Column("subject", Uuid, nullable=False),
    Column("payload", JSON, nullable=False),
    Column("correlation_id", String, nullable=False),
    Column("traceparent", String, nullable=True),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("due_at", DateTime(timezone=True), nullable=False),
    Column("state", String, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("claimed_until", DateTime(timezone=True), nullable=True),
    Column("last_error", Text, nullable=True),
    Column("settled_at", DateTime(timezone=True), nullable=True),
    Column("lane", Text, nullable=False),
    Column("again", Boolean, nullable=False),
    Column("revived_at", DateTime(timezone=True), nullable=True),
    Column("asked_at", DateTime(timezone=True), nullable=True),
)


COLUMNS = 8
"""The number of parameters of `insert_sql`."""


class MessageState(StrEnum):
    """The state of a message. `done` and `dead` are final, unless a person sends a dead message again."""

    PENDING = "pending"
    DONE = "done"
    DEAD = "dead"


class Message(Struct, frozen=True, gc=False):
    """One task caused by `subject` (a decision's id), within `scope` (an automation's name).

    `id` is its idempotency key, however often it is tried. `attempts` counts the attempts before this claim, `again`
    tells whether one of them was answered, `revived_at` is when a person last sent it again.
    """

    id: UUID
    topic: str
    scope: str
    subject: UUID
    payload: Mapping[str, Any]
    correlation_id: str
    created_at: datetime
    due_at: datetime
    traceparent: str | None = None
    state: MessageState = MessageState.PENDING
    attempts: int = 0
    last_error: str | None = None
    settled_at: datetime | None = None
    again: bool = False
    revived_at: datetime | None = None

    @property
    def claim(self) -> "MessageClaim":
        """The claim under which a claimed message is held."""
        return MessageClaim(self.id, self.attempts + 1, self.revived_at)


class MessageClaim(NamedTuple):
    """One claim of a message. A later claim has a larger number, or a later time at which a person sent it again."""

    id: UUID
    number: int
    revived_at: datetime | None


@dataclass(frozen=True, slots=True)
class MessageSelection:
    """A selection of messages; None does not narrow. Times are those of writing.

    The last error contains `error`, begins with `error_begins` and does not begin with `error_begins_not`, where given.
    """

    scopes: Sequence[str] | None = None
    lane: str | None = None
    not_lanes: Sequence[str] = ()
    since: datetime | None = None
    until: datetime | None = None
    error: str | None = None
    error_begins: str | None = None
    error_begins_not: str | None = None


def add(tx: Tx, messages: Sequence[Message]) -> None:
    """Write messages in the caller's transaction."""
    if messages:
        tx.execute(insert(outbox), [_values(message) for message in messages])


def insert_sql(first: int) -> str:
    """Return the INSERT of a batch as part of a larger statement; its array parameters are numbered from `first`.

    `columns_of` builds the parameters.
    """
    p = [f"${first + i}" for i in range(COLUMNS)]
    return (
        "INSERT INTO outbox (id, topic, scope, subject, payload, correlation_id, traceparent, created_at, due_at, "
        "state, attempts) "
        "SELECT id, topic, scope, subject, payload::json, correlation_id, traceparent, created_at, created_at, "
        "'pending', 0 "
        f"FROM unnest({p[0]}::uuid[], {p[1]}::text[], {p[2]}::text[], {p[3]}::uuid[], {p[4]}::text[], {p[5]}::text[], "
        f"{p[6]}::text[], {p[7]}::timestamptz[]) "
        "AS m(id, topic, scope, subject, payload, correlation_id, traceparent, created_at)"
    )


def waiting_sql(topic: str) -> str:
    """Return an SQL expression for whether a topic may have work. A message in a lane counts even before it is due."""
    pending = f"SELECT FROM outbox WHERE topic = '{topic}' AND state = 'pending'"
    return f"(EXISTS ({pending} AND lane = '' AND due_at <= now()) OR EXISTS ({pending} AND lane <> ''))"


def settle(tx: Tx, message_id: UUID, state: MessageState, *, now: datetime, error: str | None = None) -> None:
    """Record how a claimed message ended: done, or dead."""
    _set(tx, message_id, state=state, settled_at=now, claimed_until=None, last_error=error)


class Known(NamedTuple):
    """The id, scope and lane of a message."""

    id: UUID
    scope: str
    lane: str


def revive(
    tx: Tx,
    topic: str,
    which: MessageSelection,
    *,
    now: datetime,
    ids: Sequence[UUID] | None = None,
    limit: int | None = None,
) -> list[Known]:
    """Send dead messages again under their old keys, counting attempts from zero. Return those that were dead."""
    chosen = _chosen(select(outbox.c.id), topic, MessageState.DEAD, which)
    if ids is not None:
        chosen = chosen.where(outbox.c.id.in_(ids))
    statement = (
        update(outbox)
        .where(outbox.c.id.in_(chosen.order_by(outbox.c.id).limit(limit).with_for_update(skip_locked=True)))
        .values(
            state=MessageState.PENDING,
            attempts=0,
            again=False,
            due_at=now,
            revived_at=now,
            settled_at=None,
            claimed_until=None,
            asked_at=None,
        )
        .returning(outbox.c.id, outbox.c.scope, outbox.c.lane)
    )
    return [Known(*row) for row in tx.execute(statement)]


def accept(tx: Tx, message_id: UUID, *, now: datetime) -> bool:
    """Accept a dead message as done after all. Return False if it is not dead."""
    statement = (
        update(outbox)
        .where(outbox.c.id == message_id, outbox.c.state == MessageState.DEAD)
        .values(state=MessageState.DONE, settled_at=now, last_error=None)
    )
    return tx.execute(statement).rowcount == 1


def hasten(tx: Tx, message_id: UUID, *, now: datetime) -> bool:
    """Make a message that waits for a retry due now, unless it is claimed. Return whether this was done."""
    free = outbox.c.claimed_until.is_(None) | (outbox.c.claimed_until < now)
    chosen = (outbox.c.id == message_id) & (outbox.c.state == MessageState.PENDING) & (outbox.c.attempts > 0) & free
    later = chosen & (outbox.c.due_at > now) & ~outbox.c.again
    return tx.execute(update(outbox).where(later).values(due_at=now)).rowcount == 1


def find(tx: Tx, message_id: UUID) -> Message | None:
    """Return one message, or None."""
    row = tx.execute(select(outbox).where(outbox.c.id == message_id)).one_or_none()
    return None if row is None else _message(row, attempts=row.attempts)


def is_claimed(tx: Tx, message_id: UUID, *, now: datetime) -> bool:
    """Return whether a message is claimed."""
    return tx.execute(select(outbox.c.claimed_until >= now).where(outbox.c.id == message_id)).scalar() is True


def holds(tx: Tx, claim: MessageClaim) -> bool:
    """Return whether a claim is the latest of its message; if so, no other can follow until the transaction ends."""
    mine = (
        outbox.c.id == claim.id,
        outbox.c.state == MessageState.PENDING,
        outbox.c.attempts == claim.number,
        outbox.c.revived_at.is_not_distinct_from(claim.revived_at),
    )
    return tx.execute(select(outbox.c.id).where(*mine).with_for_update()).one_or_none() is not None


def about(tx: Tx, subject: UUID) -> list[Message]:
    """Return all messages about one subject, oldest first."""
    rows = tx.execute(select(outbox).where(outbox.c.subject == subject).order_by(outbox.c.id))
    return [_message(row, attempts=row.attempts) for row in rows]


def page(
    tx: Tx, topic: str, state: MessageState, *, which: MessageSelection, limit: int, before: UUID | None = None
) -> list[Message]:
    """Return the messages of a topic in one state, newest first."""
    query = _chosen(select(outbox), topic, state, which)
    if before is not None:
        query = query.where(outbox.c.id < before)
    return [_message(row, attempts=row.attempts) for row in tx.execute(query.order_by(outbox.c.id.desc()).limit(limit))]


def count(tx: Tx, topic: str, state: MessageState, *, which: MessageSelection) -> int:
    """Return the number of messages of a topic in one state."""
    found: int = tx.execute(_chosen(select(func.count()).select_from(outbox), topic, state, which)).scalar_one()
    return found


def _chosen(query: Select[Any], topic: str, state: MessageState, which: MessageSelection) -> Select[Any]:
    wanted = [outbox.c.topic == topic, outbox.c.state == state]
    if which.scopes is not None:
        wanted.append(outbox.c.scope.in_(which.scopes))
    if which.lane is not None:
        wanted.append(outbox.c.lane == which.lane)
    if which.not_lanes:
        wanted.append(outbox.c.lane.not_in(which.not_lanes))
    if which.since is not None:
        wanted.append(outbox.c.created_at >= which.since)
    if which.until is not None:
        wanted.append(outbox.c.created_at < which.until)
    if which.error is not None:
        wanted.append(outbox.c.last_error.icontains(which.error, autoescape=True))
    if which.error_begins is not None:
        wanted.append(outbox.c.last_error.startswith(which.error_begins, autoescape=True))
    if which.error_begins_not is not None:
        wanted.append(~func.coalesce(outbox.c.last_error, "").startswith(which.error_begins_not, autoescape=True))
    return query.where(*wanted)


def counts(tx: Tx) -> dict[tuple[str, MessageState], int]:
    """Return the number of messages by topic and state."""
    query = select(outbox.c.topic, outbox.c.state, func.count().label("n")).group_by(outbox.c.topic, outbox.c.state)
    return {(row.topic, MessageState(row.state)): row.n for row in tx.execute(query)}


def count_by_scope(tx: Tx, topic: str, state: MessageState) -> dict[str, int]:
    """Return the number of messages of a topic in one state, by scope; cheap for states with few messages."""
    query = (
        select(outbox.c.scope, func.count().label("n"))
        .where(outbox.c.topic == topic, outbox.c.state == state)
        .group_by(outbox.c.scope)
    )
    return {row.scope: row.n for row in tx.execute(query)}


def lanes_of(tx: Tx, topic: str, lanes: Sequence[str], scopes: Sequence[str]) -> set[str]:
    """Return those of these lanes in which a message of these scopes waits or is dead."""
    query = select(outbox.c.lane).distinct()
    unfinished = outbox.c.state.in_([MessageState.PENDING, MessageState.DEAD])
    query = query.where(outbox.c.topic == topic, unfinished, outbox.c.lane.in_(lanes), outbox.c.scope.in_(scopes))
    return set(tx.execute(query).scalars())


def waiting_again(tx: Tx, topic: str) -> dict[str, int]:
    """Return the number of messages of a topic that wait to be retried, by lane."""
    query = (
        select(outbox.c.lane, func.count().label("n"))
        .where(outbox.c.topic == topic, outbox.c.state == MessageState.PENDING, outbox.c.lane != "", outbox.c.again)
        .group_by(outbox.c.lane)
    )
    return {row.lane: row.n for row in tx.execute(query)}


def columns_of(messages: Sequence[Message], encoded: Sequence[str]) -> list[list[Any]]:
    """Return the parameters of `insert_sql`: one list per column. `encoded` are the payloads as JSON text."""
    return [
        [m.id for m in messages],
        [m.topic for m in messages],
        [m.scope for m in messages],
        [m.subject for m in messages],
        list(encoded),
        [m.correlation_id for m in messages],
        [m.traceparent for m in messages],
        [m.created_at for m in messages],
    ]


def _set(tx: Tx, message_id: UUID, **values: Any) -> None:
    tx.execute(update(outbox).where(outbox.c.id == message_id).values(**values))


def _values(message: Message) -> dict[str, Any]:
    return {
        "id": message.id,
        "topic": message.topic,
        "scope": message.scope,
        "subject": message.subject,
        "payload": dict(message.payload),
        "correlation_id": message.correlation_id,
        "traceparent": message.traceparent,
        "created_at": message.created_at,
        "due_at": message.due_at,
        "state": message.state,
        "attempts": message.attempts,
    }


def _message(row: Row[Any], *, attempts: int) -> Message:
    return Message(
        id=row.id,
        topic=row.topic,
        scope=row.scope,
        subject=row.subject,
        payload=row.payload,
        correlation_id=row.correlation_id,
        traceparent=row.traceparent,
        created_at=row.created_at,
        due_at=row.due_at,
        state=MessageState(row.state),
        attempts=attempts,
        last_error=row.last_error,
        settled_at=row.settled_at,
        again=row.again,
        revived_at=row.revived_at,
    )
