"""Values of reported measures under a candidate, estimated from the decisions that a split drew.

An account is drawn once and then stays with its arm. So it counts once, by its first decision.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from andon.replays import weighted
from andon.replays.drawn import DrawnDecision, few_drawn
from andon.replays.report import ValueChange
from andon.replays.weighted import LabelEstimate, WeightedSums
from andon.statistics.off_policy import LoggedDecisions, NoOverlap, value_of

LEAST_REPORTED = 0.95
"""The part of the decisions that must have a value: those without one may differ from the others."""


class RewardMeasure(NamedTuple):
    """A measure that other systems report."""

    name: str
    unit: str


def values_under(measures: Sequence[RewardMeasure], drawn: Iterable[DrawnDecision]) -> tuple[ValueChange, ...]:
    """Estimate each measure as it was and as it would be, or give the reason why not."""
    ordered = sorted(few_drawn(drawn))
    return tuple(_value(measure, number, ordered) for number, measure in enumerate(measures))


def _value(measure: RewardMeasure, number: int, drawn: Sequence[DrawnDecision]) -> ValueChange:
    known = [one for one in drawn if one.values[number] is not None]
    before = _plain_mean([one.values[number] or 0.0 for one in known])
    if not drawn:
        return ValueChange(
            *measure, None, None, "no split drew decisions, so what others would have done to them is unknown"
        )
    if len(known) < LEAST_REPORTED * len(drawn):
        share = f"{len(known) / len(drawn):.0%}"
        return ValueChange(
            *measure, before, None, f"{share} of the drawn decisions have a value, and {LEAST_REPORTED:.0%} are needed"
        )
    rewards = np.array([one.values[number] for one in known], dtype=np.float64)
    same = np.array([one.same for one in known], dtype=np.bool_)
    propensities = np.array([one.propensity for one in known], dtype=np.float64)
    found = value_of(LoggedDecisions.of_fixed(rewards, same, propensities), None)
    if isinstance(found, NoOverlap):
        return ValueChange(*measure, before, None, found.reason)
    return ValueChange(*measure, before, LabelEstimate(found.value, found.low, found.high, found.rows), None)


def _plain_mean(values: Sequence[float]) -> LabelEstimate | None:
    total = WeightedSums()
    for value in values:
        total = total.with_value(1.0, value)
    return weighted.mean(total) if len(values) > 1 else None
