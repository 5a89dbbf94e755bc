"""A share in the window compared with that in an arm's first windows, as an observation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from andon.monitors.domain import MonitorState, Observation
from andon.monitors.judges.windows import FEWEST, too_few
from andon.statistics.dispersion import LEAST as FEWEST_WINDOWS
from andon.statistics.intervals import wilson
from andon.statistics.proportions import Proportion, ShareComparison, compare_shares


@dataclass(frozen=True, kw_only=True)
class JudgedRate:
    """A count out of a total, and the same in earlier windows. `side` is 1 for higher, -1 for lower, 0 for either."""

    monitor: str
    series: str
    arm: str
    count: float
    among: float
    earlier: Sequence[tuple[float, float]]
    side: int
    level: float
    what: str
    of: str = "decisions"
    fewest: int = FEWEST
    breach: MonitorState = MonitorState.WARNING
    detail: Mapping[str, Any] = field(default_factory=dict)
    provisional: bool = False

    def observed(self, since: datetime) -> Observation:
        """Judge the rate."""
        earlier = [(k, n) for k, n in self.earlier if n >= self.fewest]
        if self.among < self.fewest:
            return self._silent(too_few(int(self.among), self.fewest, self.of))
        if len(earlier) < FEWEST_WINDOWS:
            return self._silent(too_few(len(earlier), FEWEST_WINDOWS, "first windows to compare with"))
        current = Proportion(round(self.count), round(self.among))
        change = compare_shares([Proportion(round(k), round(n)) for k, n in earlier], current)
        p_value = self._one_sided(change)
        changed = p_value <= self.level
        return Observation(
            monitor=self.monitor,
            series=self.series,
            arm=self.arm,
            state=self.breach if changed else MonitorState.GOOD,
            message=f"{self.what} is {change.observed:.2%}, {change.expected:.2%} at first",
            observed=change.observed,
            expected=change.expected,
            low=change.low,
            high=change.high,
            unit="share",
            false_alarm=p_value,
            decisions=current.all,
            since=since,
            detail={"usual": wilson(*_pooled(earlier)), "dispersion": change.dispersion, **self.detail},
            provisional=changed and self.provisional,
        )

    def _one_sided(self, change: ShareComparison) -> float:
        """Return the p-value of a change to the side that matters."""
        if self.side == 0:
            return change.p_value
        return change.p_value / 2 if (change.observed - change.expected) * self.side > 0 else 1.0

    def _silent(self, why: str) -> Observation:
        share = self.count / self.among if self.among else None
        return Observation.silent(
            self.monitor, why, self.series, arm=self.arm, observed=share, unit="share", decisions=int(self.among)
        )


def _pooled(earlier: Sequence[tuple[float, float]]) -> tuple[int, int]:
    return round(sum(k for k, _ in earlier)), round(sum(n for _, n in earlier))
