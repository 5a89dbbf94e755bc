"""All SQL about the audit log. Appends and reads; the database itself refuses everything else."""

from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from itertools import groupby
from operator import attrgetter
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    LargeBinary,
    Row,
    Select,
    Uuid,
    case,
    cast,
    column,
    func,
    insert,
    literal,
    select,
    true,
    tuple_,
    update,
)

from andon.audit.domain import CONTROL, ChainHead, Checkpoint, CheckpointClaim, Leaf, Tip
from andon.audit.tables import checkpoints, entries, heads, tips
from andon.kernel.db import Tx

_CHUNK = 1000
_VERIFYING = 0x61756469745F76
_FIRST, _LAST = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)
_COLUMNS = (
    ("writer", "uuid"),
    ("seq", "bigint"),
    ("prev_hash", "bytea"),
    ("hash", "bytea"),
    ("at", "timestamptz"),
    ("actor", "text"),
    ("action", "text"),
    ("subject", "text"),
    ("body", "bytea"),
)
_NAMES = ", ".join(name for name, _ in _COLUMNS)
_VALUES: Callable[[Leaf], tuple[Any, ...]] = attrgetter(*(name for name, _ in _COLUMNS))

COLUMNS = len(_COLUMNS)
"""The number of parameters that `insert_sql` takes."""


def _readable(at: ColumnElement[datetime]) -> ColumnElement[datetime]:
    """Select a moment that Python can hold: `infinity` or the year 10000 is tampering, to be found without a crash."""
    return case((at.between(_FIRST, _LAST), at), else_=_FIRST).label("at")


_LEAF: list[Any] = [_readable(column) if column is entries.c.at else column for column in entries.c]
_CHECKPOINT: list[Any] = [_readable(column) if column is checkpoints.c.at else column for column in checkpoints.c]


class TipName(StrEnum):
    """The sequences that have a tip."""

    CONTROL = "control"
    CHECKPOINT = "checkpoint"


def insert_sql(first: int) -> str:
    """Return the INSERT of one leaf for a larger statement: nine parameters from number `first` (see `values_of`)."""
    values = ", ".join(f"${first + i}::{kind}" for i, (_, kind) in enumerate(_COLUMNS))
    return f"INSERT INTO audit_entries ({_NAMES}) VALUES ({values})"


def place_sql(first: int) -> str:
    """Return SQL for a leaf's writer and number, as two values: parameters `first` and `first` + 1 of `insert_sql`."""
    return f"${first}::uuid, ${first + 1}::bigint"


def values_of(leaf: Leaf) -> Sequence[Any]:
    """Return the parameters of `insert_sql`."""
    return _VALUES(leaf)


def append(tx: Tx, leaf: Leaf) -> None:
    """Write one leaf."""
    tx.execute(insert(entries).values({name: getattr(leaf, name) for name, _ in _COLUMNS}))


def tip(tx: Tx, name: TipName) -> Tip:
    """Return a tip without locking it."""
    row = tx.execute(select(tips).where(tips.c.name == name)).one_or_none()
    return Tip(0, b"") if row is None else Tip(row.seq, row.hash)


def lock_tip(tx: Tx, name: TipName) -> Tip:
    """Return the tip of one chain, locked until this transaction ends; waits for other transactions that append."""
    row = tx.execute(select(tips).where(tips.c.name == name).with_for_update()).one()
    return Tip(row.seq, row.hash)


def try_lock_tip(tx: Tx, name: TipName) -> Tip | None:
    """Lock and return a tip as `lock_tip` does, or return None if another transaction holds it."""
    row = tx.execute(select(tips).where(tips.c.name == name).with_for_update(skip_locked=True)).one_or_none()
    return None if row is None else Tip(row.seq, row.hash)


def move_tip(tx: Tx, name: TipName, to: Tip) -> None:
    """Record the new end."""
    tx.execute(update(tips).where(tips.c.name == name).values(seq=to.seq, hash=to.hash))


