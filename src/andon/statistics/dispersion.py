"""Dispersion: how much more windows of an unchanged line differ than independent rows would.

Real data has hours, weekdays and bursts. From windows of a reference period each test's mean square is taken; a factor above 1
divides the statistic (quasi-likelihood, Wedderburn 1974) and the p-value comes from Student's t or Fisher's F, which knows how few the
windows were. The factor stays 1 with fewer than LEAST windows, or while they differ no more than chance explains.
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
"""Fewer windows than this say nothing."""

CHANCE = 0.01
"""A factor is 1 unless a mean square so large had less than this probability for independent rows."""


@dataclass(frozen=True)
class Dispersion:
    """Factors [features] for means, spreads and shares; `windows` is the number of windows behind them."""

    mean: two_samples.Factor
    spread: two_samples.Factor
    share: two_samples.Factor

    @classmethod
    def none(cls, features: int) -> Self:
        """Assume independent rows."""
        one = two_samples.Factor.none(features)
        return cls(one, one, one)

    @classmethod
    def of(cls, reference: Histograms, windows: Sequence[Histograms]) -> Self:
        """Estimate it from windows of a period that is known to be good."""
        used = [one for one in windows if one.rows.max(initial=0) > 0]
        if len(used) < LEAST:
            return cls.none(len(reference.binning.features))
        means = np.array([two_samples.mean_shift(reference, one).z ** 2 for one in used])
        spreads = [two_samples.spread(reference, one) for one in used]
        shares = np.array([two_samples.missing_z(reference, one) ** 2 for one in used])
        return cls(
            _factor(means.sum(axis=0), np.full(means.shape[1], len(used))),
            _factor(np.sum([one.g for one in spreads], axis=0), np.sum([one.freedom for one in spreads], axis=0)),
            _factor(shares.sum(axis=0), np.full(means.shape[1], len(used))),
        )

    def to_json(self) -> dict[str, Any]:
        """The factors as JSON values."""
        return {"mean": self.mean.to_json(), "spread": self.spread.to_json(), "share": self.share.to_json()}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Self:
        """The factors written by `to_json`."""
        return cls(*(two_samples.Factor.from_json(document[name]) for name in ("mean", "spread", "share")))


def _factor(squares: Floats, freedom: Floats) -> two_samples.Factor:
    from scipy.stats import chi2

    more = chi2.sf(squares, np.maximum(freedom, 1)) < CHANCE
    value = np.where(more, np.maximum(squares / np.maximum(freedom, 1), 1.0), 1.0)
    return two_samples.Factor(value, np.where(more, freedom, np.inf))
