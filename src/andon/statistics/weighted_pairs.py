"""Weighted pairs: two judges of the same cases, when only some cases are looked at, each with a known probability.

A case has the value `(loss of the first - loss of the second) / probability that it is looked at`. While the first is
no worse, the mean value is at most 0. Then wealth that is multiplied by `1 + stake * floor * value` is not expected to
grow. It ever reaches 1 / level with probability at most `level` (Ville 1939; bets on bounded means: Waudby-Smith and
Ramdas 2023, arXiv 2010.09686; weights: active RCPS, arXiv 2406.10490).

`floor` is the lowest probability that any case of that time could have. It must be known before the case, and be the
same for all cases of that time: stakes that depended on the case would favour some cases.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log, log1p

STAKES = (0.1, 0.25, 0.5, 0.9)
"""Parts of the largest possible bet. The first wealth is shared evenly among them."""


@dataclass(frozen=True, slots=True)
class WeightedPairTest:
    """A test of "the first judge is no worse than the second" at a level. Its state is the log wealth of each stake."""

    level: float

    @property
    def bound(self) -> float:
        """Return the evidence at which the first is shown to be worse."""
        return -log(self.level)

    def start(self) -> list[float]:
        """Return the state before any case."""
        return [0.0] * len(STAKES)

    def fold(self, state: Sequence[float], worse: int, probability: float, floor: float, count: int = 1) -> list[float]:
        """Add `count` cases with a loss difference of `worse` (1, 0 or -1) and a probability of at least `floor`.

        Raises ValueError for a probability outside 0 to 1, or below the floor.
        """
        if not 0 < floor <= probability <= 1:
            raise ValueError(f"0 < floor <= probability <= 1 is expected, not {floor} and {probability}")
        if worse not in (-1, 0, 1):
            raise ValueError(f"A difference of losses is -1, 0 or 1, not {worse}")
        move = worse * floor / probability
        return [one + count * log1p(stake * move) for one, stake in zip(state, STAKES, strict=True)]

    def log_e(self, state: Sequence[float]) -> float:
        """Return the natural logarithm of E: the mean wealth over the stakes."""
        largest = max(state)
        return largest + log(sum(exp(one - largest) for one in state) / len(state))