def try_lock_verification(tx: Tx) -> bool:
    """Take the verification lock until this transaction ends; return whether no other transaction holds it."""
    return bool(tx.execute(select(func.pg_try_advisory_xact_lock(_VERIFYING))).scalar_one())


def ends(tx: Tx) -> list[tuple[ChainHead, int]]:
    """Return the last leaf of each chain, and the highest sequence number that a checkpoint holds (0 if none does)."""
    chains = select(entries.c.writer).where(entries.c.seq == 1).cte("chains")
    last = (
        select(entries.c.seq, entries.c.hash)
        .where(entries.c.writer == chains.c.writer)
        .order_by(entries.c.seq.desc())
        .limit(1)
        .lateral("last")
    )
    held = (
        select(heads.c.seq)
        .where(heads.c.writer == chains.c.writer)
        .order_by(heads.c.seq.desc())
        .limit(1)
        .lateral("held")
    )
    query = (
        select(chains.c.writer, last.c.seq, last.c.hash, func.coalesce(held.c.seq, 0).label("held"))
        .select_from(chains.join(last, true()).outerjoin(held, true()))
        .order_by(chains.c.writer)
    )
    return [(ChainHead(row.writer, row.seq, row.hash), row.held) for row in tx.execute(query)]


def append_checkpoint(tx: Tx, checkpoint: Checkpoint) -> None:
    """Write one checkpoint with its heads."""
    tx.execute(
        insert(checkpoints).values(
            number=checkpoint.number,
            prev_hash=checkpoint.prev_hash,
            hash=checkpoint.hash,
            at=checkpoint.at,
            chains=checkpoint.chains,
            entries=checkpoint.entries,
        )
    )
    tx.execute(
        insert(heads),
        [{"writer": h.writer, "seq": h.seq, "hash": h.hash, "checkpoint": checkpoint.number} for h in checkpoint.heads],
    )


def newest_checkpoint(tx: Tx) -> Checkpoint | None:
    """Return the checkpoint with the highest number, or None."""
    row = tx.execute(select(*_CHECKPOINT).order_by(checkpoints.c.number.desc()).limit(1)).one_or_none()
    if row is None:
        return None
    rows = tx.execute(select(heads).where(heads.c.checkpoint == row.number).order_by(heads.c.writer))
    return _checkpoint(row, tuple(ChainHead(h.writer, h.seq, h.hash) for h in rows))


def stream_checkpoints(tx: Tx, after: int = 0) -> Iterator[Checkpoint]:
    """Stream all checkpoints by number, or those after one, from a server-side cursor."""
    query = (
        select(*_CHECKPOINT, heads.c.writer, heads.c.seq, heads.c.hash.label("head_hash"))
        .select_from(checkpoints.outerjoin(heads, heads.c.checkpoint == checkpoints.c.number))
        .where(checkpoints.c.number > after)
        .order_by(checkpoints.c.number, heads.c.writer)
    )
    for _, group in groupby(_stream(tx, query), key=lambda row: row.number):
        rows = list(group)
        found = tuple(ChainHead(row.writer, row.seq, row.head_hash) for row in rows if row.writer is not None)
        yield _checkpoint(rows[0], found)


def stream_claims(tx: Tx, after: int = 0) -> Iterator[CheckpointClaim]:
    """Stream the heads of all checkpoints, or of those after one, by (writer, seq), from a server-side cursor."""
    for row in _stream(tx, select(heads).where(heads.c.checkpoint > after).order_by(heads.c.writer, heads.c.seq)):
        yield CheckpointClaim(row.checkpoint, ChainHead(row.writer, row.seq, row.hash))


