"""Counts of labels by confidence, weight and loss: all that proofs of a gate need, mergeable and small.

Weights and losses are kept on grids. A label between two points of a grid is shared between them so that their mean is
its own; the logarithm is concave, so wealth computed from the shares is at most the label's own, and proofs stay valid.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from andon.statistics.betting import Floats

WEIGHTS = np.concatenate([2.0 ** -np.arange(14), [0.0]])[::-1]
LOSSES = np.linspace(0.0, 1.0, 17)
KIND_WEIGHTS = np.repeat(WEIGHTS, len(LOSSES))
KIND_LOSSES = np.tile(LOSSES, len(WEIGHTS))
KINDS = len(KIND_WEIGHTS)

_FULL = (len(WEIGHTS) - 1) * len(LOSSES)
"""The kind of a label without loss whose weight is 1; with the whole loss it is the last kind."""


class LabelTally:
    """Labels by threshold: a row holds those whose confidence lies between its threshold and the one before.

    `thresholds` fall. What lies below the last of them is in one more row, which belongs to no region.
    """

    def __init__(self, thresholds: Floats) -> None:
        self._ascending = -thresholds
        self.kinds = np.zeros((len(thresholds) + 1, KINDS))

    def add(self, confidence: Floats, losses: Floats, weights: Floats) -> None:
        """Add labels of decisions; a weight is floor / propensity, as in `betting`."""
        rows = np.searchsorted(self._ascending, -confidence, side="left")
        for weight_at, weight_share in _shared(WEIGHTS, weights):
            for loss_at, loss_share in _shared(LOSSES, losses):
                np.add.at(self.kinds, (rows, weight_at * len(LOSSES) + loss_at), weight_share * loss_share)

    def add_counted(self, rows: Floats, losses: Floats, total: float) -> None:
        """Add `total` rows of weight 1; each threshold has `rows` of them above it, with `losses` in total."""
        clean, lost = np.diff(np.append(rows, total), prepend=0.0), np.diff(losses, prepend=0.0)
        self.kinds[:, _FULL] += clean
        self.kinds[:-1, _FULL] -= lost
        self.kinds[:-1, -1] += lost

    @property
    def labels(self) -> int:
        """The number of all labels."""
        return round(float(self.kinds.sum()))

    def merge(self, other: "LabelTally") -> None:
        """Add what another tally of the same thresholds has counted."""
        self.kinds += other.kinds

    def above(self) -> tuple[Floats, Floats, Floats]:
        """Count labels above each threshold by kind, with the kinds' losses and weights; one more row counts all."""
        used = np.flatnonzero(self.kinds.any(axis=0))
        return np.cumsum(self.kinds[:, used], axis=0), KIND_LOSSES[used], KIND_WEIGHTS[used]

    def to_json(self) -> dict[str, list[float]]:
        """Describe the counts of each kind that there is, by threshold."""
        return {str(kind): self.kinds[:, kind].tolist() for kind in np.flatnonzero(self.kinds.any(axis=0))}

    @classmethod
    def from_json(cls, thresholds: Floats, described: Mapping[str, Sequence[float]]) -> "LabelTally":
        """Read what `to_json` wrote."""
        tally = cls(thresholds)
        for kind, counts in described.items():
            tally.kinds[:, int(kind)] = counts
        return tally


def _shared(grid: Floats, values: Floats) -> list[tuple[NDArray[np.int_], Floats]]:
    """Compute for each value its two neighbours on the grid, and how much of it each has."""
    upper = np.clip(np.searchsorted(grid, values, side="left"), 1, len(grid) - 1)
    share = (values - grid[upper - 1]) / (grid[upper] - grid[upper - 1])
    parts = [(upper - 1, 1.0 - share), (upper, share)]
    return [part for part in parts if part[1].any()]
