"""Positions of streams, compared with the audit entries about each of their moves.

Every entry about a partition is a move from one position to another. Together the moves must form one path from the
position where the partition was found to the position in its row. So every other position is entered as often as it is
left, in whatever order the entries are read. A position changed by hand breaks the path permanently, even if reading
continued afterwards.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from andon.audit import CONTROL, Evidence, Finding, Harm, Leaf
from andon.kernel.db import Tx
from andon.streams import journal
from andon.streams.domain import FINISHED, START
from andon.streams.store import streams
from andon.streams.ways import PartitionKey, Ways

_TABLE = "stream_partitions"
_MOVES = msgspec.json.Decoder(dict[str, tuple[int, int]])


class _Adopted(msgspec.Struct):
    position: str
    seek: str | None


class _After(msgspec.Struct):
    partition: str = ""
    partitions: Any = ()
    to: str = ""
    position: str = "0"
    before: Any = msgspec.field(default=None, name="from")


class _Body(msgspec.Struct):
    after: _After
    reason: str | None = None


_BODY = msgspec.json.Decoder(_Body)


class _Pause(NamedTuple):
    at: datetime
    by: str
    reason: str | None


class StreamPositions:
    """Finds positions, seeks and pauses that no entry explains. Use one object for each verification."""

    def __init__(self) -> None:
        self._ways = Ways()
        self._unsealed = Ways()
        self._read_to = 0
        """The number up to which the sum of an earlier verification covers the control chain."""
        self._held_to = 0
        self._seeks: dict[PartitionKey, str | None] = {}
        """The partitions that exist, each with its pending seek."""
        self._pauses: dict[str, _Pause] = {}

    def by_action(self) -> Mapping[str, Evidence]:
        """Return this evidence by the actions of all entries about streams."""
        actions = (
            journal.MOVE,
            journal.ADD,
            journal.PLACE,
            journal.FINISH,
            journal.ADOPT,
            journal.SEEK,
            journal.PAUSE,
            journal.RESUME,
        )
        return dict.fromkeys(actions, self)

    def recall(self, total: Mapping[str, Any]) -> None:
        """Continue from the paths of an earlier verification."""
        self._read_to = self._held_to = total["control"]
        self._ways = Ways.of_document(total["ways"])

    def total(self) -> Mapping[str, Any]:
        """Return the paths of the entries that checkpoints hold."""
        return {"control": self._held_to, "ways": self._ways.document()}

    def check(self, tx: Tx, leaves: Sequence[Leaf]) -> Iterator[Finding]:
        """Add up the moves, and report seeks that nobody requested."""
        del tx
        for leaf in leaves:
            if leaf.writer == CONTROL:
                self._held_to = max(self._held_to, leaf.seq)
            yield from self._read(leaf, self._ways)

    def check_unsealed(self, tx: Tx, leaves: Sequence[Leaf]) -> Iterator[Finding]:
        """Add up the moves that no checkpoint holds yet."""
        del tx
        for leaf in leaves:
            yield from self._read(leaf, self._unsealed)

    def unclaimed(self, tx: Tx) -> Iterator[Finding]:
        """Compare the rows with the ends of their paths."""
        left = self._ways.joined(self._unsealed)
        for stream in streams.page(tx, None):
            name = journal.subject(stream.key)
            paused = None
            if stream.paused_at is not None:
                paused = _Pause(stream.paused_at, stream.paused_by or "", stream.pause_reason)
            if paused != self._pauses.pop(name, None):
                yield _edited("its pause differs from the entries", name, "streams")
            for row in stream.partitions:
                if row.name == FINISHED:
                    continue
                log, where = (name, row.name), f"{name}/{row.name}"
                if log not in self._seeks:
                    left.pop(log)
                    message = "no entry of the log says that this partition was found"
                    yield Finding(Harm.EVIDENCE_UNCLAIMED, message, action=_TABLE, subject=where)
                    continue
                left.step(log, row.position, None)
                yield from _where_broken(left.pop(log), row.position, where)
                if row.paused != (paused is not None):
                    yield _edited("its pause differs from that of its stream", where)
                if row.seek != self._seeks.pop(log):
                    yield _edited("no entry says that it is to continue elsewhere, or that it did", where)
        for log in self._seeks:
            left.pop(log)
            yield Finding(Harm.EVIDENCE_MISSING, "the partition is gone", action=_TABLE, subject="/".join(log))
        for (name, partition), ends in left.items():
            yield from _where_broken(ends, None, f"{name}/{partition}")
        for name in self._pauses:
            yield Finding(Harm.EVIDENCE_MISSING, "the paused stream is gone", action="streams", subject=name)

    def _read(self, leaf: Leaf, ways: Ways) -> Iterable[Finding]:
        """Read one entry. Skip one that is too altered to be read; it is reported as altered already."""
        try:
            if leaf.action == journal.MOVE:
                for partition, (first, after) in _MOVES.decode(leaf.body).items():
                    ways.step((leaf.subject, partition), first, after)
            elif leaf.writer == CONTROL:
                return self._follow(leaf, _BODY.decode(leaf.body), ways if leaf.seq > self._read_to else Ways())
        except (msgspec.DecodeError, KeyError, ValueError, TypeError, AttributeError):
            pass
        return ()

    def _follow(self, leaf: Leaf, body: _Body, ways: Ways) -> list[Finding]:
        """Follow one entry of the control chain, which is read completely and in order."""
        after, stream = body.after, leaf.subject
        if leaf.action == journal.ADD:
            for name in after.partitions:
                self._seeks[stream, name] = START
                ways.step((stream, name), None, 0)
        elif leaf.action == journal.ADOPT:
            for name, stood in msgspec.convert(after.partitions, dict[str, _Adopted]).items():
                self._seeks[stream, name] = stood.seek
                ways.step((stream, name), None, int(stood.position))
        elif leaf.action == journal.PLACE:
            log = (stream, after.partition)
            asked, self._seeks[log] = self._seeks[log], None
            ways.step(log, int(after.before), int(after.position))
            if asked != after.to:
                message = f"it continued at {after.to}, and no entry says who requested that"
                return [Finding(Harm.EVIDENCE_EDITED, message, leaf.writer, leaf.seq, None, leaf.action, "/".join(log))]
        elif leaf.action == journal.FINISH:
            self._seeks.pop((stream, after.partition), None)
            ways.step((stream, after.partition), int(after.position), None)
        elif leaf.action == journal.SEEK:
            for name in after.before:
                if (stream, name) in self._seeks:
                    self._seeks[stream, name] = after.to
        elif leaf.action == journal.PAUSE:
            self._pauses[stream] = _Pause(leaf.at, leaf.actor, body.reason)
        elif leaf.action == journal.RESUME:
            self._pauses.pop(stream, None)
        return []


def _where_broken(ends: Mapping[int, int], position: int | None, where: str) -> Iterator[Finding]:
    """Report the open ends of a partition's path, if there are any; `position` is that of its row."""
    reached = ", ".join(str(at) for at, times in sorted(ends.items()) if times > 0)
    begun = [at for at, times in sorted(ends.items()) if times < 0]
    if not ends:
        return
    if begun == [position]:
        yield _edited(f"it stands at {position}, its entries lead to {reached or 'nowhere'}", where)
    else:
        went_on = ", ".join(map(str, begun)) or "nowhere"
        yield _edited(f"its entries lead to {reached or 'nowhere'}, and it continued from {went_on}", where)


def _edited(message: str, where: str, table: str = _TABLE) -> Finding:
    return Finding(Harm.EVIDENCE_EDITED, message, action=table, subject=where)