def stream_leaves(tx: Tx, known: Collection[ChainHead] = ()) -> Iterator[list[Leaf]]:
    """Stream all leaves by (writer, seq), some hundred at a time; for `known` chains only those after their heads."""
    query = select(*_LEAF).order_by(entries.c.writer, entries.c.seq)
    if known:
        chains = select(entries.c.writer).where(entries.c.seq == 1).cte("chains")
        ends = _given(known)
        further = (
            select(*_LEAF)
            .where(entries.c.writer == chains.c.writer, entries.c.seq > func.coalesce(ends.c.seq, 0))
            .order_by(entries.c.seq)
            .lateral("further")
        )
        joined = chains.outerjoin(ends, ends.c.writer == chains.c.writer).join(further, true())
        query = select(*further.c).select_from(joined).order_by(further.c.writer, further.c.seq)
    result = tx.execute(query, execution_options={"stream_results": True, "yield_per": _CHUNK})
    for rows in result.partitions():
        yield [_leaf(row) for row in rows]


def heads_gone(tx: Tx, known: Collection[ChainHead]) -> list[tuple[ChainHead, bytes | None]]:
    """Return the heads that are not in the log, each with the hash found in its place."""
    if not known:
        return []
    ends = _given(known)
    here = (entries.c.writer == ends.c.writer) & (entries.c.seq == ends.c.seq)
    query = select(ends, entries.c.hash.label("stands")).select_from(ends.outerjoin(entries, here))
    query = query.where(entries.c.hash.is_distinct_from(ends.c.hash)).order_by(ends.c.writer)
    return [(ChainHead(row.writer, row.seq, row.hash), row.stands) for row in tx.execute(query)]


def checkpoint_hash_of(tx: Tx, number: int) -> bytes | None:
    """Return the hash of one checkpoint, None if it does not exist."""
    return tx.execute(select(checkpoints.c.hash).where(checkpoints.c.number == number)).scalar_one_or_none()


def _given(known: Collection[ChainHead]) -> Any:
    """Return heads as a table expression."""
    arrays = (
        cast([str(head.writer) for head in known], ARRAY(Uuid)),
        cast([head.seq for head in known], ARRAY(BigInteger)),
        cast([head.hash for head in known], ARRAY(LargeBinary)),
    )
    columns = (column("writer", Uuid), column("seq", BigInteger), column("hash", LargeBinary))
    return func.unnest(*arrays).table_valued(*columns).render_derived("known")


def page(
    tx: Tx,
    *,
    actor: str | None,
    action: str | None,
    subject: str | None,
    changes_only: bool,
    limit: int,
    before: tuple[UUID, int] | None,
) -> list[Leaf]:
    """Return leaves, newest first."""
    query = select(*_LEAF)
    if changes_only:
        query = query.where(entries.c.writer == literal(CONTROL).cast(entries.c.writer.type))
    if actor is not None:
        query = query.where(entries.c.actor == actor)
    if action is not None:
        query = query.where(entries.c.action.startswith(action, autoescape=True))
    if subject is not None:
        query = query.where(entries.c.subject == subject)
    if before is not None:
        writer, seq = before
        at = select(entries.c.at).where(entries.c.writer == writer, entries.c.seq == seq).scalar_subquery()
        query = query.where(
            tuple_(entries.c.at, entries.c.writer, entries.c.seq) < tuple_(at, literal(writer), literal(seq))
        )
    query = query.order_by(entries.c.at.desc(), entries.c.writer.desc(), entries.c.seq.desc())
    return [_leaf(row) for row in tx.execute(query.limit(limit))]


def _stream(tx: Tx, query: Select[Any]) -> Iterator[Row[Any]]:
    yield from tx.execute(query, execution_options={"stream_results": True, "yield_per": _CHUNK})


def _leaf(row: Row[Any]) -> Leaf:
    at: datetime = row.at
    return Leaf(row.writer, row.seq, row.prev_hash, row.hash, at, row.actor, row.action, row.subject, row.body)


def _checkpoint(row: Row[Any], found: tuple[ChainHead, ...]) -> Checkpoint:
    return Checkpoint(row.number, row.prev_hash, row.hash, row.at, row.chains, row.entries, found)
