"""Dispersion: the excess variation of windows of an unchanged line over independent rows.

Real data has hours, weekdays and bursts. Each test's mean square is taken from windows of a reference period; a factor
above 1 divides the statistic (quasi-likelihood, Wedderburn 1974) and the p-value comes from Student's t or Fisher's F,
which account for the number of windows. The factor stays 1 with fewer than LEAST windows, or while they differ no more
than chance explains.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from andon.statistics import two_samples
from andon.statistics.histograms import Histograms

Floats: TypeAlias = NDArray[np.float64]

LEAST = 8
"""The fewest windows for an estimate."""

CHANCE = 0.01
"""A factor is 1 unless a mean square so large had less than this probability for independent rows."""


@dataclass(frozen=True)
class Dispersion:
    """Factors [features] for means, spreads, shares of missing values, and shares of the outermost values."""

    mean: two_samples.Factor
    spread: two_samples.Factor
    missing: two_samples.Factor
    tails: two_samples.Factor

    @classmethod
    def none(cls, features: int) -> Self:
        """Assume independent rows."""
        one = two_samples.Factor.none(features)
        return cls(one, one, one, one)

    @classmethod
    def of(cls, reference: Histograms, windows: Sequence[Histograms]) -> Self:
        """Estimate it from windows of a period that is known to be good."""
        used = [one for one in windows if one.rows.max(initial=0) > 0]
        if len(used) < LEAST:
            return cls.none(len(reference.binning.features))
        spreads = [two_samples.spread(reference, one) for one in used]
        return cls(
            _squared([two_samples.mean_shift(reference, one).z for one in used]),
            _factor(np.array([one.g for one in spreads]), np.array([one.freedom for one in spreads])),
            _squared([two_samples.missing_z(reference, one) for one in used]),
            _squared([z for one in used for z in two_samples.tail_z(reference, one)]),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the factors as JSON values."""
        return {name: getattr(self, name).to_json() for name in _NAMES}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Self:
        """Return the factors written by `to_json`."""
        return cls(*(two_samples.Factor.from_json(document[name]) for name in _NAMES))


_NAMES = ("mean", "spread", "missing", "tails")


def _squared(z: Sequence[Floats]) -> two_samples.Factor:
    squares = np.array(z) ** 2
    return _factor(squares, np.ones_like(squares))


def _factor(squares: Floats, freedom: Floats) -> two_samples.Factor:
    """Estimate a factor from statistics [windows, features] that chance alone would spread as chi-squares."""
    from scipy.special import chdtrc

    total, expected = squares.sum(axis=0), np.maximum(freedom.sum(axis=0), 1.0)
    more = chdtrc(expected, total) < CHANCE
    value = np.where(more, np.maximum(total / expected, 1.0), 1.0)
    # Windows that wander in one direction use few of the degrees of freedom (Satterthwaite 1946).
    variance = np.maximum(squares.var(axis=0, ddof=1), 1e-300)
    each = np.maximum(freedom.mean(axis=0), 1.0)
    shape = np.clip(2 * squares.mean(axis=0) ** 2 / variance / each, 1 / each, 1.0)
    return two_samples.Factor(value, np.where(more, expected * shape, np.inf), np.where(more, shape, 1.0))
