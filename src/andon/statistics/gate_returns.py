"""The test of an alarm of the break detector: did the error rise, or may earlier evidence come back?

Labels of decisions made after the alarm are bet against "the error of the region that was in force is at least `RISE`
times the target": the least rise that the detector looks for. As soon as they reject it, and their own mean is at most
the target, the alarm was not confirmed. Nearly all of these decisions are reviewed, and the rise is far from what a
good line errs, so this takes a fraction of the labels of a new proof.

What holds: if the error has risen to at least `RISE` times the target since the alarm, earlier evidence ever comes
back with a probability of at most `level`, over all alarms since the last new proof: the k-th test has the part
1 / (k (k + 1)) of the level. If the error did not change, evidence comes back to a stream of labels of which it was a
part all along, and its tests keep their level, whenever it returns. In between, where the error rose above the target
by less than `RISE`, no test of few labels can tell: then it may come back, but at each further alarm only while all
labels since the first one have a mean of at most the target.
"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from andon.statistics.betting import Floats, log_growth, log_wealth
from andon.statistics.gate_breaks import FACTORS
from andon.statistics.gate_tallies import LabelTally

RISE: Final = float(FACTORS.min())
"""The least rise of the error that an unconfirmed alarm excludes, in multiples of the target."""


class AlarmTest:
    """The test of the newest alarm. `threshold` is that of the region in force; `number` counts alarms in a row."""

    def __init__(self, threshold: float, target: float, level: float, earlier: "AlarmTest | None" = None) -> None:
        self.threshold, self._target, self._level = threshold, target, level
        self.number: int = 1 if earlier is None else earlier.number + 1
        self._before = np.zeros(2) if earlier is None else earlier._sums()
        self._since = LabelTally(np.array([threshold]))

    def add(self, confidence: Floats, losses: Floats, weights: Floats) -> None:
        """Add labels of decisions made after the alarm."""
        self._since.add(confidence, losses, weights)

    @property
    def is_refuted(self) -> bool:
        """Whether the labels since the alarm show that the error did not rise to `RISE` times the target."""
        above, losses, weights = self._since.above()
        risen = min(RISE * self._target, (1.0 + self._target) / 2)
        wealth = float(log_wealth(above[0] @ log_growth(risen, losses, weights)))
        lost, seen = self._sums()
        own_lost, own_seen = self._sums() - self._before
        enough = wealth >= np.log(self.number * (self.number + 1) / self._level)
        return bool(enough and own_lost <= self._target * own_seen and lost <= self._target * seen)

    def to_json(self) -> dict[str, Any]:
        """Describe the state by numbers and lists."""
        return {
            "threshold": self.threshold,
            "number": self.number,
            "before": self._before.tolist(),
            "since": self._since.to_json(),
        }

    @classmethod
    def from_json(cls, target: float, level: float, described: Mapping[str, Any]) -> "AlarmTest":
        """Read what `to_json` wrote."""
        test = cls(described["threshold"], target, level)
        test.number, test._before = described["number"], np.array(described["before"], float)
        test._since = LabelTally.from_json(np.array([test.threshold]), described["since"])
        return test

    def _sums(self) -> Floats:
        """Add up the weighted losses and weights of all labels since the first alarm."""
        above, losses, weights = self._since.above()
        own: Floats = np.array([above[0] @ (weights * losses), above[0] @ weights])
        return self._before + own
