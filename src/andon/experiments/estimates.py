"""Estimates of an experiment: the value of each arm, the comparison of each pair, and the path of both.

Pure; kept as JSON.

Each value is weighted by the probability with which its arm was drawn, so shares may change. A mean is doubly robust:
the prediction of an arm's earlier values, and their error, weighted (`statistics/mean_differences.py`). A rate of
events, which become known late, is the weighted events by the units of all arms (Horvitz and Thompson 1952): at any
time as many events of each arm are still unknown, whatever shares they had. Pairs of arms are compared among the
decisions that either of them made.
"""

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
from msgspec import Struct, convert, field, to_builtins

from andon.experiments.domain import ALPHA, Experiment
from andon.experiments.evidence import FIRST, ArmValue
from andon.statistics.mean_differences import LEAST, MeanDifferenceTest, width_at
from andon.statistics.rate_ratio_sequences import likeliest_ratio, ratio_interval, ratio_test

ESTIMATES = "estimates"
"""The name under which they are kept."""

LONGEST_PATH = 200
"""Points of the path; of a longer one every second is dropped."""

LEAST_EVENTS = 10
"""Events of an arm before its rate has an interval."""

_ONE_ARM = MeanDifferenceTest(0.0, 1, ALPHA)
"""The mean of one arm alone: its difference to nothing."""


class ArmSums(Struct):
    """Sums of one arm: decisions, its units, their values; and over all units the weights that its values have."""

    decisions: int = 0
    units: int = 0
    open: int = 0
    """Values of cases whose verdict was still open when their decision reached its age."""
    values: int = 0
    total: float = 0.0
    weighted: float = 0.0
    weighted_squares: float = 0.0
    inverse: float = 0.0
    """The sum of 1 / probability of this arm, over the units of all arms."""
    mean: list[float] = field(default_factory=_ONE_ARM.start)


class ArmEstimate(Struct, frozen=True):
    """The value of one arm with its 95% interval, valid at every look; None before there is enough.

    `error` is its standard error.
    """

    value: float | None
    low: float | None
    high: float | None
    error: float | None


class PairEstimate(Struct, frozen=True):
    """One arm compared with another: the ratio of rates or the difference of means, and the better arm, if one is."""

    first: int
    second: int
    value: float | None
    low: float | None
    high: float | None
    better: int | None


class EstimatePoint(Struct):
    """The estimates of all arms at one moment."""

    at: datetime
    seen: int
    values: list[float | None]
    lows: list[float | None]
    highs: list[float | None]
    shares: list[float]


class ExperimentEstimates(Struct):
    """The counts of an experiment: each arm, and for each pair of arms (`0/1`) the state of its test.

    `highest` holds the states in which open cases of the first arm count as events, not those of the second; `pairs`
    the other way round, so that an open case never speaks for its own arm.
    """

    arms: list[ArmSums]
    pairs: dict[str, list[float]] = field(default_factory=dict)
    highest: dict[str, list[float]] = field(default_factory=dict)
    path: list[EstimatePoint] = field(default_factory=list)

    @classmethod
    def of(cls, body: Mapping[str, Any] | None, arms: int) -> "ExperimentEstimates":
        """Read what `body` wrote; without one, begin."""
        return cls([ArmSums() for _ in range(arms)]) if body is None else convert(body, cls)

    def body(self) -> dict[str, Any]:
        """Return it as JSON values."""
        written: dict[str, Any] = to_builtins(self)
        return written

    @property
    def units(self) -> int:
        """Units of all arms."""
        return sum(one.units for one in self.arms)


def fold(experiment: Experiment, estimates: ExperimentEstimates, values: Sequence[ArmValue]) -> None:
    """Add values of units that were not counted before."""
    for one in values:
        if one.once == FIRST:
            estimates.arms[one.of.arm].units += 1
            for arm, chance in zip(estimates.arms, one.of.chances, strict=True):
                arm.inverse += 1.0 / chance
    known = [one for one in values if one.value is not None]
    if not known:
        return
    for one in known:
        arm, weight = estimates.arms[one.of.arm], (one.value or 0.0) / one.of.chances[one.of.arm]
        arm.values += 1
        arm.open += one.open
        arm.total += one.value or 0.0
        arm.weighted += weight
        arm.weighted_squares += weight * weight
    if experiment.counts_events:
        _fold_events(experiment, estimates, known)
    else:
        _fold_means(experiment, estimates, known)


def arm_estimates(experiment: Experiment, estimates: ExperimentEstimates) -> list[ArmEstimate]:
    """Estimate the value of each arm."""
    if not experiment.counts_events:
        return [_mean(one) for one in estimates.arms]
    total = sum(one.values for one in estimates.arms)
    return [_rate(one, estimates.units, total) for one in estimates.arms]


def pair_estimates(experiment: Experiment, estimates: ExperimentEstimates) -> list[PairEstimate]:
    """Compare each pair of arms."""
    return [_pair(experiment, estimates, first, second) for first, second in experiment.pairs]


