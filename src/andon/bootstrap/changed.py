"""Gauges of the change figures of the last 90 days, read when they are scraped."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from andon import changes
from andon.changes import ChangeFigures
from andon.kernel.clock import Clock
from andon.kernel.db import Database
from andon.kernel.metrics import Metrics, Readings

SPAN = timedelta(days=90)
FRESH = timedelta(seconds=30)
"""The age at which figures are recomputed."""


def watch_changes(metrics: Metrics, database: Database, clock: Clock) -> None:
    """Show the change figures of every automation."""
    figures = _Figures(database, clock)

    def each(read: Callable[[ChangeFigures], Iterable[tuple[tuple[str, ...], float | None]]]) -> Callable[[], Readings]:
        return lambda: _known(figures.read(), read)

    metrics.gauges_of(
        "andon_changes",
        "Changes of what is in force in the last 90 days, by kind.",
        each(lambda one: [((str(kind),), count) for kind, count in one.kinds.items()]),
        labels=("automation", "kind"),
    )
    metrics.gauges_of(
        "andon_change_lead_seconds",
        "Median lead time of the changes of the last 90 days.",
        each(lambda one: [((), _seconds(one.lead_time.median))]),
        labels=("automation",),
    )
    metrics.gauges_of(
        "andon_change_failure_ratio",
        "Share of the changes of the last 90 days that failed, 0 to 1.",
        each(lambda one: [((), one.failures.share)]),
        labels=("automation",),
    )
    metrics.gauges_of(
        "andon_change_recovery_seconds",
        "Median recovery time of the failed changes of the last 90 days.",
        each(lambda one: [((), _seconds(one.recovery_time.median))]),
        labels=("automation",),
    )
    metrics.gauges_of(
        "andon_change_automatic_rollback_ratio",
        "Share of the rollbacks of the last 90 days that Andon made automatically, 0 to 1.",
        each(lambda one: [((), one.automatic_rollbacks.share)]),
        labels=("automation",),
    )
    metrics.gauges_of(
        "andon_change_rework_ratio",
        "Share of the changes of the last 90 days that were made while something was wrong, 0 to 1.",
        each(lambda one: [((), one.rework.share)]),
        labels=("automation",),
    )
    metrics.gauges_of(
        "andon_line_state_ratio",
        "Share of the last 90 days that a line spent in a state: automatic, supervised or stopped.",
        each(lambda one: [((str(state),), one.states.share(state)) for state in one.states.times]),
        labels=("automation", "state"),
    )


class _Figures:
    """The figures of all automations, recomputed after FRESH."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock
        self._read_at: datetime | None = None
        self._figures: Sequence[ChangeFigures] = ()

    def read(self) -> Sequence[ChangeFigures]:
        now = self._clock.now()
        if self._read_at is None or now - self._read_at >= FRESH:
            with self._database.begin() as tx:
                self._figures = changes.figures(tx, since=now - SPAN, now=now)
            self._read_at = now
        return self._figures


def _known(
    figures: Iterable[ChangeFigures],
    read: Callable[[ChangeFigures], Iterable[tuple[tuple[str, ...], float | None]]],
) -> Iterator[tuple[tuple[str, ...], float]]:
    """Return the known values, with the automation as their first label."""
    for one in figures:
        for labels, value in read(one):
            if value is not None:
                yield (one.automation, *labels), value


def _seconds(length: timedelta | None) -> float | None:
    return None if length is None else length.total_seconds()
