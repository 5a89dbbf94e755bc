"""The interval of a mean of values with any distribution, as far as some of its tail was seen."""

import math
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]

HEAVY = 0.05
"""The part of the sum of squares from which a single value makes the tail heavy."""

UNSEEN = 2.0
"""How far beyond the mean the unseen value of a heavy tail is taken to lie, in distances of the furthest seen."""


def mean_interval(values: Floats, confidence: float = 0.95) -> tuple[float, float] | None:
    """Compute the interval of a mean; None for values without spread, which show nothing of how far it may be off.

    On each side it is the wider of the t interval and of Hall's transformation of it (1992), which corrects skewness.
    Of a heavy tail the rarest values were probably not seen. One more value is then added on each side, twice as far
    out as the furthest seen.
    """
    apart = values - values.mean()
    squares = float((apart**2).sum())
    # Sums round: values without spread may still differ in their last bits.
    if squares <= len(values) * (1e-12 * float(np.abs(values).max(initial=0.0))) ** 2:
        return None
    low, high = _hall(values, confidence)
    if float((apart**2).max()) > HEAVY * squares:
        mean = float(values.mean())
        low = min(low, _hall(np.append(values, mean + UNSEEN * float(apart.min())), confidence)[0])
        high = max(high, _hall(np.append(values, mean + UNSEEN * float(apart.max())), confidence)[1])
    return low, high


def _hall(values: Floats, confidence: float) -> tuple[float, float]:
    """Compute the bounds of the mean: on each side the wider of the t interval and of Hall's transformation of it."""
    from scipy.special import stdtrit

    count, mean, deviation = len(values), float(values.mean()), float(values.std(ddof=1))
    root = math.sqrt(count)
    skewness = float(((values - mean) ** 3).mean()) / deviation**3
    quantile = float(stdtrit(count - 1, 0.5 + confidence / 2.0))
    above = max(quantile, -_unskewed(-quantile, skewness / root))
    below = max(quantile, _unskewed(quantile, skewness / root))
    return mean - deviation * below / root, mean + deviation * above / root


def _unskewed(quantile: float, step: float) -> float:
    """Invert t + step * t**2 / 3 + step**2 * t**3 / 27 + step / 6 at a quantile (Hall 1992, Biometrika)."""
    if abs(step) < 1e-9:
        return quantile
    inner = 1.0 + step * (quantile - step / 6.0)
    return 3.0 * (math.copysign(abs(inner) ** (1.0 / 3.0), inner) - 1.0) / step
