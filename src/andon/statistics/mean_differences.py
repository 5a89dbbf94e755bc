"""The difference of two arms' means under a confidence sequence: intervals that hold at all looks together.

Each decision gives one contribution, weighted by the share at its own moment (augmented inverse propensity, with the
arms' earlier means as predictions). Its mean is `mean of the candidate - factor * mean of the control`. So shares may
change, and an effect on both arms alike moves no estimate.

The sequence is asymptotic: a one-sided Gaussian mixture (Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, Annals of
Statistics 2024, arXiv 2103.06476). Values need a variance but no bounds. The later the first look, the closer the test
is to its level; hence there is no answer before `LEAST` values of each arm. For an exact level, test a rate
(`rate_ratios`).

Values of one account depend on each other: count each account once, by its first value.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from andon.statistics.means import Moments

Floats: TypeAlias = NDArray[np.float64]

FIRST: Final = 20
"""Values of each arm that give the first predictions, and are not judged."""

LEAST: Final = 100
"""Values of each arm before there is an answer."""

TUNED_FOR: Final = 10_000
"""Decisions of both arms at which the sequence is narrowest. At a tenth or ten times as many it is a quarter wider."""


@dataclass(frozen=True, slots=True)
class MeanDifferenceTest:
    """A one-sided test of `mean of the candidate - factor * mean of the control`. Lower is better: negate other values.

    `sign` is 1 where a rejection shows a difference above 0, and -1 where it shows one below 0. The state is a list of
    numbers: moments of the contributions, of the candidate's values and of the control's, then the sums of 1 / share.
    """

    factor: float
    sign: int
    alpha: float

    def __post_init__(self) -> None:
        if not 0.0 < self.alpha < 1.0:
            raise ValueError("alpha must lie between 0 and 1")

    @classmethod
    def harm(cls, alpha: float) -> "MeanDifferenceTest":
        """Test "the candidate's mean is at most the control's"; a rejection shows harm."""
        return cls(1.0, 1, alpha)

    @classmethod
    def non_inferior(cls, margin: float, alpha: float) -> "MeanDifferenceTest":
        """Test "the candidate's mean is at least 1 + `margin` times the control's"; a rejection shows that it is not.

        The control's mean must be positive.
        """
        if not 0.0 < margin < math.inf:
            raise ValueError("a margin must be above 0: a share of the control's mean")
        return cls(1.0 + margin, -1, alpha)

    @property
    def bound(self) -> float:
        """Return the logarithm of E at which the null is rejected."""
        return -math.log(self.alpha)

    def start(self) -> list[float]:
        """Make the state before any value."""
        return _State().to_list()

    def fold(
        self, state: Sequence[float], candidate: NDArray[np.bool_], values: Floats, shares: Floats | float
    ) -> list[float]:
        """Add the values of decisions in their order, each with its arm and the candidate's share at that time.

        Decisions at a share of 0 or 1 are left out: there is nothing to compare them with.
        """
        shares = np.broadcast_to(np.asarray(shares, float), values.shape)
        compared = (shares > 0.0) & (shares < 1.0) & np.isfinite(values)
        candidate, values, shares = candidate[compared], values[compared], shares[compared]
        known = _State.of(state)
        at = 0
        while at < len(values):
            # Predictions use earlier decisions only. They are renewed each time the number of decisions has doubled.
            size = known.missing(candidate[at:]) or known.candidate.count + known.control.count
            block = slice(at, at + size)
            known = known.after(self.factor, candidate[block], values[block], shares[block])
            at += size
        return known.to_list()

    def estimate(self, state: Sequence[float]) -> float | None:
        """Estimate the difference; None before any value was judged."""
        known = _State.of(state)
        return known.contributions.mean if known.contributions.count else None

    def interval(self, state: Sequence[float]) -> tuple[float, float] | None:
        """Compute bounds of the difference that hold at every look at once with probability 1 - alpha.

        Return None before `LEAST` values of each arm.
        """
        known = _State.of(state)
        if not known.answers:
            return None
        half = known.deviation(self.factor) * _width(known.contributions.count, self.alpha / 2.0, self._spread)
        return known.contributions.mean - half, known.contributions.mean + half

    def log_e(self, state: Sequence[float]) -> float:
        """Compute the logarithm of E; 0 before an answer."""
        from scipy.special import log_ndtr

        known = _State.of(state)
        deviation = known.deviation(self.factor)
        if not known.answers or deviation == 0.0:
            return 0.0
        count, mean = known.contributions.count, known.contributions.mean
        spread = count * self._spread + 1.0
        at = self.sign * count * mean / deviation * math.sqrt(self._spread / spread)
        return math.log(2.0) - math.log(spread) / 2.0 + at * at / 2.0 + float(log_ndtr(at))

    def rejected(self, state: Sequence[float]) -> bool:
        """Test whether E is at its bound now. The caller keeps a rejection: it stands even if E falls again."""
        return self.log_e(state) >= self.bound

    @property
    def _spread(self) -> float:
        """The variance of the mixture that is tightest at `TUNED_FOR`."""
        return spread_for(self.alpha, TUNED_FOR)


def control_moments(state: Sequence[float]) -> Moments:
    """Return the moments of the control's values in a state."""
    return _State.of(state).control


