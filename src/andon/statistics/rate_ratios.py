"""Tests of a ratio of two event rates that may be looked at after every event: the guardrails of a rollout.

An event is an error, an override, a slow answer: something that a decision has or has not. Suppose a candidate gets the
share `s` of decisions, and its rate is `r` times the control's. Then an event falls to the candidate with probability
`r s / (r s + 1 - s)`, however high the two rates are. So an outage of both arms changes nothing, and each event is
compared with the share at its own moment (conditional on the event, as Przyborowski and Wilenski 1940). E is a mixture
over ratios `r` of the product of likelihood ratios against the null (Robbins 1970). While the null holds, E reaches
1 / alpha with probability at most `alpha`, however often one looks (Ville 1939).

Events of one account depend on each other, so each account counts once. `harm` is valid with an account's first event
and the share at that moment. Non-inferiority is not: in the worse arm, accounts that fail often are used up sooner, so
the ratio of first events comes near to 1. It needs the first decision of each account, and the events among these.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]

HARM_RATIOS: Final = (1.1, 1.2, 1.4, 1.7, 2.0, 2.5, 4.0, 10.0)
HARM_WEIGHTS: Final = (0.07, 0.20, 0.08, 0.15, 0.25, 0.12, 0.08, 0.05)
"""The ratios that a test of harm bets on, and the part of the stake on each."""

SOUND_RATIOS: Final = (0.25, 0.5, 0.75, 1.0)
SOUND_WEIGHTS: Final = (0.05, 0.08, 0.12, 0.60)
BETWEEN: Final = 0.15
"""The ratios that a test of non-inferiority bets on, with their parts of the stake.

`BETWEEN` is the part on the geometric mean of 1 and the margin.
"""


def chance_of(ratio: float, share: float) -> float:
    """Compute the probability that an event falls to the candidate at this rate ratio and share of decisions."""
    return ratio * share / (ratio * share + 1.0 - share)


@dataclass(frozen=True, slots=True)
class RateRatioTest:
    """A test of one null ratio. Its state has a number for each ratio of the bet; states of disjoint events add up."""

    null_ratio: float
    ratios: tuple[float, ...]
    weights: tuple[float, ...]
    alpha: float

    def __post_init__(self) -> None:
        if not 0.0 < self.alpha < 1.0:
            raise ValueError("alpha must lie between 0 and 1")
        if len(self.ratios) != len(self.weights) or not math.isclose(sum(self.weights), 1.0):
            raise ValueError("each ratio needs a weight, and the weights must add up to 1")

    @classmethod
    def harm(cls, alpha: float) -> "RateRatioTest":
        """Test "the candidate's rate is at most the control's"; a rejection shows harm."""
        return cls(1.0, HARM_RATIOS, HARM_WEIGHTS, alpha)

    @classmethod
    def non_inferior(cls, margin: float, alpha: float) -> "RateRatioTest":
        """Test "the candidate's rate is at least 1 + `margin` times the control's"; a rejection refutes it."""
        if not 0.0 < margin < math.inf:
            raise ValueError("a margin must be above 0: a share of the control's rate")
        return cls(1.0 + margin, (*SOUND_RATIOS, math.sqrt(1.0 + margin)), (*SOUND_WEIGHTS, BETWEEN), alpha)

    @property
    def bound(self) -> float:
        """Return the logarithm of E at which the null is rejected."""
        return -math.log(self.alpha)

    def start(self) -> list[float]:
        """Make the state before any event."""
        return [0.0] * len(self.ratios)

    def fold(self, state: Sequence[float], events_candidate: int, events_control: int, share: float) -> list[float]:
        """Add counts of events that happened at one `share` of the candidate.

        Only the last state is kept. E may have been higher in between; to miss that never makes a wrong rejection.
        """
        self._check(state)
        if events_candidate < 0 or events_control < 0:
            raise ValueError("counts of events cannot be negative")
        if not 0.0 <= share <= 1.0 or (share == 0.0 and events_candidate) or (share == 1.0 and events_control):
            raise ValueError(f"an arm with no share has no events: share {share:g} of the candidate")
        candidate, control = self._steps(np.array([share]))
        moves = events_candidate * candidate[:, 0] + events_control * control[:, 0]
        return [before + move for before, move in zip(state, moves.tolist(), strict=True)]

    def log_e(self, state: Sequence[float]) -> float:
        """Compute the logarithm of E."""
        self._check(state)
        return float(np.logaddexp.reduce(np.asarray(state, float) + np.log(self.weights)))

    def rejected(self, state: Sequence[float]) -> bool:
        """Test whether E is at its bound now. The caller keeps a rejection: it stands even if E falls again."""
        return self.log_e(state) >= self.bound

    def path(self, candidate: NDArray[np.bool_], shares: Floats | float) -> Floats:
        """Compute the logarithm of E after each event along the last axis, from its arm and the share at that time."""
        to_candidate, to_control = self._steps(np.broadcast_to(np.asarray(shares, float), candidate.shape))
        levels = np.full(candidate.shape, -np.inf)
        for stake, won, lost in zip(self.weights, to_candidate, to_control, strict=True):
            np.logaddexp(levels, math.log(stake) + np.where(candidate, won, lost).cumsum(axis=-1), out=levels)
        return levels

    def growth(self, ratio: float, share: float) -> float:
        """Compute the mean growth of log E an event at a true `ratio`: that of the fastest bet, or 0 if none grows."""
        chance = chance_of(ratio, share)
        candidate, control = self._steps(np.array([share]))
        return max(0.0, float((chance * candidate + (1.0 - chance) * control).max()))

    def levels(
        self, events_candidate: Floats, events_control: Floats, share: float, state: Sequence[float] | None = None
    ) -> Floats:
        """Compute the logarithm of E for many counts of events at one share, added to a `state`."""
        before = self.start() if state is None else state
        self._check(before)
        candidate, control = self._steps(np.array([share]))
        levels = np.full(events_candidate.shape, -np.inf)
        for stake, kept, won, lost in zip(self.weights, before, candidate[:, 0], control[:, 0], strict=True):
            moved = events_candidate * won + events_control * lost
            np.logaddexp(levels, math.log(stake) + kept + moved, out=levels)
        return levels

    def _steps(self, shares: Floats) -> tuple[Floats, Floats]:
        """Compute the log-likelihood ratios of an event of the candidate and of the control: [ratios, *shares]."""
        ratios = np.array(self.ratios).reshape(-1, *(1,) * shares.ndim)
        control = np.log(self.null_ratio * shares + 1.0 - shares) - np.log(ratios * shares + 1.0 - shares)
        return np.log(ratios / self.null_ratio) + control, control

    def _check(self, state: Sequence[float]) -> None:
        if len(state) != len(self.ratios):
            raise ValueError(f"this test has a state of {len(self.ratios)} numbers, not {len(state)}")
