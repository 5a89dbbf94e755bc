"""Decisions that a split drew, with what estimates under a candidate need. Pure."""

from collections.abc import Iterable
from typing import NamedTuple

MOST_DRAWN = 50_000
"""The most drawn decisions that are kept. Beyond that, a fixed random part of the accounts is kept."""


class DrawnDecision(NamedTuple):
    """A decision that a split drew: its account (`unit`), and the values of its reported measures.

    `same` tells whether the candidate has the same outcome; `propensity` is the probability of the candidate's outcome.
    """

    order: int
    unit: int
    same: bool
    propensity: float
    values: tuple[float | None, ...]


def few_drawn(drawn: Iterable[DrawnDecision]) -> list[DrawnDecision]:
    """Keep the first decision of each unit, for at most `MOST_DRAWN` units; the same units each time."""
    firsts: dict[int, DrawnDecision] = {}
    for one in drawn:
        known = firsts.get(one.unit)
        if known is None or one.order < known.order:
            firsts[one.unit] = one
    return [firsts[unit] for unit in sorted(firsts)[:MOST_DRAWN]]
