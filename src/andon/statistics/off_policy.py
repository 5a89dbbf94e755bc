"""Off-policy values: the reward a candidate would have earned on logged decisions, from their recorded propensities.

A decision has the weight `chance that the candidate takes the logged action / chance with which it was taken` (inverse
propensity). The predicted reward is added as it is, and only its error is weighted (doubly robust: Dudik, Langford and
Li 2011). Without a model, the mean of the earlier decisions is the prediction. Like self-normalising, that removes most
of the error that comes from the sum of the weights.

Rewards within known limits have an interval that is exact at any size. It holds every value against which a bettor who
knows only the past did not get rich (Waudby-Smith and Ramdas 2024, arXiv 2010.09686; for this use 2102.09540 and
2210.10768). Other rewards have an asymptotic interval, widened by Hall's correction for skewness (1992). Propensities
may depend on all earlier decisions.

A log that is too small or too different from the candidate gives a reason instead of a number.
"""

import math
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]

LEAST_ROWS: Final = 100
LEAST_EFFECTIVE: Final = 50.0
"""The least effective sample size; twice that where the limits of rewards are not known."""

MOST_UNSUPPORTED: Final = 0.05
"""The largest share of decisions for which the log never takes the candidate's action.

It needs rewards with known limits: the missing rewards are then taken to be at a limit.
"""

_DEVIATIONS = 5.0
_CAUTION = 0.75
_PRECISION = 1e-4


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
    for which the log never takes the candidate's action. The interval allows for them.
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
    unsupported = float(np.isinf(logged.largest).mean()) if rows else 0.0
    reason = _silence(logged, weights, effective, unsupported, limits)
    if reason is not None:
        return NoOverlap(reason, effective)
    supported = ~np.isinf(logged.largest)
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
    if limits is None:
        value, below, above = _asymptotic(contributions, confidence)
    else:
        # The least and greatest possible contribution, before anything is known about its decision.
        loose, largest = predicted is not None, float(logged.largest[supported].max())
        floor = np.full(len(first), -largest) if loose else first - largest * second
        ceiling = np.full(len(first), 1.0 + largest) if loose else first + largest * (1.0 - second)
        value = float(np.clip(contributions.mean(), 0.0, 1.0))
        level = (1.0 - confidence) / 2.0
        below = min(value, _lower_bound(contributions, floor, level))
        above = max(value, 1.0 - _lower_bound(1.0 - contributions, 1.0 - ceiling, level))
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
    value, below, above = _asymptotic(each[1] - each[0], confidence)
    return OffPolicyValue(value, below, above, worse.effective, worse.rows, worse.unsupported, exact=False)


def _contributions(weights: Floats, rewards: Floats, first: Floats, second: Floats) -> Floats:
    """Compute what each decision says of the mean reward, from the predictions of both actions."""
    found: Floats = first + weights * (np.nan_to_num(rewards) - second)
    return found


def _silence(
    logged: LoggedDecisions, weights: Floats, effective: float, unsupported: float, limits: tuple[float, float] | None
) -> str | None:
    rows = len(weights)
    if rows < LEAST_ROWS:
        return f"{rows} decisions are too few: an estimate needs {LEAST_ROWS}"
    if unsupported > (0.0 if limits is None else MOST_UNSUPPORTED):
        return f"in {unsupported:.1%} of the decisions the candidate does what was never drawn there"
    least = LEAST_EFFECTIVE * (2.0 if limits is None else 1.0)
    if effective < least:
        return f"the log is worth {effective:.0f} decisions of the candidate: an estimate needs {least:.0f}"
    known = np.isfinite(logged.largest)
    apart = float(weights[known].mean()) - 1.0
    # A weight has mean 1 and lies within 0 and the largest, so its variance is at most `largest - 1`.
    error = math.sqrt(max(float((logged.largest[known] - 1.0).sum()), 0.0)) / int(known.sum())
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


def _lower_bound(values: Floats, floor: Floats, level: float) -> float:
    """Find the least mean within [0, 1] against which bets on "higher" do not reach 1 / level, by halving an interval.

    Bets follow the spread of the past, as for a fixed number of rows. No value can cost more than a part of the stake.
    """
    count = np.arange(1.0, len(values) + 1.0)
    means = (0.5 + values.cumsum()) / (count + 1.0)
    spread = (0.25 + ((values - means) ** 2).cumsum()) / (count + 1.0)
    before = np.concatenate([[0.25], spread[:-1]])
    bets = np.minimum(np.sqrt(2.0 * math.log(1.0 / level) / (len(values) * before)), _CAUTION / (1.0 - floor))
    low, high = 0.0, 1.0
    while high - low > _PRECISION / 10:
        middle = (low + high) / 2.0
        rich = np.log1p(bets * (values - middle)).sum() >= -math.log(level)
        low, high = (middle, high) if rich else (low, middle)
    return low


def _asymptotic(values: Floats, confidence: float) -> tuple[float, float, float]:
    """Compute the mean and its bounds: on each side the wider of the t interval and of Hall's transformation of it."""
    from scipy.special import stdtrit

    count, mean, deviation = len(values), float(values.mean()), float(values.std(ddof=1))
    if deviation == 0.0:
        return mean, mean, mean
    root = math.sqrt(count)
    skewness = float(((values - mean) ** 3).mean()) / deviation**3
    quantile = float(stdtrit(count - 1, 0.5 + confidence / 2.0))
    above = max(quantile, -_unskewed(-quantile, skewness / root))
    below = max(quantile, _unskewed(quantile, skewness / root))
    return mean, mean - deviation * below / root, mean + deviation * above / root


def _unskewed(quantile: float, step: float) -> float:
    """Invert t + step * t**2 / 3 + step**2 * t**3 / 27 + step / 6 at a quantile (Hall 1992, Biometrika)."""
    if abs(step) < 1e-9:
        return quantile
    inner = 1.0 + step * (quantile - step / 6.0)
    return 3.0 * (math.copysign(abs(inner) ** (1.0 / 3.0), inner) - 1.0) / step
