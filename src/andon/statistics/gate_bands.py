"""Bands near a threshold: the least certain part of a region, whose error may be far above the average of the region.

A band of a threshold goes up from it until it holds a tenth of all planned rows, and enough to prove anything. Only
planned counts choose it, so the errors of the tested rows in it are a plain binomial.
"""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from andon.statistics.betting import Floats

PART: Final = 0.1
"""The least share of all planned rows in a band."""

SHOWN: Final = 30
"""The fewest planned rows of a band whose error is shown only."""

_ROOM = 1.5
"""The rows of a tested band, in multiples of the fewest that prove anything, so that a few errors end nothing."""


def tested_rows(fewest: int) -> int:
    """Compute how many rows a band needs that is tested."""
    return math.ceil(_ROOM * fewest)


def tops_of(planned: Floats, fewest: float) -> NDArray[np.int_]:
    """Find for each threshold, in falling order, the one at which its band ends; -1 where that is the whole region."""
    if not len(planned):
        return np.zeros(0, np.int_)
    wanted = planned - max(fewest, PART * planned[-1])
    tops: NDArray[np.int_] = np.searchsorted(planned, wanted, side="right") - 1
    return tops


def within(counts: Floats, tops: NDArray[np.int_]) -> Floats:
    """Compute what lies in each band from what lies above each threshold, along the first axis."""
    above = np.where((tops >= 0).reshape((-1,) + (1,) * (counts.ndim - 1)), counts[tops], 0)
    inside: Floats = counts - above
    return inside