def winner_of(experiment: Experiment, pairs: Sequence[PairEstimate]) -> int | None:
    """Return the arm that is shown to be better than all others, if one is."""
    wins = [one.better for one in pairs if one.better is not None]
    others = len(experiment.arms) - 1
    return next((arm for arm in range(others + 1) if wins.count(arm) == others), None)


def note_point(experiment: Experiment, estimates: ExperimentEstimates, seen: int, now: datetime) -> None:
    """Add the current estimates to the path."""
    found = arm_estimates(experiment, estimates)
    columns = [one.value for one in found], [one.low for one in found], [one.high for one in found]
    estimates.path.append(EstimatePoint(now, seen, *columns, list(experiment.shares)))
    if len(estimates.path) > LONGEST_PATH:
        estimates.path = [*estimates.path[:-1:2], estimates.path[-1]]


def _fold_events(experiment: Experiment, estimates: ExperimentEstimates, known: Sequence[ArmValue]) -> None:
    test = ratio_test(experiment.pair_alpha)
    for first, second in experiment.pairs:
        key = _key(first, second)
        for states, open_arm in ((estimates.pairs, second), (estimates.highest, first)):
            counts: dict[float, list[int]] = {}
            for one in known:
                if one.of.arm in (first, second) and (not one.open or one.of.arm == open_arm):
                    share = _share(one, first, second)
                    counts.setdefault(share, [0, 0])[0 if one.of.arm == first else 1] += 1
            kept = states.get(key) or test.start()
            for share, (of_first, of_second) in counts.items():
                kept = test.fold(kept, of_first, of_second, share)
            states[key] = [round(value, 9) for value in kept]


def _fold_means(experiment: Experiment, estimates: ExperimentEstimates, known: Sequence[ArmValue]) -> None:
    values = np.array([one.value for one in known], dtype=np.float64)
    arms = np.array([one.of.arm for one in known])
    chances = np.array([one.of.chances for one in known], dtype=np.float64)
    for place, arm in enumerate(estimates.arms):
        arm.mean = _ONE_ARM.fold(arm.mean, arms == place, values, chances[:, place])
    test = MeanDifferenceTest.harm(experiment.pair_alpha)
    for first, second in experiment.pairs:
        among = (arms == first) | (arms == second)
        shares = chances[among, first] / (chances[among, first] + chances[among, second])
        kept = estimates.pairs.get(_key(first, second)) or test.start()
        estimates.pairs[_key(first, second)] = test.fold(kept, arms[among] == first, values[among], shares)


def _rate(arm: ArmSums, units: int, events: int) -> ArmEstimate:
    """Estimate a rate by weighted events; its spread is that of the weights, or of the pooled rate if larger."""
    if arm.units < LEAST or units < 2:
        return ArmEstimate(None, None, None, None)
    rate = arm.weighted / units
    pooled = (events + 1) / (units + 2)
    expected = pooled * (1.0 - pooled) * arm.inverse / units
    deviation = math.sqrt(max(arm.weighted_squares / units - rate * rate, expected, 0.0))
    error = deviation / math.sqrt(units)
    if arm.values < LEAST_EVENTS:
        return ArmEstimate(rate, None, None, error)
    half = deviation * width_at(units, ALPHA / 2)
    return ArmEstimate(rate, max(rate - half, 0.0), min(rate + half, 1.0), error)


def _mean(arm: ArmSums) -> ArmEstimate:
    value, found = _ONE_ARM.estimate(arm.mean), _ONE_ARM.interval(arm.mean)
    if value is None or found is None or arm.values < LEAST:
        return ArmEstimate(None, None, None, None)
    low, high = found
    count = arm.mean[0]
    deviation = (high - low) / 2 / width_at(count, ALPHA / 2)
    return ArmEstimate(value, low, high, deviation / math.sqrt(count))


def _pair(experiment: Experiment, estimates: ExperimentEstimates, first: int, second: int) -> PairEstimate:
    kept, alpha = estimates.pairs.get(_key(first, second)), experiment.pair_alpha
    if kept is None:
        return PairEstimate(first, second, None, None, None, None)
    if experiment.counts_events:
        value: float | None = likeliest_ratio(kept)
        low, high = ratio_interval(kept, alpha)[0], ratio_interval(estimates.highest[_key(first, second)], alpha)[1]
        equal = 1.0
    else:
        test = MeanDifferenceTest.harm(alpha)
        value, found, equal = test.estimate(kept), test.interval(kept), 0.0
        if found is None:
            return PairEstimate(first, second, value, None, None, None)
        low, high = found
    less, more = (first, second) if experiment.better == "lower" else (second, first)
    better = less if high < equal else more if low > equal else None
    return PairEstimate(first, second, value, low, high if math.isfinite(high) else None, better)


def _share(one: ArmValue, first: int, second: int) -> float:
    """Compute the first arm's probability among both."""
    chances = one.of.chances
    return round(chances[first] / (chances[first] + chances[second]), 12)


def _key(first: int, second: int) -> str:
    return f"{first}/{second}"
