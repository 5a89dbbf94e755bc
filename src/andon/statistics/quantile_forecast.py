"""Forecasts of quantile tests: the number of decisions after which a test answers, on the line's own distribution.

The counts of both arms are the expected ones, so about half of the answers come sooner.
"""

import math
from typing import Final

from andon.statistics.quantile_sequences import GROWTH, GrowingBins, QuantileTest
from andon.statistics.rollout_forecast import DecisionsNeeded

_MOST: Final = 10**8


def needed_for_quantile(
    test: QuantileTest, values: GrowingBins, share: float, ratio: float = 1.0
) -> DecisionsNeeded | None:
    """Forecast when a test answers if the candidate's values are `ratio` times the control's; None if it never does.

    `values` is the control's distribution; the ratio is rounded to whole bins.
    """
    if not values.total:
        return None
    candidate = GrowingBins(values.first + round(math.log(ratio) / math.log(GROWTH)), values.counts)

    def answers(decisions: int) -> bool:
        mine = max(round(decisions * share), 1)
        return test.rejected(candidate.scaled(mine), values.scaled(max(decisions - mine, 1)))

    low, high = 1, 64
    while not answers(high):
        low, high = high, high * 2
        if high > _MOST:
            return None
    while high - low > max(1, low // 50):
        middle = (low + high) // 2
        low, high = (low, middle) if answers(middle) else (middle, high)
    return DecisionsNeeded(math.ceil(high * share), math.ceil(high * (1.0 - share)))
