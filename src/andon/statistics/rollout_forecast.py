"""Forecasts of rollouts: the number of decisions that an answer needs, and the margin within reach.

A test answers at a random moment. A forecast is the number of decisions by which it has answered with probability
`power`. It is found by running the test itself on simulated events. The seed is fixed: the same question always has the
same answer.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from andon.statistics.mean_differences import FIRST, LEAST, width_at
from andon.statistics.rate_ratios import RateRatioTest, chance_of

Floats: TypeAlias = NDArray[np.float64]

EVEN_ODDS: Final = 0.5

MARGINS: Final = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0)
"""The margins that are proposed."""

_PATHS, _LOOKS, _SEED = 800, 250, 20_261_201
_MOST_EVENTS = 10**8


@dataclass(frozen=True, slots=True)
class DecisionsNeeded:
    """Decisions of each arm that an answer needs."""

    candidate: int
    control: int

    @property
    def total(self) -> int:
        """Decisions of both arms."""
        return self.candidate + self.control

    def hours(self, an_hour: float) -> float:
        """Compute the hours that this takes at `an_hour` decisions per hour in both arms together."""
        return self.total / an_hour if an_hour > 0.0 else math.inf


def needed_for_rate(
    test: RateRatioTest,
    base: float,
    share: float,
    ratio: float,
    power: float = EVEN_ODDS,
    state: Sequence[float] | None = None,
) -> DecisionsNeeded | None:
    """Forecast when a test of rates answers, if the control's rate is `base` and the candidate's `ratio` times that.

    With the `state` of a running test, return the decisions that are still missing. None if no number is enough.
    """
    events = events_needed(test, share, ratio, power, state)
    if events is None or not 0.0 < base <= 1.0:
        return None
    return _split(events / (base * (ratio * share + 1.0 - share)), share)


def events_needed(
    test: RateRatioTest, share: float, ratio: float, power: float = EVEN_ODDS, state: Sequence[float] | None = None
) -> int | None:
    """Forecast after how many (more) events of both arms the test answers; None if no number is enough."""
    if not (0.0 < share < 1.0 and 0.0 < power < 1.0):
        raise ValueError("share and power must lie between 0 and 1")
    begun = test.start() if state is None else state
    missing, growth = test.bound - test.log_e(begun), test.growth(ratio, share)
    if missing <= 0.0:
        return 0
    if growth == 0.0:
        return None
    chance = chance_of(ratio, share)
    horizon = math.ceil(missing / growth)
    while horizon <= _MOST_EVENTS:
        answered = _answers(test, share, chance, horizon, begun)
        if np.isfinite(answered).mean() >= power:
            return math.ceil(np.quantile(answered, power, method="inverted_cdf"))
        horizon *= 2
    return None


def needed_for_mean(
    margin: float, variation: float, share: float, alpha: float, power: float = EVEN_ODDS
) -> DecisionsNeeded | None:
    """Forecast when an equal candidate is shown to have a mean within `margin` of the control's.

    `variation` is the standard deviation of a value as a share of the mean.
    """
    return told_from_mean(1.0 + margin, 1.0, variation, share, alpha, power)


def told_from_mean(
    factor: float, ratio: float, variation: float, share: float, alpha: float, power: float = EVEN_ODDS
) -> DecisionsNeeded | None:
    """Forecast when a candidate at `ratio` times the control's values is distinguished from `factor` times its mean.

    None if no number is enough. This is an approximation: the bound of the sequence is taken for what it shows.
    """
    apart = abs(ratio - factor)
    deviation = variation * math.sqrt(ratio**2 / share + factor**2 / (1.0 - share))
    if not (apart > 0.0 and 0.0 < deviation < math.inf):
        return None
    low, high = 1.0, 2.0
    while _reach(high, deviation, alpha, power) > apart:
        low, high = high, high * 2.0
        if high > _MOST_EVENTS:
            return None
    while high - low > 0.001 * high:
        middle = (low + high) / 2.0
        low, high = (middle, high) if _reach(middle, deviation, alpha, power) > apart else (low, middle)
    rarer = min(share, 1.0 - share)
    return _split(max(high + FIRST / rarer, LEAST / rarer), share)


def margin_within(
    decisions: int, base: float, share: float, alpha: float, power: float = EVEN_ODDS
) -> tuple[float, DecisionsNeeded] | None:
    """Find the least of `MARGINS` at which an equal candidate is promoted within `decisions` of both arms, or None."""
    events = math.floor(decisions * base)
    for margin in MARGINS:
        test = RateRatioTest.non_inferior(margin, alpha)
        if events and np.isfinite(_answers(test, share, share, events, test.start())).mean() >= power:
            needed = needed_for_rate(test, base, share, 1.0, power)
            return None if needed is None else (margin, needed)
    return None


def least_margin(
    needed: Callable[[float], DecisionsNeeded | None], within: int
) -> tuple[float, DecisionsNeeded] | None:
    """Find the least of `MARGINS` that is decided `within` this many decisions of both arms; None if there is none."""
    for margin in MARGINS:
        found = needed(margin)
        if found is not None and found.total <= within:
            return margin, found
    return None


def quickest(
    bases: Mapping[str, float], margin: float, share: float, alpha: float, power: float = EVEN_ODDS
) -> tuple[str, DecisionsNeeded] | None:
    """Find the measure with the most frequent event, which decides a margin first; None if no number is enough."""
    name = max(bases, key=lambda one: bases[one], default=None)
    if name is None:
        return None
    needed = needed_for_rate(RateRatioTest.non_inferior(margin, alpha), bases[name], share, 1.0, power)
    return None if needed is None else (name, needed)


def _split(total: float, share: float) -> DecisionsNeeded:
    return DecisionsNeeded(math.ceil(total * share), math.ceil(total * (1.0 - share)))


def _reach(decisions: float, deviation: float, alpha: float, power: float) -> float:
    """Compute the margin shown at this number of decisions with this power, in units of the mean."""
    from scipy.special import ndtri

    return deviation * (width_at(decisions, alpha) + float(ndtri(power)) / math.sqrt(decisions))


def _answers(test: RateRatioTest, share: float, chance: float, horizon: int, state: Sequence[float]) -> Floats:
    """Simulate after how many more events the test answers; infinity where it does not within the horizon."""
    rng = np.random.default_rng([_SEED, horizon])
    seen = np.unique(np.linspace(0, horizon, min(horizon, _LOOKS) + 1).astype(np.int64))
    candidate = rng.binomial(np.diff(seen), chance, (_PATHS, len(seen) - 1)).cumsum(axis=1).astype(float)
    reached = test.levels(candidate, seen[1:] - candidate, share, state) >= test.bound
    return np.where(reached.any(axis=1), seen[1:][reached.argmax(axis=1)], np.inf)
