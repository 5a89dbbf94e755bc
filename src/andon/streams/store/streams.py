"""Streams: their existence, progress and readers.

Leases use the database's clock, so a worker whose own clock jumps neither loses nor keeps a lease wrongly.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, bindparam, delete, exists, func, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from andon.kernel.db import Tx
from andon.streams.domain import FINISHED, START, Partition, Stream, StreamKey
from andon.streams.tables import stream_members, stream_partitions, streams

_p = stream_partitions.c


def declare(tx: Tx, key: StreamKey) -> None:
    """Register a stream."""
    tx.execute(upsert(streams).values(automation=key.automation, stream=key.stream).on_conflict_do_nothing())


def find(tx: Tx, key: StreamKey) -> Stream | None:
    """Return one stream with its partitions, or None."""
    return next(iter(page(tx, None, key)), None)


def page(tx: Tx, automations: Sequence[str] | None, key: StreamKey | None = None) -> list[Stream]:
    """Return the streams of these automations (None: of all), by name."""
    s = streams.c
    wanted: list[ColumnElement[bool]] = []
    if automations is not None:
        wanted.append(s.automation.in_(automations))
    if key is not None:
        wanted += [s.automation == key.automation, s.stream == key.stream]
    rows = tx.execute(select(streams).where(*wanted).order_by(s.automation, s.stream)).all()
    logs: dict[StreamKey, list[Partition]] = {}
    of = (_p.automation == s.automation) & (_p.stream == s.stream)
    query = select(stream_partitions, _is_read().label("alive")).join(streams, of).where(*wanted)
    for row in tx.execute(query):
        logs.setdefault(StreamKey(row.automation, row.stream), []).append(_partition(row))
    return [_stream(row, logs.get(StreamKey(row.automation, row.stream), [])) for row in rows]


def lock(tx: Tx, key: StreamKey) -> bool:
    """Lock a stream until the transaction ends; return False if there is none."""
    query = select(streams.c.stream).where(*_is(streams.c, key)).with_for_update()
    return tx.execute(query).one_or_none() is not None


def pause(tx: Tx, key: StreamKey, by: str, reason: str, now: datetime) -> None:
    """Stop a stream. Waits for open transactions; afterwards nothing is recorded."""
    _lock(tx, key)
    tx.execute(update(streams).where(*_is(streams.c, key)).values(paused_at=now, paused_by=by, pause_reason=reason))
    tx.execute(update(stream_partitions).where(*_is(_p, key)).values(paused=True))


def resume(tx: Tx, key: StreamKey) -> None:
    """Let a stream continue."""
    _lock(tx, key)
    tx.execute(update(streams).where(*_is(streams.c, key)).values(paused_at=None, paused_by=None, pause_reason=None))
    tx.execute(update(stream_partitions).where(*_is(_p, key)).values(paused=False))


def seek(tx: Tx, key: StreamKey, to: str, partition: str | None) -> int:
    """Make the readers of a stream continue elsewhere; return the number of partitions."""
    _lock(tx, key)
    wanted = [*_is(_p, key), _p.partition != FINISHED if partition is None else _p.partition == partition]
    return tx.execute(update(stream_partitions).where(*wanted).values(seek=to)).rowcount


def add_partitions(tx: Tx, key: StreamKey, names: Sequence[str]) -> list[str]:
    """Register and return new partitions. They begin at their start, and paused if their stream is."""
    added = tx.execute(
        text(
            "INSERT INTO stream_partitions (automation, stream, partition, position, paused, seek) "
            "SELECT s.automation, s.stream, n, 0, s.paused_at IS NOT NULL, :start FROM streams s, "
            "unnest(CAST(:names AS text[])) AS n WHERE s.automation = :automation AND s.stream = :stream "
            "FOR SHARE OF s ON CONFLICT DO NOTHING RETURNING partition"
        ),
        {"start": START, "names": list(names), **key._asdict()},
    )
    return list(added.scalars())


def set_position(tx: Tx, key: StreamKey, partition: str, before: int, position: int, *, owner: UUID, seek: str) -> bool:
    """Move to a position that a person sought; return False if it has moved or another seek arrived meanwhile."""
    moved = tx.execute(
        update(stream_partitions)
        .where(*_is(_p, key), _p.partition == partition, _p.position == before, _p.owner == owner, _p.seek == seek)
        .values(position=position, seek=None)
    )
    return moved.rowcount == 1


def renew(tx: Tx, key: StreamKey, member: UUID, lease: timedelta) -> list[UUID]:
    """Renew the lease of a reader; return all readers, in order of arrival."""
    until = func.clock_timestamp() + lease
    joining = upsert(stream_members).values(
        automation=key.automation, stream=key.stream, member=member, joined_at=func.clock_timestamp(), until=until
    )
    m = stream_members.c
    tx.execute(joining.on_conflict_do_update(index_elements=[m.automation, m.stream, m.member], set_={"until": until}))
    alive = select(m.member).where(*_is(m, key), m.until > func.clock_timestamp()).order_by(m.joined_at, m.member)
    return list(tx.execute(alive).scalars())


def leave(tx: Tx, key: StreamKey, member: UUID) -> None:
    """Stop being a reader, and give up all partitions."""
    tx.execute(delete(stream_members).where(*_is(stream_members.c, key), stream_members.c.member == member))


def forget_members(tx: Tx, key: StreamKey) -> None:
    """Forget readers that have been gone for a while."""
    m = stream_members.c
    gone = m.until < func.clock_timestamp() - timedelta(minutes=1)
    tx.execute(delete(stream_members).where(*_is(m, key), gone))


def count_partitions(tx: Tx, key: StreamKey) -> int:
    """Return how many partitions a stream has."""
    query = select(func.count()).select_from(stream_partitions).where(*_is(_p, key), _p.partition != FINISHED)
    return tx.execute(query).scalar_one()


def claim(tx: Tx, key: StreamKey, member: UUID, most: int) -> None:
    """Take partitions without an owner or with a silent one, those furthest behind first."""
    behind = func.coalesce(_p.end_position - _p.position, 0)
    found = (
        select(_p.partition)
        .where(*_is(_p, key), _p.partition != FINISHED, ~_is_read())
        .order_by(behind.desc(), _p.partition)
        .limit(most)
        .with_for_update(skip_locked=True)
        .cte("found")
    )
    tx.execute(update(stream_partitions).where(*_is(_p, key), _p.partition == found.c.partition).values(owner=member))


def release(tx: Tx, key: StreamKey, member: UUID, partitions: Sequence[str]) -> None:
    """Release partitions for other readers."""
    _lock(tx, key)
    tx.execute(
        update(stream_partitions)
        .where(*_is(_p, key), _p.owner == member, _p.partition.in_(partitions))
        .values(owner=None)
    )


def owned(tx: Tx, key: StreamKey, member: UUID) -> list[tuple[str, int, bool, str | None]]:
    """Return a reader's partitions: name, position, whether paused, and the pending seek."""
    query = select(_p.partition, _p.position, _p.paused, _p.seek).where(*_is(_p, key), _p.owner == member)
    return [(row.partition, row.position, row.paused, row.seek) for row in tx.execute(query.order_by(_p.partition))]


