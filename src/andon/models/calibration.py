"""Calibration: raw scores mapped to probabilities that come true as often as they say.

The method is centred isotonic regression (Oron and Flournoy 2017): the isotonic blocks are joined at their centres. So
the map is monotone and keeps the ranking within a block, which plain isotonic steps destroy. It is fitted on a part of
the held-out rows.
"""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import repeat
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from andon.models.manifest import Calibration, Curve
from andon.runtimes import Matrix, two_columns

MINIMUM = 10
"""A class is calibrated only with at least this many rows of it and as many others."""

ENOUGH = 3 * MINIMUM
"""The number of rows of the rarest class that is enough to calibrate well."""

LEAST, MOST = 0.25, 0.5
"""The part of the held-out rows that calibrates: a quarter, or more where a class is rare, but at most half."""

_IDENTITY = Curve(x=(0.0, 1.0), y=(0.0, 1.0))


def rows_to_fit(rows: int, rarest: float) -> int:
    """Return how many of `rows` held-out rows calibrate, given the rarest class's share; the others test the gate.

    If even half of them would have too few of that class, more would not help.
    """
    if rows * MOST * rarest < MINIMUM:
        return max(1, round(rows * LEAST))
    return max(1, round(min(rows * MOST, max(rows * LEAST, ENOUGH / rarest))))


def fit(raw: Matrix, labels: NDArray[np.int64]) -> Calibration:
    """Fit curves for raw probabilities [rows, classes] whose true classes are `labels`."""
    classes = raw.shape[1]
    wanted = [1] if classes == 2 else list(range(classes))
    rare = [at for at in wanted if not _enough(labels == at)]
    if len(rare) == len(wanted):
        return Calibration(curves=(), rows=len(labels), note="Too few rows of some class to calibrate; scores are raw.")
    curves = tuple(_IDENTITY if at in rare else _curve(raw[:, at], labels == at) for at in wanted)
    note = "Classes too rare to calibrate keep their raw scores." if rare else ""
    return Calibration(curves=curves, rows=len(labels), note=note)


class Calibrator:
    """A calibration ready to be applied."""

    def __init__(self, calibration: Calibration) -> None:
        self._curves = [_Joined(curve) for curve in calibration.curves]

    def __call__(self, raw: Matrix) -> Matrix:
        """Return calibrated probabilities for raw ones, [rows, classes]; each row adds up to 1."""
        if not self._curves:
            return raw
        if len(self._curves) == 1:
            return two_columns(np.array(self._curves[0](raw[:, 1].tolist())))
        each = np.column_stack([curve(raw[:, at].tolist()) for at, curve in enumerate(self._curves)])
        return np.asarray(each / each.sum(axis=1, keepdims=True))

    def of_two(self, raw: Sequence[Sequence[float]]) -> Sequence[Sequence[float]]:
        """Calibrate two classes without an array; return P(negative) and P(positive) of each row."""
        if not self._curves:
            return raw
        return [(1.0 - positive, positive) for positive in self._curves[0]([positive for _, positive in raw])]


class _Joined:
    """The points of a curve joined by straight lines, constant before the first and after the last.

    Its values are those of `numpy.interp` to the last bit. For the few rows of a batch `numpy.interp` costs more,
    especially when its code has left the core's caches.
    """

    def __init__(self, curve: Curve) -> None:
        slopes = [(b - a) / (d - c) for a, b, c, d in zip(curve.y, curve.y[1:], curve.x, curve.x[1:], strict=False)]
        self._x = curve.x
        self._pieces = [
            (slope if isfinite(slope) else 0.0, x, y)  # no value lies between points so close to each other
            for slope, x, y in zip((0.0, *slopes, 0.0), (curve.x[0], *curve.x), (curve.y[0], *curve.y), strict=True)
        ]

    def __call__(self, values: Sequence[float]) -> list[float]:
        """Return the curve's values for these scores."""
        pieces = map(self._pieces.__getitem__, map(bisect_right, repeat(self._x), values))
        return [slope * (value - x) + y for value, (slope, x, y) in zip(values, pieces, strict=True)]


def _enough(hits: NDArray[np.bool_]) -> bool:
    return bool(MINIMUM <= hits.sum() <= len(hits) - MINIMUM)


def _curve(raw: NDArray[np.float64], hits: NDArray[np.bool_]) -> Curve:
    from scipy.optimize import isotonic_regression  # here, because a gateway only applies curves and saves the memory

    x, inverse = np.unique(raw, return_inverse=True)
    weight = np.bincount(inverse).astype(np.float64)
    blocks = isotonic_regression(np.bincount(inverse, weights=hits) / weight, weights=weight).blocks
    starts = blocks[:-1]
    share = np.add.reduceat(np.bincount(inverse, weights=hits), starts) / np.add.reduceat(weight, starts)
    centre = np.add.reduceat(x * weight, starts) / np.add.reduceat(weight, starts)
    # No finite sample shows a probability of 0 or 1; the least that is claimed is half a case among n + 1.
    least = 0.5 / (len(raw) + 1)
    return Curve(x=tuple(centre.tolist()), y=tuple(np.clip(share, least, 1 - least).tolist()))
