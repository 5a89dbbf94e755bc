"""The queue of one lane: urgent requests first, expired ones never, bulk work in large portions. Pure.

Interactive and normal work goes with the next batch, or with the one after if a lane shares its callers between two.
Bulk work waits until it fills a batch, or until its oldest request has waited BULK_WAIT: a large batch costs far less
CPU per decision. One batch takes only as much of it as is done in BULK_SLICE. So it never costs urgent requests more
than that, whether they are in its batch or arrive while it is under way.
"""

from collections import Counter, deque
from collections.abc import Callable, Sequence
from time import perf_counter_ns
from typing import TypeAlias

import structlog
from msgspec import Struct, field

from andon.decisions.domain import Decision, DecisionRequest, Priority
from andon.decisions.line import Line
from andon.decisions.traffic import Arm
from andon.serving import Assignment

log = structlog.get_logger(__name__)

MAX_BATCH = 512
"""The most decisions in one commit."""

BULK_BATCH = 256
BULK_WAIT = 0.02
BULK_SLICE = 0.004
"""Seconds."""

BULK_LEAST = 8
"""A batch takes this many bulk requests whatever they cost: this must be learned, and some must always progress."""

Done: TypeAlias = Callable[[Decision | None, BaseException | None], None]
"""Receives the end of a request: a decision in the ledger, None for a repeat of an earlier one, or an error."""

Foretold: TypeAlias = Callable[[Decision], None]
"""Receives the decision while PostgreSQL writes it; it holds only if the ledger takes it.

It may prepare the answer, and must not send it yet.
"""


class Item(Struct, gc=False):
    """One request on its way, with the arm that was chosen for it."""

    request: DecisionRequest
    line: Line
    arm: Arm
    assignment: Assignment
    done: Done
    foretold: Foretold | None = None
    together: "list[Item] | None" = None
    """All items of one call: once one of them was taken in time, none of the others expire."""
    begun: bool = False
    """Whether another item of its call was taken before it, in time."""
    queued_ns: int = field(default_factory=perf_counter_ns)

    def tell(self, decision: Decision | None, error: BaseException | None) -> None:
        """Report the end. A caller that fails to receive it does not keep others from receiving theirs."""
        try:
            self.done(decision, error)
        except Exception:
            log.exception("decision.not_told", decision_id=str(self.request.id), automation=self.request.automation)


class Queue:
    """The queue of a lane: first come, first served within a priority."""

    def __init__(self, limit: int = MAX_BATCH) -> None:
        self.limit = limit
        self._by_priority: tuple[deque[Item], deque[Item], deque[Item]] = (deque(), deque(), deque())

    def __len__(self) -> int:
        interactive, normal, bulk = self._by_priority
        return len(interactive) + len(normal) + len(bulk)

    @property
    def depths(self) -> tuple[int, int, int]:
        """The numbers of waiting requests: interactive, normal, bulk."""
        interactive, normal, bulk = self._by_priority
        return len(interactive), len(normal), len(bulk)

    @property
    def depths_by_version(self) -> Counter[tuple[str, int, Priority]]:
        """Return how many requests wait for each version of a model, by priority.

        Any thread may call it: it counts the requests that wait at one moment.
        """
        counts: Counter[tuple[str, int, Priority]] = Counter()
        for priority, waiting in zip(Priority, self._by_priority, strict=True):
            counts.update((item.arm.ref.model.name, item.arm.version, priority) for item in list(waiting))
        return counts

    @property
    def depths_by_automation(self) -> Counter[tuple[str, Priority]]:
        """Return how many wait for each automation, by priority. Any thread may call it, like `depths_by_version`."""
        counts: Counter[tuple[str, Priority]] = Counter()
        for priority, waiting in zip(Priority, self._by_priority, strict=True):
            counts.update((item.request.automation, priority) for item in list(waiting))
        return counts

    def add(self, item: Item) -> None:
        """Add one request."""
        self._by_priority[item.request.priority].append(item)

    def ahead_of(self, priority: Priority) -> int:
        """Return how many requests go before one that would arrive now."""
        return sum(map(len, self._by_priority[: priority + 1]))

    def take(self, room: int, now_ns: int, most: int = MAX_BATCH) -> tuple[list[Item], list[Item]]:
        """Take the next batch, of at most `most`, and the requests that expired before their turn.

        `room` is the amount of bulk work that fits into BULK_SLICE.
        """
        batch: list[Item] = []
        expired: list[Item] = []
        interactive, normal, bulk = self._by_priority
        limit = min(self.limit, most)
        _move(interactive, batch, limit, expired, now_ns)
        _move(normal, batch, limit, expired, now_ns)
        if bulk and (batch or self.bulk_wait(now_ns) is None):
            _move(bulk, batch, min(limit, len(batch) + max(BULK_LEAST, room)), expired, now_ns)
        return batch, expired

    def take_expired(self, now_ns: int) -> list[Item]:
        """Remove and return the requests whose deadline has passed while nothing was taken."""
        expired: list[Item] = []
        for waiting in self._by_priority:
            late = [item for item in waiting if _is_late(item, now_ns)]
            if late:
                kept = [item for item in waiting if not _is_late(item, now_ns)]
                waiting.clear()
                waiting.extend(kept)
                expired += late
        return expired

    def bulk_wait(self, now_ns: int) -> float | None:
        """Return the seconds until bulk work that waits alone is due; None when something is due now."""
        interactive, normal, bulk = self._by_priority
        if not bulk or interactive or normal or len(bulk) >= min(BULK_BATCH, self.limit):
            return None
        left = BULK_WAIT - (now_ns - bulk[0].queued_ns) / 1e9
        return left if left > 0 else None


def _move(waiting: deque[Item], batch: list[Item], limit: int, expired: list[Item], now_ns: int) -> None:
    """Fill up a batch with requests for which somebody still waits."""
    while waiting and len(batch) < limit:
        taken = [waiting.popleft() for _ in range(min(len(waiting), limit - len(batch)))]
        waited_for = [item for item in taken if (by := item.request.deadline_ns) is None or now_ns <= by or item.begun]
        batch += waited_for
        if len(waited_for) < len(taken):
            expired += [
                item
                for item in taken
                if not item.begun and (by := item.request.deadline_ns) is not None and now_ns > by
            ]
        for item in taken:
            if item.together:
                _decide_fate(item, item.together, now_ns)


def _is_late(item: Item, now_ns: int) -> bool:
    return item.request.deadline_ns is not None and now_ns > item.request.deadline_ns and not item.begun


def _decide_fate(first: Item, together: list[Item], now_ns: int) -> None:
    """Mark the other items of a call as begun if the first was taken in time; otherwise they expire at their turn.

    Callers wait for the answers of requests that are begun.
    """
    if first.request.deadline_ns is None or now_ns <= first.request.deadline_ns:
        for item in together:
            item.begun = item is not first
    together.clear()  # the list that every item of the call holds


def grouped(items: Sequence[Item]) -> list[tuple[Line, list[Item]]]:
    """Return the items by line, in their order."""
    first = items[0].line if items else None
    if first is not None and not [item for item in items if item.line is not first]:
        return [(first, list(items))]
    groups: dict[int, tuple[Line, list[Item]]] = {}
    for item in items:
        key = id(item.line)
        if key not in groups:
            groups[key] = (item.line, [])
        groups[key][1].append(item)
    return list(groups.values())
