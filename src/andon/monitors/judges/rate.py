"""A share of the window beside that of an arm's first windows, as an observation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from andon.monitors.domain import MonitorState, Observation
from andon.monitors.judges.windows import FEWEST, too_few
from andon.monitors.rates import FEWEST_WINDOWS, beside, interval


@dataclass(frozen=True, kw_only=True)
class Rate:
    """A count among others, and the same of earlier windows. `side` is 1 for higher, -1 for lower, 0 for either."""

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
    slack: float = 0.0
    detail: Mapping[str, Any] = field(default_factory=dict)

    def observed(self, since: datetime) -> Observation:
        """Judge it."""
        earlier = [(k, n) for k, n in self.earlier if n >= self.fewest]
        if self.among < self.fewest:
            return self._silent(too_few(int(self.among), self.fewest, self.of))
        if len(earlier) < FEWEST_WINDOWS:
            return self._silent(too_few(len(earlier), FEWEST_WINDOWS, "first windows to compare with"))
        test = beside(self.count, self.among, earlier, side=self.side, slack=self.slack)
        share = self.count / self.among
        low, high = interval(self.count, self.among)
        changed = test.p_value <= self.level
        usual = f"usually {test.low:.2%} to {test.high:.2%}"
        return Observation(
            monitor=self.monitor,
            series=self.series,
            arm=self.arm,
            state=self.breach if changed else MonitorState.GOOD,
            message=f"{self.what} is {share:.2%}, {usual}",
            observed=share,
            expected=test.expected,
            low=low,
            high=high,
            unit="share",
            false_alarm=test.p_value,
            decisions=int(self.among),
            since=since,
            detail={"usual": [test.low, test.high], "dispersion": test.factor, **self.detail},
        )

    def _silent(self, why: str) -> Observation:
        share = self.count / self.among if self.among else None
        return Observation.silent(
            self.monitor, why, self.series, arm=self.arm, observed=share, unit="share", decisions=int(self.among)
        )
