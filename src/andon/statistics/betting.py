"""Bets against "the loss is above the target": evidence that remains valid if checked after every label.

Wealth starts at 1 and is multiplied by `1 + rate * weight * (target - loss)` at each label. While the mean loss is
above the target, wealth is not expected to grow, whenever it is checked, so it reaches 1 / level with probability at
most `level` (Ville 1939). Weights undo selection: a case that is labelled with probability q weighs floor / q, where
the floor is the lowest probability with which any case could be labelled then (active RCPS, Xu, Karampatziakis and
Mineiro 2024, arXiv 2406.10490; there with one rate that adapts).

Here several fixed rates share the stake. Their wealth is a product over labels in any order, so that parts merge; and
for losses of 0 and 1 without weights it is a likelihood ratio against fixed error rates, averaged, which is near the
exact test. A rate that bets on a true error of `share * target` is `(1 - share) / (1 - target)`.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SHARES: Final = np.array([0.02, 0.2, 0.4, 0.6, 0.75, 0.88])
"""The true errors that are bet on, as shares of the target."""

STAKES: Final = np.array([0.15, 0.1, 0.2, 0.25, 0.2, 0.1])
"""The division of the stake among them."""

_PRECISION = 1e-4


def rates_for(target: float) -> Floats:
    """Compute the rates at which a proof of `target` bets."""
    return (1.0 - SHARES) / (1.0 - target)


def log_growth(target: float, losses: Floats, weights: Floats) -> Floats:
    """Compute the log growth of each rate's wealth for each kind of label (loss, weight): one row per kind."""
    moves = weights[..., None] * (target - losses)[..., None]
    grown: Floats = np.log1p(moves * rates_for(target))
    return grown


def log_wealth(by_rate: Floats) -> Floats:
    """Compute the logarithm of the whole wealth from that of each rate, which is the last axis."""
    staked = by_rate + np.log(STAKES)
    largest = staked.max(axis=-1)
    total: Floats = largest + np.log(np.exp(staked - largest[..., None]).sum(axis=-1))
    return total


def upper_bounds(counts: Floats, losses: Floats, weights: Floats, level: float) -> Floats:
    """Compute for each row the least target that its `counts` labels of each kind prove, whenever it is looked at.

    Wealth grows with the target (each factor does), so halving an interval finds it.
    """
    low, high = np.zeros(len(counts)), np.full(len(counts), 1.0 - _PRECISION)
    unproven = _proof_of(counts, losses, weights, high) < -np.log(level)
    while (high - low).max(initial=0.0) > _PRECISION / 10:
        middle = (low + high) / 2
        proven = _proof_of(counts, losses, weights, middle) >= -np.log(level)
        low, high = np.where(proven, low, middle), np.where(proven, middle, high)
    return np.where(unproven, 1.0, high)


def _proof_of(counts: Floats, losses: Floats, weights: Floats, targets: Floats) -> Floats:
    """Compute the logarithm of the wealth of each row for a target of its own."""
    moves = weights * (targets[:, None] - losses) / (1.0 - targets[:, None])
    by_rate = np.einsum("rk,rkj->rj", counts, np.log1p(moves[:, :, None] * (1.0 - SHARES)))
    return log_wealth(by_rate)
