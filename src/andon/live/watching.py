"""The last minute of a decider's reports. A batch only stores references; they are counted in bulk."""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import chain
from time import monotonic
from typing import Any

from andon.decisions import BatchReport, BatchWatcher
from andon.live.window import Arm, MinuteCounts

_AT_ONCE = 4096
"""The most decisions kept uncounted: a few hundred microseconds of counting."""

_SHARED = ("features", "predict", "policy", "record")
"""The stages timed for the whole batch."""


class LiveWatch:
    """Observes a decider, and passes everything on to the next watcher. Use only from the event loop's thread."""

    def __init__(self, then: BatchWatcher) -> None:
        self._then = then
        self._window = MinuteCounts(monotonic())
        self._uncounted: dict[Arm, list[tuple[Any, ...]]] = {}
        self._held = 0
        self._refused: dict[tuple[str, ...], float] = {}

    def batch(self, reports: Sequence[BatchReport]) -> None:
        """Keep the reports of a committed batch."""
        for report in reports:
            arm = (report.automation, report.model, report.version)
            self._uncounted.setdefault(arm, []).append(_kept(report))
            self._held += len(report.judgements)
        if self._held >= _AT_ONCE:
            self._count(monotonic())
        self._then.batch(reports)

    def failed(self, transient: bool, requests: int) -> None:
        """Count a batch that could not be decided or recorded."""
        self._window.add_lost(monotonic(), requests)
        self._then.failed(transient, requests)

    def expired(self, automation: str, requests: int) -> None:
        """Count requests that expired before their turn."""
        self._window.add_to_line(monotonic(), automation, "expired", requests)
        self._then.expired(automation, requests)

    def shadowed(self, automation: str, run: int, dropped: int) -> None:
        """Count the rows that shadows saw, and those that they did not."""
        now = monotonic()
        self._window.add_to_line(now, automation, "shadowed", run)
        self._window.add_to_line(now, automation, "not_shadowed", dropped)
        self._then.shadowed(automation, run, dropped)

    def counted(self, refused: Mapping[tuple[str, ...], float]) -> tuple[MinuteCounts, float]:
        """Return the up-to-date window, and the time by its clock.

        `refused` holds all requests refused since the process started, by automation and reason.
        """
        now = monotonic()
        self._count(now)
        for (automation, reason), count in refused.items():
            more = int(count - self._refused.get((automation, reason), 0))
            if more:
                self._window.add_refused(now, automation, reason, more)
        self._refused = dict(refused)
        return self._window, now

    def _count(self, now: float) -> None:
        uncounted, self._uncounted, self._held = self._uncounted, {}, 0
        for arm, batches in uncounted.items():
            counts, queue, whole, *shared, fallbacks = zip(*batches, strict=True)
            self._window.add_times(now, arm, "queue", list(chain.from_iterable(queue)))
            self._window.add_times(now, arm, "whole", list(chain.from_iterable(whole)))
            for stage, seconds in zip(_SHARED, shared, strict=True):
                self._window.add_times(now, arm, stage, seconds, counts)
            together = sum(map(Counter, filter(None, fallbacks)), Counter[str]())
            self._window.add_decisions(now, arm, sum(counts), together)


def _kept(report: BatchReport) -> tuple[Any, ...]:
    """Return the part of a report that is kept until it is counted: everything but the decisions."""
    return (
        len(report.judgements),
        report.queue,
        report.whole,
        report.features,
        report.predict,
        report.policy,
        report.record,
        report.fallbacks,
    )