def set_ends(tx: Tx, key: StreamKey, member: UUID, ends: Mapping[str, tuple[int, float]]) -> None:
    """Record the ends of partitions, and their reader's rate of events a second."""
    _lock(tx, key)
    statement = (
        update(stream_partitions)
        .where(*_is(_p, key), _p.owner == member, _p.partition == bindparam("name"))
        .values(end_position=bindparam("end_of"), per_second=bindparam("rate"), end_at=func.clock_timestamp())
    )
    tx.execute(statement, [{"name": name, "end_of": end, "rate": rate} for name, (end, rate) in sorted(ends.items())])


def is_at(tx: Tx, key: StreamKey, member: UUID, partition: str, position: int) -> bool:
    """Return whether a partition of ours is decided up to a position, without a pending seek."""
    wanted = [*_is(_p, key), _p.partition == partition, _p.owner == member, _p.position == position, _p.seek.is_(None)]
    return tx.execute(select(_p.partition).where(*wanted)).one_or_none() is not None


def finish(tx: Tx, key: StreamKey, member: UUID, partition: str) -> int | None:
    """Forget a partition that is gone, and keep its counts; return its position, None if it is not ours."""
    wanted = [*_is(_p, key), _p.partition == partition, _p.owner == member]
    counts = ["watermark", "moved_at", "decided", "repeated", "left_out", "dead"]
    deleting = delete(stream_partitions).where(*wanted).returning(_p.position, *(_p[name] for name in counts))
    row = tx.execute(deleting).one_or_none()
    if row is None:
        return None
    gone = row._asdict()
    position: int = gone.pop("position")
    place = {"automation": key.automation, "stream": key.stream, "partition": FINISHED}
    statement = upsert(stream_partitions).values(**place, position=0, paused=False, **gone)
    new = statement.excluded
    sums = {name: _p[name] + new[name] for name in counts[2:]}
    latest = {name: func.greatest(_p[name], new[name]) for name in counts[:2]}
    tx.execute(
        statement.on_conflict_do_update(
            index_elements=[_p.automation, _p.stream, _p.partition], set_={**sums, **latest}
        )
    )
    return position


def set_problem(tx: Tx, key: StreamKey, problem: str | None, now: datetime) -> None:
    """Set or clear the problem of a stream."""
    s = streams.c
    changed = s.problem.is_distinct_from(problem)
    tx.execute(
        update(streams)
        .where(*_is(s, key), changed)
        .values(problem=problem, problem_at=None if problem is None else now)
    )


def _is_read() -> ColumnElement[bool]:
    """Return a condition: the owner of a partition is alive."""
    m = stream_members.c
    alive = (m.automation == _p.automation) & (m.stream == _p.stream) & (m.member == _p.owner)
    return exists().where(alive, m.until > func.clock_timestamp())


def _lock(tx: Tx, key: StreamKey) -> None:
    """Lock the partitions of a stream, in the common order."""
    tx.execute(select(_p.partition).where(*_is(_p, key)).order_by(_p.partition).with_for_update()).all()


def _is(columns: Any, key: StreamKey) -> list[ColumnElement[bool]]:
    return [columns.automation == key.automation, columns.stream == key.stream]


def _partition(row: Row[Any]) -> Partition:
    return Partition(
        name=row.partition,
        position=row.position,
        seek=row.seek,
        owner=row.owner if row.alive else None,
        end=row.end_position,
        watermark=row.watermark,
        moved_at=row.moved_at,
        decided=row.decided,
        repeated=row.repeated,
        left_out=row.left_out,
        dead=row.dead,
        per_second=row.per_second if row.alive else None,
        paused=row.paused,
    )


def _stream(row: Row[Any], partitions: Sequence[Partition]) -> Stream:
    return Stream(
        StreamKey(row.automation, row.stream),
        sorted(partitions, key=lambda p: (len(p.name), p.name)),
        row.paused_at,
        row.paused_by,
        row.pause_reason,
        row.problem,
        row.problem_at,
    )
