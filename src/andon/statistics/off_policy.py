"""Off-policy values: the reward a candidate would have earned on logged decisions, from their recorded propensities.

A decision has the weight `chance that the candidate takes the logged action / chance with which it was taken` (inverse
propensity). The predicted reward is added as it is, and only its error is weighted (doubly robust: Dudik, Langford and
Li 2011). Without a model, the mean of the earlier decisions is the prediction. Like self-normalising, that removes most
of the error that comes from the sum of the weights.

Rewards within known limits have an interval that is exact at any size: an empirical Bernstein bound of the mean over
the whole log (Howard, Ramdas, McAuliffe and Sekhon 2021, arXiv 1810.08240). Rewards may change with time. Other rewards
have an asymptotic interval (`intervals.mean_interval`), wider where the tail is heavy. Propensities may depend on all
earlier decisions.

A log that is too small or too different from the candidate gives a reason instead of a number. So does one whose
decisions all show the same, and one that would have to take a single decision for more than a tenth of all.
"""

import math
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from andon.statistics.intervals import mean_interval

Floats: TypeAlias = NDArray[np.float64]

LEAST_ROWS: Final = 100
LEAST_EFFECTIVE: Final = 50.0
"""The least effective sample size; twice that where the limits of rewards are not known."""

MOST_UNSUPPORTED: Final = 0.05
"""The largest share of decisions for which the log hardly ever takes the candidate's action.

It needs rewards with known limits: the missing rewards are then taken to be at a limit.
"""

HEAVIEST: Final = 0.1
"""The part of all decisions for which one may stand. With a larger weight the log does not support the decision."""

_ALIKE: Final = "the decisions all show the same, so nothing says how far the estimate may be off"
_DEVIATIONS = 5.0
_BETS = 6
_PRECISION = 1e-5


@dataclass(frozen=True, slots=True)
class LoggedDecisions:
    """Decisions in their order: the reward of the logged action, its propensity, and what the candidate would do.

    `targets` is the probability that the candidate takes the logged action. `largest` is the largest weight that any
    action could have given a decision, known before one was drawn. It is infinite if the candidate takes an action that
    the log never takes. An unknown reward is NaN and has no weight; the propensity is then that of the action *and* of
    the reward being known. `predictions` are expected rewards of the candidate's action and of the logged one, from a
    model that has not seen these rewards.
    """

    rewards: Floats
    propensities: Floats
    targets: Floats
    largest: Floats
    predictions: tuple[Floats, Floats] | None = None

    @classmethod
    def of_fixed(cls, rewards: Floats, same: NDArray[np.bool_], propensities: Floats) -> "LoggedDecisions":
        """Take a candidate that never draws: where the log took its action, and the propensity of that action."""
        with np.errstate(divide="ignore"):
            largest = 1.0 / propensities
        return cls(rewards, np.where(same, propensities, 1.0), same.astype(float), largest)

    def __post_init__(self) -> None:
        if not ((self.propensities > 0.0) & (self.propensities <= 1.0)).all():
            raise ValueError("the propensity of what was done must lie above 0 and at most at 1")

    def weights(self) -> Floats:
        """Compute the weight of each decision."""
        return np.where(np.isnan(self.rewards), 0.0, self.targets / self.propensities)


@dataclass(frozen=True, slots=True)
class OffPolicyValue:
    """The mean reward of the candidate with its interval.

    `effective` is how many decisions of the candidate itself the log is worth. `unsupported` is the share of decisions
    for which the log hardly ever takes the candidate's action. The interval allows for them.
    """

    value: float
    low: float
    high: float
    effective: float
    rows: int
    unsupported: float
    exact: bool


@dataclass(frozen=True, slots=True)
class NoOverlap:
    """The reason why a log gives no estimate of a candidate."""

    reason: str
    effective: float


def effective_size(weights: Floats) -> float:
    """Compute the effective sample size (Kish 1965)."""
    squares = float((weights**2).sum())
    return float(weights.sum()) ** 2 / squares if squares else 0.0


def value_of(
    logged: LoggedDecisions, limits: tuple[float, float] | None, confidence: float = 0.95
) -> OffPolicyValue | NoOverlap:
    """Estimate the candidate's mean reward, with an interval of this confidence; or give the reason why not."""
    weights = logged.weights()
    rows, effective = len(weights), effective_size(weights)
    supported = logged.largest <= HEAVIEST * rows
    unsupported = 1.0 - float(supported.mean()) if rows else 0.0
    reason = _silence(logged, weights, effective, supported, limits)
    if reason is not None:
        return NoOverlap(reason, effective)
    low, high = (0.0, 1.0) if limits is None else limits
    if limits is not None and not _within(logged, low, high):
        raise ValueError(f"rewards and predictions must lie within {low:g} and {high:g}")
    rewards = (logged.rewards[supported] - low) / (high - low)
    predicted = (
        None if logged.predictions is None else [(one[supported] - low) / (high - low) for one in logged.predictions]
    )
    weights = weights[supported]
    first, second = predicted if predicted is not None else 2 * [_means_before(weights, rewards)]
    contributions = _contributions(weights, rewards, first, second)
    value = float(contributions.mean())
    if limits is None:
        found = mean_interval(contributions, confidence)
        if found is None:
            return NoOverlap(_ALIKE, effective)
        below, above = found
    else:
        value = min(max(value, 0.0), 1.0)
        largest, level = logged.largest[supported], (1.0 - confidence) / 2.0
        # The least and greatest possible contribution, before anything is known about its decision.
        floor = 1.0 - largest if predicted is None else first - largest * second
        ceiling = largest if predicted is None else first + largest * (1.0 - second)
        below = min(value, _lower_bound(contributions, 1.0 - float(floor.min()), level))
        above = max(value, 1.0 - _lower_bound(1.0 - contributions, float(ceiling.max()), level))
        below, above = below * (1.0 - unsupported), above * (1.0 - unsupported) + unsupported
    value, below, above = (low + one * (high - low) for one in (value, below, above))
    return OffPolicyValue(value, below, above, effective, rows, unsupported, exact=limits is not None)


