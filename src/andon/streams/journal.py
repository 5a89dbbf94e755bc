"""Audit entries about the positions of streams: each records a partition's move from one position to another.

A batch leaves one entry MOVE with `{partition: [first, next]}` as its body, in its writer's own chain. All others are
in the control chain: ADD for partitions that were found, which begin at 0, PLACE for one that a seek moved, FINISH for
one that was read to its end and is gone, and ADOPT for positions from before there were such entries. Positions in the
control chain are texts, because its JSON holds no integer beyond 2^53.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from andon import audit
from andon.decisions import AlongsideEntry
from andon.kernel.db import Tx
from andon.kernel.identity import PLATFORM
from andon.streams.domain import FINISHED, StreamKey
from andon.streams.store import streams

MOVE = "stream.move"
ADD, PLACE, FINISH, ADOPT = "stream.add", "stream.place", "stream.finish", "stream.adopt"
SEEK, PAUSE, RESUME = "stream.seek", "stream.pause", "stream.resume"

_AT_ONCE = 500
"""Partitions that one entry adopts."""


def move(key: StreamKey, moves: Mapping[str, tuple[int, int]], at: datetime) -> AlongsideEntry:
    """Return the entry about a batch: the first and the next position of each partition."""
    return AlongsideEntry(MOVE, subject(key), msgspec.json.encode(moves), at)


def add_partitions(tx: Tx, key: StreamKey, names: Sequence[str], now: datetime) -> None:
    """Register partitions that are not known yet; they begin at their start."""
    added = streams.add_partitions(tx, key, names)
    if added:
        _tell(tx, ADD, key, {"partitions": sorted(added)}, now)


def place(
    tx: Tx, key: StreamKey, partition: str, before: int, position: int, *, owner: UUID, seek: str, now: datetime
) -> None:
    """Move a partition to the target of a seek, unless it has moved or another seek arrived meanwhile."""
    if streams.set_position(tx, key, partition, before, position, owner=owner, seek=seek):
        after = {"partition": partition, "to": seek, "from": str(before), "position": str(position)}
        _tell(tx, PLACE, key, after, now)


def finish(tx: Tx, key: StreamKey, member: UUID, partition: str, now: datetime) -> None:
    """Forget a partition that is gone, and keep its counts, if it is ours."""
    position = streams.finish(tx, key, member, partition)
    if position is not None:
        _tell(tx, FINISH, key, {"partition": partition, "position": str(position)}, now)


def adopt(tx: Tx, now: datetime) -> None:
    """Vouch for all existing partitions. Called once, after an upgrade from a version without these entries."""
    for stream in streams.page(tx, None):
        standing = [p for p in stream.partitions if p.name != FINISHED]
        for first in range(0, len(standing), _AT_ONCE):
            some = standing[first : first + _AT_ONCE]
            after = {"partitions": {p.name: {"position": str(p.position), "seek": p.seek} for p in some}}
            _tell(tx, ADOPT, stream.key, after, now)


def subject(key: StreamKey) -> str:
    """Return the subject of the entries about a stream."""
    return f"stream:{key}"


def _tell(tx: Tx, action: str, key: StreamKey, after: Mapping[str, object], now: datetime) -> None:
    audit.record(tx, actor=PLATFORM, action=action, subject=subject(key), at=now, after=after)
