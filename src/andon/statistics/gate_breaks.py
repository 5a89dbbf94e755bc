"""A detector of breaks: has the loss of the automatic part recently risen above its target?

An e-detector of the Shiryaev-Roberts kind (Shin, Ramdas and Rinaldo 2022, arXiv 2203.03532): `R = (1 + R) * e` at each
label of the automatic part, where `e` is a likelihood ratio of a worse error against the target. While the loss is at
most the target, a false alarm takes at least `PATIENCE` labels on average. It needs no guess at when the break was.
"""

from typing import Final

import numpy as np

from andon.statistics.betting import Floats

FACTORS: Final = np.array([1.5, 2.0, 3.0, 5.0, 8.0, 15.0])
"""Worse errors that are bet on, in multiples of the target; as far as they are at most one half."""

PATIENCE: Final = 2_500.0
"""The least mean number of labels before a false alarm, where the error is exactly the target."""


START: Final = -50.0
"""The logarithm of R before the first label: as good as nothing, and a number that JSON has."""


def rates_against(target: float) -> Floats:
    """Compute the rates at which the detector bets that the loss is above `target`."""
    worse = np.unique(np.minimum(FACTORS * target, max(0.5, (1.0 + target) / 2)))
    rates: Floats = (worse - target) / (target * (1.0 - target))
    return rates


def followed(state: Floats, target: float, losses: Floats, weights: Floats) -> tuple[Floats, int | None]:
    """Follow labels in their order from `state` (the logarithm of R for each rate).

    Return the new state, and the number of the label at which the alarm was raised; None without alarm.
    """
    steps = np.log1p((weights * (losses - target))[:, None] * rates_against(target))
    sums = np.cumsum(steps, axis=0)
    before = np.vstack([state, steps - sums])
    grown = sums + np.logaddexp.accumulate(before, axis=0)[1:]
    whole = np.logaddexp.reduce(grown, axis=1) - np.log(grown.shape[1])
    alarms = np.flatnonzero(whole >= np.log(PATIENCE))
    at = int(alarms[0]) if len(alarms) else None
    return grown[-1 if at is None else at], at
