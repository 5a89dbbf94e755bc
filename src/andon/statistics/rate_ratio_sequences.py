"""The ratio of two arms' event rates under a confidence sequence: an interval that holds at all looks together.

Events are judged as in `rate_ratios`. Given that one of two arms had an event, it was the first arm with probability
`r s / (r s + 1 - s)`, where `s` is its share of both arms' decisions at that moment. The interval holds every ratio `r`
whose likelihood is more than `alpha` times the mean likelihood over a prior. This prior-posterior ratio is a martingale
under the true ratio (Waudby-Smith and Ramdas 2020, arXiv 2006.04347). So the probability that it ever falls below
`alpha` is at most `alpha` (Ville 1939).
"""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from andon.statistics.rate_ratios import RateRatioTest

WIDEST: Final = 32.0
"""The largest ratio of the grid; the least is its inverse."""

_POINTS = 241
_SCALE = 0.5
_COARSE = (0, 1, 2, 3, 4, 6, 8, 11, 15, 20, 26, 34, 45, 60, 80, 120)
_LOGS = np.linspace(-math.log(WIDEST), math.log(WIDEST), _POINTS)
_STAKES = np.exp(-np.abs(_LOGS) / _SCALE)

RATIOS: Final = tuple(float(one) for one in np.exp(_LOGS))
"""Ratios at which the likelihood is kept; the one in the middle is 1."""

WEIGHTS: Final = tuple(float(one) for one in _STAKES / _STAKES.sum())
"""The prior: a Laplace distribution of log ratios. Halves and doubles are found early, and no ratio is ruled out."""


def ratio_test(alpha: float) -> RateRatioTest:
    """Make the two-sided test of "both rates are equal". Its state holds what `ratio_interval` needs."""
    return RateRatioTest(1.0, RATIOS, WEIGHTS, alpha)


def coarse_test(alpha: float) -> RateRatioTest:
    """Make the same test on few of the ratios, most of them around 1: eight times as fast, for forecasts."""
    middle = _POINTS // 2
    kept = np.array([middle + sign * step for step in _COARSE for sign in ((-1, 1) if step else (1,))])
    kept.sort()
    nearest = np.abs(np.arange(_POINTS)[:, np.newaxis] - kept).argmin(axis=1)
    stakes = np.bincount(nearest, WEIGHTS)
    return RateRatioTest(1.0, tuple(RATIOS[at] for at in kept), tuple(float(one) for one in stakes), alpha)


def ratio_interval(state: Sequence[float], alpha: float) -> tuple[float, float]:
    """Compute bounds of the ratio that hold together at every look with probability 1 - alpha.

    Each bound is rounded outwards to a point of the grid. At the grid's ends it is 0 or infinity: no bound.
    """
    likelihoods = np.asarray(state, float)
    if likelihoods.shape != (_POINTS,):
        raise ValueError(f"a ratio of rates has a state of {_POINTS} numbers, not {likelihoods.size}")
    mean = float(np.logaddexp.reduce(likelihoods + np.log(WEIGHTS)))
    held = np.flatnonzero(likelihoods > mean + math.log(alpha))
    low, high = max(int(held[0]) - 1, 0), min(int(held[-1]) + 1, _POINTS - 1)
    return (0.0 if low == 0 else RATIOS[low]), (math.inf if high == _POINTS - 1 else RATIOS[high])


def likeliest_ratio(state: Sequence[float]) -> float:
    """Find the ratio of the grid with the highest likelihood."""
    return RATIOS[int(np.argmax(state))]
