"""Fairness of a line: a rate by group, with intervals, and whether one group differs from the others.

It covers the share decided in someone's favour, and the share decided wrongly. Each group is tested against all others
together by an exact test; the p-values are corrected for the number of groups (Holm 1979).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from andon.statistics.proportions import NOTHING, Proportion, exact_p_value, wilson


@dataclass(frozen=True, slots=True)
class GroupRate:
    """The rate of one group with its 95% interval, the others' rate, and the corrected p-value of their difference."""

    group: str
    cases: Proportion
    low: float
    high: float
    others: float
    p_value: float

    @property
    def difference(self) -> float:
        """By how much the group's rate is above that of the others."""
        return self.cases.share - self.others if self.cases.all else 0.0


def rates_by_group(groups: Mapping[str, Proportion]) -> list[GroupRate]:
    """Compare each group with the others; a group without cases, or alone, has a p-value of 1."""
    total = sum(groups.values(), NOTHING)
    rest = {name: Proportion(total.some - one.some, total.all - one.all) for name, one in groups.items()}
    alone = {name: exact_p_value(one, rest[name]) for name, one in groups.items()}
    corrected = holm(alone)
    return [
        GroupRate(name, one, *wilson(one.some, one.all), rest[name].share, corrected[name])
        for name, one in groups.items()
    ]


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Correct p-values so that the chance of any false finding among them is bounded (Holm 1979)."""
    corrected, so_far = {}, 0.0
    for rank, name in enumerate(sorted(p_values, key=p_values.__getitem__)):
        so_far = max(so_far, min(p_values[name] * (len(p_values) - rank), 1.0))
        corrected[name] = so_far
    return corrected
