"""Intervals as the product computes them, for `script/bench nature`: label-free, off-policy, and shares of labels."""

from collections.abc import Mapping
from typing import TypeAlias

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from andon.models import calibration
from andon.models.measuring import measured
from andon.statistics.intervals import WeightedSums, weighted_share
from andon.statistics.label_free import estimate
from andon.statistics.off_policy import LoggedDecisions, NoOverlap, difference_of, value_of
from andon.statistics.scores import LabelledScores, ScoreSums
from benchmarks.nature_logs import DrawnLog
from benchmarks.nature_worlds import Floats

Interval: TypeAlias = tuple[float, float]


class MeasuredModel:
    """A model that was packed with its held-out rows: raw probabilities of two classes, and the true classes."""

    def __init__(self, raw: Floats, labels: NDArray[np.int64], rng: Generator) -> None:
        found = measured(raw, labels, float(np.bincount(labels, minlength=2).min() / len(labels)), rng)
        self._calibrator = calibration.Calibrator(found.fitted)
        measuring = found.measuring
        self._measured = LabelledScores.of(found.calibrated[measuring, 1], labels[measuring] == 1)

    def scores(self, raw: Floats) -> Floats:
        """Return calibrated probabilities of the second class."""
        return np.asarray(self._calibrator(raw)[:, 1])

    def estimates(self, scores: Floats) -> Mapping[str, Interval]:
        """Return the intervals of a window's figures, by name; none where they are silent."""
        found = estimate(ScoreSums.of(scores, scores > 0.5), self._measured)
        return {name: (one.low, one.high) for name, one in found.estimates.items()}


def value_interval(log: DrawnLog) -> Interval | None:
    """Return the interval of the candidate's mean reward; None for silence."""
    return _interval(value_of(LoggedDecisions.of_fixed(log.rewards, log.same, log.propensities), None))


def difference_interval(log: DrawnLog) -> Interval | None:
    """Return the interval of what the candidate's mean reward differs by from the logged one; None for silence."""
    everything = np.ones(len(log.rewards), np.bool_)
    before = LoggedDecisions.of_fixed(log.rewards, everything, np.ones(len(log.rewards)))
    return _interval(difference_of(before, LoggedDecisions.of_fixed(log.rewards, log.same, log.propensities)))


def share_interval(chances: Floats, wrong: Floats) -> Interval | None:
    """Return the interval of a share, from labels that were looked at with these probabilities."""
    sums = WeightedSums()
    for chance, value in zip(chances.tolist(), wrong.tolist(), strict=True):
        sums = sums.with_value(1.0 / chance, value)
    found = weighted_share(sums)
    return found.low, found.high


def _interval(found: object) -> Interval | None:
    return None if isinstance(found, NoOverlap) else (found.low, found.high)  # type: ignore[attr-defined]