def values_judged(state: Sequence[float]) -> int:
    """Return how many values of both arms a state has judged."""
    return _State.of(state).contributions.count


def spread_for(alpha: float, decisions: float) -> float:
    """Compute the variance of the mixture that makes the bound narrowest after `decisions`.

    Its unit is the variance of one contribution.
    """
    at = -2.0 * math.log(alpha)
    return (at + math.log(at + 1.0)) / decisions


def width_at(decisions: float, alpha: float) -> float:
    """Compute how far the one-sided bound lies after `decisions`, in standard deviations of one contribution."""
    return _width(decisions, alpha, spread_for(alpha, TUNED_FOR))


def _width(count: float, alpha: float, spread: float) -> float:
    """Invert the one-sided mixture. By 1 - Phi(x) <= exp(-x * x / 2) / 2 the form is closed and slightly too wide."""
    grown = count * spread + 1.0
    return math.sqrt(2.0 * grown / (count * count * spread) * math.log(0.5 + math.sqrt(grown) / (2.0 * alpha)))


@dataclass(frozen=True, slots=True)
class _State:
    contributions: Moments = field(default_factory=Moments)
    candidate: Moments = field(default_factory=Moments)
    control: Moments = field(default_factory=Moments)
    of_candidate: float = 0.0
    of_control: float = 0.0

    @classmethod
    def of(cls, state: Sequence[float]) -> "_State":
        if len(state) != 11:
            raise ValueError(f"a difference of means has a state of 11 numbers, not {len(state)}")
        first, second, third = (Moments(int(state[at]), state[at + 1], state[at + 2]) for at in (0, 3, 6))
        return cls(first, second, third, state[9], state[10])

    def to_list(self) -> list[float]:
        moments = (self.contributions, self.candidate, self.control)
        listed = [float(value) for one in moments for value in (one.count, one.mean, one.squares)]
        return [*listed, self.of_candidate, self.of_control]

    @property
    def answers(self) -> bool:
        return min(self.candidate.count, self.control.count) >= LEAST and self.contributions.count > 1

    def missing(self, candidate: NDArray[np.bool_]) -> int:
        """Count the decisions until each arm has its first values; 0 if both have them."""
        lacking = FIRST - self.candidate.count, FIRST - self.control.count
        if max(lacking) <= 0:
            return 0
        reached = (candidate.cumsum() >= lacking[0]) & ((~candidate).cumsum() >= lacking[1])
        return int(reached.argmax()) + 1 if reached.any() else len(candidate)

    def after(self, factor: float, candidate: NDArray[np.bool_], values: Floats, shares: Floats) -> "_State":
        """Add a block. Once both arms have their first values, judge it by the predictions from before it."""
        first, second = self.candidate, self.control
        judged, inverse = Moments(), (0.0, 0.0)
        if min(first.count, second.count) >= FIRST:
            apart = np.where(
                candidate, (values - first.mean) / shares, factor * (second.mean - values) / (1.0 - shares)
            )
            judged = Moments.of(first.mean - factor * second.mean + apart)
            inverse = float((1.0 / shares).sum()), float((1.0 / (1.0 - shares)).sum())
        return _State(
            self.contributions + judged,
            first + Moments.of(values[candidate]),
            second + Moments.of(values[~candidate]),
            self.of_candidate + inverse[0],
            self.of_control + inverse[1],
        )

    def deviation(self, factor: float) -> float:
        """Estimate the standard deviation of a contribution: from the contributions, or from both arms if that is more.

        The arms' pooled variance counts rare values that a candidate with few decisions has not shown yet.
        """
        if self.contributions.count < 2:
            return 0.0
        freedom = self.candidate.count + self.control.count - 2
        pooled = (self.candidate.squares + self.control.squares) / freedom
        weight = (self.of_candidate + factor * factor * self.of_control) / self.contributions.count
        return max(self.contributions.deviation, math.sqrt(pooled * weight))
