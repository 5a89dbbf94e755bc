"""Exact looks at the labels above each threshold, at predetermined numbers of labels, each with a part of the level.

The first look is at all held-out rows, later ones each time the labels have doubled. Each spends four fifths of the
level that is left, so that all future looks together spend no more than the level (a group-sequential test with a fixed
spending, Lan and DeMets 1983). At a look the labels are plain Bernoulli draws, and the binomial test is exact: a look
is at the first n labels, not at those a batch happened to bring. Labels that were more likely to be drawn are thinned.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from andon.statistics.betting import Floats
from andon.statistics.binomial import clean_labels_needed, log_tail

GROWTH: Final = 2.0
"""The factor by which labels grow between looks."""

LATER: Final = 0.2
"""The part of the level that a look leaves to all later ones."""

PATIENT: Final = 2.0
"""The first look without enough held-out rows, in multiples of the fewest labels that prove anything."""

UNSEEN: Final = -1e9
"""The score of what proves nothing, as before the first look: a number that JSON has."""


class LookSchedule:
    """For each threshold: kept labels, wrong labels, the number of looks, and the strongest look.

    With `ceilings`, labels count for a threshold only below its ceiling.

    A score is the logarithm of the level's inverse at which that look proves the target, its part of the level counted.
    """

    def __init__(self, thresholds: Floats, target: float, confidence: float, ceilings: Floats | None = None) -> None:
        size = len(thresholds)
        self._thresholds, self._target, self._ceilings = thresholds, target, ceilings
        self._fewest = clean_labels_needed(target, 1.0 - (1.0 - confidence) * (1.0 - LATER))
        self.rows, self.wrong, self.looks = np.zeros(size), np.zeros(size), np.zeros(size)
        self.due = np.full(size, np.ceil(PATIENT * self._fewest))
        self.scores = np.full(size, UNSEEN)
        self.best_rows, self.best_wrong, self.best_look = np.zeros(size), np.zeros(size), np.zeros(size)

    def begin_with(self, rows: Floats, wrong: Floats) -> None:
        """Begin with held-out rows; where they are enough to prove anything they are the first look."""
        self.rows, self.wrong = rows.copy(), wrong.copy()
        for at in np.flatnonzero(rows >= self._fewest):
            self._look(int(at), rows[at], wrong[at])

    def add(self, confidence: Floats, wrong: Floats) -> None:
        """Add labels that all had the same chance, in their order."""
        order = np.argsort(-confidence, kind="stable")
        sorted_down = -confidence[order]
        above = np.searchsorted(sorted_down, -self._thresholds, side="right")
        beyond = np.zeros_like(above)
        if self._ceilings is not None:
            beyond = np.searchsorted(sorted_down, -self._ceilings, side="right")
        above -= beyond
        for at in np.flatnonzero(self.rows + above >= self.due):
            ceiling = np.inf if self._ceilings is None else self._ceilings[at]
            counted = np.cumsum(wrong[(confidence >= self._thresholds[at]) & (confidence < ceiling)])
            while self.due[at] <= self.rows[at] + above[at]:
                reached = int(self.due[at] - self.rows[at])
                self._look(int(at), self.due[at], self.wrong[at] + (counted[reached - 1] if reached > 0 else 0.0))
        self.rows = self.rows + above
        errors = np.concatenate([[0.0], np.cumsum(wrong[order])])
        self.wrong = self.wrong + errors[above + beyond] - errors[beyond]

    def bounds(self, rows: NDArray[np.int_], level: float) -> Floats:
        """Compute for these rows the exact upper bound of the look that proved most; 1 before any look."""
        from scipy.special import betaincinv

        seen, wrong = self.best_rows[rows], self.best_wrong[rows]
        parts = level * (1.0 - LATER) * LATER ** self.best_look[rows]
        found: Floats = betaincinv(wrong + 1.0, np.maximum(seen - wrong, 1.0), 1.0 - parts)
        return np.where(wrong < seen, found, 1.0)

    def to_json(self) -> dict[str, list[float]]:
        """Describe the state by lists."""
        return {name: getattr(self, name).tolist() for name in _STATE}

    def restore(self, described: Mapping[str, Sequence[float]]) -> None:
        """Take over what `to_json` wrote."""
        for name in _STATE:
            setattr(self, name, np.array(described[name], float))

    def _look(self, at: int, rows: float, wrong: float) -> None:
        look = self.looks[at]
        score = -log_tail(int(wrong), int(rows), self._target) + np.log(1.0 - LATER) + look * np.log(LATER)
        if score > self.scores[at]:
            self.scores[at], self.best_look[at] = score, look
            self.best_rows[at], self.best_wrong[at] = rows, wrong
        self.looks[at], self.due[at] = look + 1, np.ceil(rows * GROWTH)


_STATE = ("rows", "wrong", "looks", "due", "scores", "best_rows", "best_wrong", "best_look")
