"""Thompson sampling: the share of an arm is the probability that it is the best (Thompson 1933).

Shares are computed from the posteriors, not drawn, and recorded as the propensity of each decision. Every arm keeps a
least share, so that it can still be estimated, and shows if it gets better. This module does not limit what an arm may
do: a risk gate judges every decision after its arm was drawn.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from andon.statistics.means import Moments

Floats: TypeAlias = NDArray[np.float64]

NODES: Final = 500
"""Points of the quadrature: quantiles of each arm's own posterior."""

FEWEST: Final = 3
"""The fewest values for which the posterior of a mean has a variance."""


class Posterior(Protocol):
    """The distribution of an arm's mean reward, given its observed values."""

    def below(self, values: Floats) -> Floats:
        """Compute the probability that the mean is at most each value."""

    def at(self, levels: Floats) -> Floats:
        """Compute the quantiles of the mean at these levels."""


@dataclass(frozen=True, slots=True)
class BetaPosterior:
    """The rate of a success, with a uniform prior."""

    successes: int = 0
    failures: int = 0

    def below(self, values: Floats) -> Floats:
        """Compute the probability that the rate is at most each value."""
        from scipy.special import betainc

        inside: Floats = betainc(self.successes + 1.0, self.failures + 1.0, np.clip(values, 0.0, 1.0))
        return inside

    def at(self, levels: Floats) -> Floats:
        """Compute the quantiles of the rate at these levels."""
        from scipy.special import betaincinv

        found: Floats = betaincinv(self.successes + 1.0, self.failures + 1.0, levels)
        return found


@dataclass(frozen=True, slots=True)
class MeanPosterior:
    """The mean of values with an unknown variance and a flat prior: Student's t (Gelman et al., section 3.2)."""

    moments: Moments

    def __post_init__(self) -> None:
        if self.moments.count < FEWEST:
            raise ValueError(f"the posterior of a mean needs {FEWEST} values; give the arm its least share until then")

    def below(self, values: Floats) -> Floats:
        """Compute the probability that the mean is at most each value."""
        from scipy.special import stdtr

        inside: Floats = stdtr(self.moments.count - 1, (values - self.moments.mean) / self._error)
        return inside

    def at(self, levels: Floats) -> Floats:
        """Compute the quantiles of the mean at these levels."""
        from scipy.special import stdtrit

        found: Floats = self.moments.mean + self._error * stdtrit(self.moments.count - 1, levels)
        return found

    @property
    def _error(self) -> float:
        least = 1e-12 * max(abs(self.moments.mean), 1e-12)
        return max(self.moments.deviation / math.sqrt(self.moments.count), least)


def best_chances(posteriors: Sequence[Posterior]) -> Floats:
    """Compute for each arm the probability that its mean is the highest. For "lower is better", negate the values.

    It is the probability that all other means are below, averaged over quantiles of the arm's own posterior.
    """
    levels = (np.arange(NODES) + 0.5) / NODES
    chances = np.ones(len(posteriors))
    for one, posterior in enumerate(posteriors):
        nodes = posterior.at(levels)
        others = [other.below(nodes) for at, other in enumerate(posteriors) if at != one]
        chances[one] = np.prod(others, axis=0).mean() if others else 1.0
    total = chances.sum()
    best: Floats = chances / total if total > 0.0 else np.full(len(posteriors), 1.0 / len(posteriors))
    return best


def shares_of(posteriors: Sequence[Posterior], least: float) -> Floats:
    """Compute each arm's share of decisions: its chance to be the best, with a least share for each arm."""
    arms = len(posteriors)
    if not arms or not 0.0 <= least * arms <= 1.0:
        raise ValueError(f"{arms} arms cannot each have a least share of {least:g}")
    shares: Floats = least + (1.0 - least * arms) * best_chances(posteriors)
    return shares
