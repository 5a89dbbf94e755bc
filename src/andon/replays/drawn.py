"""Decisions that a split drew, with the data for estimates under a candidate. Pure."""

from collections.abc import Iterable
from typing import NamedTuple

MOST_DRAWN = 50_000
"""The most drawn decisions that are kept. Beyond that, a fixed random part of the accounts is kept."""


class DrawnDecision(NamedTuple):
    """A decision that a split drew: its account (`unit`), both sides, and the values of its reported measures."""

    order: int
    unit: int
    before: "DrawnSide"
    after: "DrawnSide"
    values: tuple[float | None, ...]


class DrawnSide(NamedTuple):
    """One side: whether it has the outcome that was drawn, and how probable the draw made the outcome of this side.

    The recorded side has the drawn outcome with a probability of 1.
    """

    same: bool
    propensity: float


AS_DECIDED = DrawnSide(same=True, propensity=1.0)


def few_drawn(drawn: Iterable[DrawnDecision]) -> list[DrawnDecision]:
    """Keep the first decision of each unit, for at most `MOST_DRAWN` units; the same units each time."""
    firsts: dict[int, DrawnDecision] = {}
    for one in drawn:
        known = firsts.get(one.unit)
        if known is None or one.order < known.order:
            firsts[one.unit] = one
    return [firsts[unit] for unit in sorted(firsts)[:MOST_DRAWN]]
