"""Two-sample tests of a window against a reference, feature by feature, on their histograms.

Both sides have sampling noise, so a threshold follows both sample sizes. Each feature has five tests: `mean` (normal
scores of the bins), `spread` (all bins), `missing`, `outside` (beyond the range, unseen categories) and `tails` (the
outermost bins). `compare` combines them by a weighted Bonferroni bound over tests and features (Holm 1979 for the idea,
weights after Rosenthal and Rubin 1983). Divide the accepted probability of a false alarm by the number of windows you
look at.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from andon.statistics import two_samples
from andon.statistics.dispersion import Dispersion
from andon.statistics.histograms import Histograms

Floats: TypeAlias = NDArray[np.float64]

WEIGHTS = {"mean": 0.4, "spread": 0.2, "missing": 0.15, "outside": 0.15, "tails": 0.1}
"""The part of a feature's level that each test has."""


@dataclass(frozen=True, slots=True)
class FeatureShift:
    """The comparison of one feature.

    `p_value` bounds the probability of so small a value for any feature of an unchanged window; `test` is the decisive
    test and `statistic` its statistic. `effect` is the shift in standard deviations for numbers, and for categories the
    part of the values that would have to change (total variation). `tests` has the p-value of each test by itself.
    """

    name: str
    test: str
    p_value: float
    statistic: float
    effect: float
    rows: int
    tests: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Comparison:
    """All tests of a window: p-values and statistics [features, tests] in the order of WEIGHTS; effects [features]."""

    names: tuple[str, ...]
    rows: NDArray[np.int64]
    p_values: Floats
    statistics: Floats
    effects: Floats

    @property
    def adjusted(self) -> Floats:
        """Bound the p-value of each feature over its tests and all features."""
        weights = np.array(list(WEIGHTS.values()))
        least = (self.p_values / weights).min(axis=1, initial=1.0)
        return np.asarray(np.minimum(least * len(self.names), 1.0))

    def shifts(self) -> list[FeatureShift]:
        """List one result a feature, in the order of the reference."""
        weights, tests = np.array(list(WEIGHTS.values())), tuple(WEIGHTS)
        strongest = np.argmin(self.p_values / weights, axis=1)
        return [
            FeatureShift(
                name,
                tests[at],
                float(bound),
                float(self.statistics[row, at]),
                float(self.effects[row]),
                int(self.rows[row]),
                dict(zip(tests, self.p_values[row].tolist(), strict=True)),
            )
            for row, (name, at, bound) in enumerate(
                zip(self.names, strongest.tolist(), self.adjusted.tolist(), strict=True)
            )
        ]


def compare(reference: Histograms, current: Histograms, dispersion: Dispersion | None = None) -> Comparison:
    """Test each feature of a window against the reference; `dispersion` is the natural variance between windows.

    A feature without reference or without rows has p-values of 1.
    """
    binning = reference.binning
    if current.binning != binning:
        raise ValueError("the window was counted in other bins than the reference")
    allowed = dispersion or Dispersion.none(len(binning.features))
    p_values = np.ones((len(binning.features), len(WEIGHTS)))
    statistics = np.zeros_like(p_values)
    effects = np.zeros(len(binning.features))
    if len(binning.features):
        mean = two_samples.mean_shift(reference, current)
        spread = two_samples.spread(reference, current)
        p_values[:, 0], p_values[:, 1] = mean.p_values(allowed.mean), spread.p_values(allowed.spread)
        statistics[:, 0], statistics[:, 1] = mean.z, spread.g
        for at, counted in enumerate(two_samples.shares(reference, current, allowed.missing, allowed.tails), start=2):
            p_values[:, at], statistics[:, at] = counted.p_values, counted.statistics
        effects = np.where(binning.ordered, mean.effects, two_samples.variation(reference, current))
    return Comparison(binning.names, current.rows, p_values, statistics, effects)
