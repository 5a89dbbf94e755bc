"""The feed of committed decisions: a consumer reads each exactly once, in the transaction of its own writes.

The decisions of one writer arrive in the order of their commits; those of several writers are merged by time as far as
possible. A consumer's position is a number for each chain of the audit log, so a late commit is read late and never
skipped.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from enum import StrEnum
from time import monotonic
from typing import TypeAlias
from uuid import UUID

import structlog
from msgspec import Struct

from andon import audit
from andon.decisions.errors import ConsumerBusy, ConsumerNotFound
from andon.decisions.feed_item import FeedItem
from andon.decisions.store import feed as store
from andon.decisions.store.feed import ConsumerStanding, Unread
from andon.kernel.db import Tx
from andon.kernel.identity import Actor

log = structlog.get_logger(__name__)

AT_ONCE = 5000
"""The most decisions of one transaction, unless another limit is given."""

MERGED = 16
"""Chains that are read together. Those with older leaves come first, so few are enough."""

FOLLOWED = 64
"""Chains that are known to grow and checked each time. The others are searched from time to time."""

SEARCH_SHARE = 0.02
"""The share of its time that a consumer spends searching all chains, thousands of which may be finished."""

LEAST_PAUSE = 0.5
"""Seconds between two looks of a consumer that has read everything."""


class Start(StrEnum):
    """Where a new consumer begins, if not at a moment."""

    BEGINNING = "beginning"
    NOW = "now"


StartsAt: TypeAlias = Start | datetime
"""Where a new consumer begins; for a moment, at the first leaf of each chain that was written then or later."""


class TakenDecisions(Struct, frozen=True, gc=False):
    """The decisions that one transaction takes: those of the wanted automations, out of `passed` in all.

    Nothing is left if `passed` is 0.
    """

    items: Sequence[FeedItem]
    passed: int


class _Leaf(Struct, frozen=True, gc=False):
    """Decisions of one leaf, or some of them; the position after them: leaves read, and decisions of the next."""

    writer: UUID
    seq: int
    keys: Sequence[bytes]
    behind: tuple[int, int]


class Feed:
    """The feed as one consumer reads it. Use one object for each process and consumer: it remembers which chains grow.

    `automations` are those whose decisions are wanted; the position moves over all others. A new consumer begins at
    `start`.
    """

    def __init__(
        self, consumer: str, *, automations: Sequence[str] | None = None, start: StartsAt = Start.BEGINNING
    ) -> None:
        self.consumer = consumer
        self._automations = automations
        self._start = start
        self._growing: list[UUID] = []
        self._search_at = 0.0

    @property
    def pause(self) -> float:
        """Seconds to rest when nothing is left; the more chains there are to check for something new, the longer."""
        return max(LEAST_PAUSE, self._search_at - monotonic())

    def take(self, tx: Tx, limit: int = AT_ONCE) -> TakenDecisions:
        """Take the next decisions and move the position past them, both in the caller's transaction.

        After a rollback the same decisions are taken again. A leaf is taken whole, unless it alone holds more than
        `limit`. Raises ConsumerBusy while another transaction reads as this consumer.
        """
        leaves = self._advance(tx, limit)
        keys = [key for leaf in leaves for key in leaf.keys]
        found = store.rows(tx, keys, self._automations)
        items = [
            FeedItem(key, leaf.writer, leaf.seq, *row)
            for leaf in leaves
            for key in leaf.keys
            if (row := found.get(key)) is not None
        ]
        return TakenDecisions(items, len(keys))

    def take_batch(self, tx: Tx, limit: int = AT_ONCE) -> "DecisionBatch":
        """Take the next decisions of all automations by their columns, without their records.

        Nothing is left if the batch is empty. The position moves as with `take`. Raises ConsumerBusy as `take` does.
        """
        return DecisionBatch(tx, [key for leaf in self._advance(tx, limit) for key in leaf.keys])

    def claim(self, tx: Tx) -> None:
        """Become the only reader as this consumer until the transaction ends. Raises ConsumerBusy.

        A new consumer is created.
        """
        mine = store.lock(tx, self.consumer)
        if mine is None:
            _begin(tx, self.consumer, self._start)
            mine = store.lock(tx, self.consumer)
        if not mine:
            raise ConsumerBusy(f"Another process now reads the feed as {self.consumer}")

    def _advance(self, tx: Tx, limit: int) -> list[_Leaf]:
        """Claim, read the next leaves, and move the position past them."""
        self.claim(tx)
        leaves = self._read(tx, limit)
        if leaves:
            count = sum(len(leaf.keys) for leaf in leaves)
            store.move(tx, self.consumer, {leaf.writer: leaf.behind for leaf in leaves}, count)
        return leaves

    def _read(self, tx: Tx, limit: int) -> list[_Leaf]:
        chains = self._unread(tx)
        read, beyond = chains[:MERGED], chains[MERGED:]
        if not read:
            return []
        each = max(1, limit // len(read))
        leaves = store.leaves(
            tx,
            read,
            each=each,
            limit=limit + sum(chain.taken for chain in read),
            until=beyond[0].at if beyond else None,
        )
        return list(_cut(read, leaves, each=each, limit=limit))

    def _unread(self, tx: Tx) -> list[Unread]:
        """Return chains with something to read.

        Chains that grew before are checked first. All are searched if those have nothing more, or if it is time to
        search.
        """
        began, found = monotonic(), list[Unread]()
        if self._growing and began < self._search_at:
            found = store.unread(tx, self.consumer, FOLLOWED, self._growing)
        if not found:
            found = store.unread(tx, self.consumer, FOLLOWED)
            ended = monotonic()
            self._search_at = ended + (ended - began) / SEARCH_SHARE
        if found:
            self._growing = [chain.writer for chain in found]
        return found


class DecisionBatch:
    """Committed decisions of one transaction: `groups` have their columns; records are read where they are wanted."""

    def __init__(self, tx: Tx, keys: Sequence[bytes]) -> None:
        self.keys = keys
        self.groups = store.groups(tx, keys)
        self._tx = tx
        self._items: dict[bytes, FeedItem] = {}

    @property
    def count(self) -> int:
        """The number of decisions."""
        return len(self.keys)

    def items(self, keys: Iterable[bytes]) -> list[FeedItem]:
        """Return these decisions with their records, which are read once, whoever asks."""
        wanted = sorted(keys)
        read = store.items(self._tx, [key for key in wanted if key not in self._items])
        self._items |= {item.key: item for item in read}
        return [self._items[key] for key in wanted]


def items_of(tx: Tx, ids: Sequence[UUID]) -> list[FeedItem]:
    """Return these decisions as the feed gives them, in no order; unknown ids are left out."""
    return store.items(tx, [one.bytes for one in ids])


def consumers(tx: Tx, name: str | None = None) -> list[ConsumerStanding]:
    """Return the progress of every consumer, or of the one with a name."""
    return store.standings(tx, name)


def oldest_unread(tx: Tx) -> list[tuple[str, datetime | None]]:
    """Return every consumer, with the time of the oldest commit that it has not read."""
    return store.oldest(tx)


def reset_consumer(tx: Tx, consumer: str, start: StartsAt | None, *, actor: Actor, reason: str, now: datetime) -> None:
    """Let a consumer start over at `start`, or forget it if `start` is None. Raises ConsumerNotFound.

    A forgotten consumer that reads again begins at its own `start`. The call waits for a transaction that reads as this
    consumer.
    """
    taken = store.forget(tx, consumer)
    if taken is None:
        raise ConsumerNotFound(f"No consumer of the feed is named {consumer}")
    if start is not None:
        _begin(tx, consumer, start)
    after = None if start is None else start.isoformat() if isinstance(start, datetime) else start.value
    audit.record(
        tx,
        actor=actor,
        action="feed.reset",
        subject=f"feed:{consumer}",
        at=now,
        reason=reason,
        before={"taken": taken},
        after={"start": after},
    )


def _begin(tx: Tx, consumer: str, start: StartsAt) -> None:
    if start is Start.BEGINNING:
        store.add(tx, consumer)
    else:
        store.begin(tx, consumer, start if isinstance(start, datetime) else None)


def _cut(
    chains: Sequence[Unread], leaves: Sequence[tuple[UUID, int, bytes]], *, each: int, limit: int
) -> Iterator[_Leaf]:
    """Return leaves up to the limit, or up to a chain that needs more leaves before others may continue."""
    read_to = {chain.writer: chain.seq for chain in chains}
    taken = {chain.writer: chain.taken for chain in chains}
    counts = dict.fromkeys(read_to, 0)
    left = limit
    for writer, seq, body in leaves:
        if seq != read_to[writer] + 1:
            log.error("feed.leaf_missing", writer=str(writer), after=read_to[writer], found=seq)
        skipped = taken.pop(writer, 0)
        keys = [body[i : i + 16] for i in range(skipped * store.ENTRY, len(body) - store.ENTRY + 1, store.ENTRY)]
        if len(keys) > left:
            if left == limit:  # a single leaf exceeds the limit
                yield _Leaf(writer, seq, keys[:limit], (seq - 1, skipped + limit))
            return
        yield _Leaf(writer, seq, keys, (seq, 0))
        read_to[writer] = seq
        left -= len(keys)
        counts[writer] += 1
        if counts[writer] == each or not left:
            return
