"""Decisions that a split drew, as estimates under a candidate need them. Pure."""

from collections.abc import Iterable
from typing import NamedTuple

MOST_DRAWN = 50_000
"""Drawn decisions that are kept; of more, those of a fixed random part of the accounts."""


class DrawnDecision(NamedTuple):
    """A decision that a split drew: whose it is, whether what was done is what the candidate does, the propensity of that, and its values."""

    order: int
    unit: int
    same: bool
    propensity: float
    values: tuple[float | None, ...]


def few_drawn(drawn: Iterable[DrawnDecision]) -> list[DrawnDecision]:
    """Keep the first decision of each unit, of as many units as there is room for; always of the same ones."""
    firsts: dict[int, DrawnDecision] = {}
    for one in drawn:
        known = firsts.get(one.unit)
        if known is None or one.order < known.order:
            firsts[one.unit] = one
    return [firsts[unit] for unit in sorted(firsts)[:MOST_DRAWN]]
