"""An export of decisions into a file, each exactly once.

The consumer's position and the file's length move in one transaction. Bytes after the committed length are from a run
that was killed; the next run cuts them off and writes them again.
"""

import os
from collections.abc import Iterable
from pathlib import Path

from andon.decisions.errors import ExportDiffers
from andon.decisions.feed import AT_ONCE, Feed, StartsAt
from andon.decisions.feed_item import FeedItem
from andon.decisions.store import feed as store
from andon.kernel.db import Tx
from andon.kernel.files import sync_folder


class Export:
    """Appends the decisions of one automation to a file, a line of JSON each, as one consumer of the feed."""

    def __init__(self, consumer: str, automation: str, file: Path, *, start: StartsAt) -> None:
        self._automation = automation
        self._file = file.absolute()
        self._feed = Feed(consumer, automations=[automation], start=start)

    @property
    def pause(self) -> float:
        """Seconds to rest when nothing is left."""
        return self._feed.pause

    def begin(self, tx: Tx) -> None:
        """Record what is exported where, in a transaction before the first line. Raises ConsumerBusy, ExportDiffers."""
        self._feed.claim(tx)
        consumer, file = self._feed.consumer, str(self._file)
        before = store.export_of(tx, consumer)
        if before is None:
            if self._file.exists() and self._file.stat().st_size:
                raise ExportDiffers(f"{file} already exists and was not written by {consumer}: name another file")
            store.add_export(tx, consumer, self._automation, file)
        elif (before.automation, before.file) != (self._automation, file):
            raise ExportDiffers(
                f"{consumer} exports {before.automation} to {before.file}: name another consumer, or reset this one"
            )

    def append(self, tx: Tx, limit: int = AT_ONCE) -> tuple[int, int]:
        """Append the next decisions; return how many were passed and how many of them were written.

        Nothing is left if none was passed. The file is on disk before the caller commits. Raises ConsumerBusy,
        ExportDiffers, OSError.
        """
        taken = self._feed.take(tx, limit)
        before = store.export_of(tx, self._feed.consumer)
        if before is None:
            raise ExportDiffers(f"{self._feed.consumer} was reset during the export: export again")
        length = self._write(before.length, taken.items)
        if length != before.length:
            store.lengthen(tx, self._feed.consumer, length)
        return taken.passed, len(taken.items)

    def _write(self, length: int, items: Iterable[FeedItem]) -> int:
        """Write after the committed part of the file; return its new length. Raises ExportDiffers."""
        new = not self._file.exists()
        with os.fdopen(os.open(self._file, os.O_RDWR | os.O_CREAT, 0o600), "r+b") as file:
            there = file.seek(0, os.SEEK_END)
            if there < length:
                raise ExportDiffers(
                    f"{self._file} has {there:,} bytes and had {length:,}: reset the consumer to start again"
                )
            file.truncate(length)
            file.seek(length)
            file.writelines(map(_line, items))
            file.flush()
            os.fsync(file.fileno())
            end = file.tell()
        if new:
            sync_folder(self._file.parent)
        return end


def _line(item: FeedItem) -> bytes:
    """Return the record as a line, with the latency that it cannot hold.

    Line breaks occur only between tokens: JSON texts have none.
    """
    record = item.record.replace(b"\n", b" ").replace(b"\r", b" ")
    return b'{"latency_us":%d,%b\n' % (item.latency_us, record[1:])
