"""The activity of the lines in the last fifteen minutes, kept in memory so that views cost the ledger next to nothing.

A finished time step does not change, so each reading queries only what is newer than the last settled end.
"""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Lock

from andon import decisions
from andon.decisions import DecisionTally
from andon.kernel.db import Tx
from andon.live import percentiles

STEP = timedelta(seconds=5)
SPAN = timedelta(minutes=15)
RECENT = timedelta(minutes=1)

_SETTLED_AFTER = timedelta(seconds=15)
_FRESH_FOR = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class PulseFigures:
    """Counts and latency percentiles (in milliseconds) of some decisions."""

    decisions: int
    automatic: int
    per_second: float
    p50: float | None
    p95: float | None
    p99: float | None

    @property
    def automatic_share(self) -> float | None:
        """Which part was decided without a person."""
        return self.automatic / self.decisions if self.decisions else None


class Pulse:
    """The tallies of the last SPAN, read from the ledger at most once a second for all visitors together."""

    def __init__(self) -> None:
        self._tallies: list[DecisionTally] = []
        self._read_at: datetime | None = None
        self._lock = Lock()

    def read(self, tx: Tx, now: datetime, scopes: Collection[str] | None) -> list[DecisionTally]:
        """Return the tallies of the automations in `scopes` (None: of all), oldest first."""
        with self._lock:
            if self._read_at is None or not timedelta() <= now - self._read_at < _FRESH_FOR:
                self._refresh(tx, now)
            return [tally for tally in self._tallies if scopes is None or tally.automation in scopes]

    def _refresh(self, tx: Tx, now: datetime) -> None:
        first = step_of(now - SPAN)
        settled = first if self._read_at is None else max(first, step_of(min(self._read_at, now) - _SETTLED_AFTER))
        kept = [tally for tally in self._tallies if first <= tally.at < settled]
        self._tallies = kept + decisions.tallies(tx, since=settled, until=now + STEP, step=STEP)
        self._read_at = now


def figures(tallies: Iterable[DecisionTally], span: timedelta) -> PulseFigures:
    """Return the figures of these tallies, which cover `span`."""
    decided = automatic = 0
    latencies: Counter[int] = Counter()
    for tally in tallies:
        decided += tally.decisions
        automatic += tally.automatic
        latencies.update(tally.latencies)
    p50, p95, p99 = percentiles(latencies, (0.5, 0.95, 0.99))
    return PulseFigures(decided, automatic, decided / span.total_seconds(), p50, p95, p99)


def series(tallies: Iterable[DecisionTally], now: datetime) -> dict[str, list[float | None]]:
    """Return the plot's columns: seconds since 1970, decisions a second, p50 and p99.

    Quiet steps are zeros without a latency.
    """
    by_step: dict[datetime, list[DecisionTally]] = {}
    for tally in tallies:
        by_step.setdefault(tally.at, []).append(tally)
    columns: dict[str, list[float | None]] = {"at": [], "rate": [], "p50": [], "p99": []}
    at, last = step_of(now - SPAN), step_of(now)
    while at < last:
        seen = figures(by_step.get(at, ()), STEP)
        for name, value in (("at", at.timestamp()), ("rate", seen.per_second), ("p50", seen.p50), ("p99", seen.p99)):
            columns[name].append(None if value is None else round(value, 3))
        at += STEP
    return columns


def step_of(at: datetime) -> datetime:
    """Return the beginning of the step that holds a moment; steps are counted from 1970, as the ledger does."""
    seconds = STEP.total_seconds()
    return datetime.fromtimestamp(at.timestamp() // seconds * seconds, tz=UTC)
