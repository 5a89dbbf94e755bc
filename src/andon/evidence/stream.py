"""The stream: one consumer reads committed decisions once and hands each batch to every tally, in one transaction.

A tally that fails does not stop the others. Its batch is kept for it in the same transaction, and counted later, so
nothing is lost and nothing counted twice. Register a tally in `andon.bootstrap.chores`.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Protocol
from uuid import UUID

import structlog

from andon.decisions import ConsumerBusy, DecisionBatch, Feed
from andon.evidence import store
from andon.kernel.db import Tx, is_lost

log = structlog.get_logger(__name__)

CONSUMER = "evidence"
"""The name under which the feed is read."""

AT_ONCE = 2_000
"""The most decisions of one transaction."""

LOOKED_BACK = timedelta(days=30)
"""The span back from which counting begins in an installation with earlier decisions."""

HELD_AT_ONCE = 4
"""The most batches that are counted again in one transaction."""


class Tally(Protocol):
    """A reader of all committed decisions. It passes over those that do not concern it."""

    @property
    def name(self) -> str:
        """The name under which decisions are kept for it."""

    def count(self, tx: Tx, batch: DecisionBatch, now: datetime) -> None:
        """Count decisions, each once; after a fault not in the order of their commits."""


class DecisionStream:
    """The one reader of committed decisions. Each worker has one; one worker at a time reads."""

    def __init__(self, tallies: Sequence[Tally], feed: Feed | None = None, at_once: int = AT_ONCE) -> None:
        self.tallies = tallies
        self._at_once = at_once
        self._feed = feed or Feed(CONSUMER, start=datetime.now(UTC) - LOOKED_BACK)

    def take(self, tx: Tx, now: datetime) -> bool:
        """Hand the next decisions to every tally. Return True if there may be more. Raises ConsumerBusy."""
        batch = self._feed.take_batch(tx, self._at_once)
        if batch.keys:
            for tally in self.tallies:
                self._count(tx, tally, batch, now)
        return batch.count >= self._at_once // 2  # chains with less leave room

    def catch_up(self, tx: Tx, now: datetime) -> bool:
        """Count what was kept for tallies that had failed. Return True if there may be more.

        What fails again is kept in halves, so that a single decision that cannot be counted holds up no other. Nothing
        is counted while somebody reads new decisions.
        """
        try:
            self._feed.claim(tx)  # whoever reads new decisions changes the same counts
        except ConsumerBusy:
            return False
        more = False
        for tally in self.tallies:
            for _ in range(HELD_AT_ONCE):
                ids = store.take_held(tx, tally.name)
                if not ids:
                    break
                ok = self._count(tx, tally, DecisionBatch(tx, [one.bytes for one in ids]), now)
                more = more or ok
        return more

    def _count(self, tx: Tx, tally: Tally, batch: DecisionBatch, now: datetime) -> bool:
        """Let one tally count, by itself; what fails together is counted for each automation. Return whether it could.

        So a line with a fault in its code holds up no other: only its own part is kept. A lost connection is nobody's
        fault: the whole transaction is done again.
        """
        try:
            with tx.begin_nested():
                tally.count(tx, batch, now)
        except Exception:
            if is_lost(tx):
                raise
            log.exception("evidence.tally_failed", tally=tally.name, decisions=batch.count)
        else:
            return True
        names = {key: group.automation for group in batch.groups for key in group.keys}
        parts = defaultdict[str | None, list[bytes]](list)
        for key in batch.keys:
            parts[names.get(key)].append(key)
        if len(parts) > 1:
            counted = [self._count(tx, tally, DecisionBatch(tx, keys), now) for keys in parts.values()]
            return all(counted)
        for name, keys in parts.items():
            half = (len(keys) + 1) // 2
            for some in filter(None, (keys[:half], keys[half:])):
                store.hold(tx, tally.name, [UUID(bytes=key) for key in some], [] if name is None else [name])
        return False


def held(tx: Tx) -> dict[str, int]:
    """Return how many decisions are kept for each tally that could not count them."""
    return store.held(tx)