def difference_of(
    before: LoggedDecisions, after: LoggedDecisions, confidence: float = 0.95
) -> OffPolicyValue | NoOverlap:
    """Estimate by how much the mean reward of one candidate differs from another's, on the same logged decisions.

    Both are estimated from each decision, so whatever moves both alike does not widen the interval. Rewards have no
    limits. `effective` and `unsupported` are the worse of the two.
    """
    sides = [value_of(one, None, confidence) for one in (before, after)]
    for found in sides:
        if isinstance(found, NoOverlap):
            return found
    worse = min((one for one in sides if isinstance(one, OffPolicyValue)), key=lambda one: one.effective)
    each = []
    for logged in (before, after):
        weights = logged.weights()
        first, second = logged.predictions or 2 * [_means_before(weights, logged.rewards)]
        each.append(_contributions(weights, logged.rewards, first, second))
    apart = each[1] - each[0]
    bounds = mean_interval(apart, confidence)
    if bounds is None:
        return NoOverlap(_ALIKE, worse.effective)
    return OffPolicyValue(float(apart.mean()), *bounds, worse.effective, worse.rows, worse.unsupported, exact=False)


def _contributions(weights: Floats, rewards: Floats, first: Floats, second: Floats) -> Floats:
    """Compute what each decision says of the mean reward, from the predictions of both actions."""
    found: Floats = first + weights * (np.nan_to_num(rewards) - second)
    return found


def _silence(
    logged: LoggedDecisions,
    weights: Floats,
    effective: float,
    supported: NDArray[np.bool_],
    limits: tuple[float, float] | None,
) -> str | None:
    rows = len(weights)
    if rows < LEAST_ROWS:
        return f"{rows} decisions are too few: an estimate needs {LEAST_ROWS}"
    never = float(np.isinf(logged.largest).mean())
    if never > (0.0 if limits is None else MOST_UNSUPPORTED):
        return f"in {never:.1%} of the decisions the candidate does what was never drawn there"
    unsupported = 1.0 - float(supported.mean())
    if unsupported > (0.0 if limits is None else MOST_UNSUPPORTED):
        return (
            f"in {unsupported:.1%} of the decisions what the candidate does was drawn too rarely: one such decision "
            f"would stand for more than {HEAVIEST:.0%} of all"
        )
    least = LEAST_EFFECTIVE * (2.0 if limits is None else 1.0)
    if effective < least:
        return f"the log is worth {effective:.0f} decisions of the candidate: an estimate needs {least:.0f}"
    apart = float(weights[supported].mean()) - 1.0
    # A weight has mean 1 and lies within 0 and the largest, so its variance is at most `largest - 1`.
    error = math.sqrt(max(float((logged.largest[supported] - 1.0).sum()), 0.0)) / int(supported.sum())
    if abs(apart) > _DEVIATIONS * error + 1e-9:
        return f"the recorded propensities do not fit: weights have a mean of {apart + 1.0:.2f}, which should be 1"
    return None


def _within(logged: LoggedDecisions, low: float, high: float) -> bool:
    seen = [logged.rewards[~np.isnan(logged.rewards)], *(logged.predictions or ())]
    return all(bool(((one >= low) & (one <= high)).all()) for one in seen)


def _means_before(weights: Floats, rewards: Floats) -> Floats:
    """Compute for each decision the weighted mean reward of those before it; 0 where there are none."""
    earned = np.concatenate([[0.0], (weights * np.nan_to_num(rewards)).cumsum()[:-1]])
    weighed = np.concatenate([[0.0], weights.cumsum()[:-1]])
    means: Floats = np.divide(earned, weighed, out=np.zeros_like(earned), where=weighed > 0)
    return means


def _lower_bound(values: Floats, reach: float, level: float) -> float:
    """Find the least mean within [0, 1] that values above it by so much do not refute, by halving an interval.

    `reach` is how far a value may lie below the clipped mean of those before it. For a bet `b` that stays the same,
    exp(b * (sum of values - sum of their means) - psi(b) * sum of squares about the means before) is not expected to
    grow, whatever the means are. Several bets share the level: the best one depends on a spread that is not known.
    """
    count = len(values)
    before = np.clip(np.concatenate([[0.5], (0.5 + values.cumsum()[:-1]) / np.arange(2.0, count + 1.0)]), 0.0, 1.0)
    squares = float((((values - before) / reach) ** 2).sum())
    largest, least = 0.5, min(0.5, math.sqrt(8.0 * math.log(1.0 / level) / count) / 2.0)
    bets = np.geomspace(least, largest, _BETS) if least < largest else np.array([largest])
    total = float(values.sum())
    low, high = 0.0, 1.0
    while high - low > _PRECISION:
        middle = (low + high) / 2.0
        logs = bets / reach * (total - count * middle) + (np.log1p(-bets) + bets) * squares
        rich = float(np.logaddexp.reduce(logs)) - math.log(len(bets)) >= -math.log(level)
        low, high = (middle, high) if rich else (low, middle)
    return low
