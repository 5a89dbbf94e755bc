"""Values of reported measures under a candidate, estimated from the decisions that a split drew.

An account is drawn once and then stays with its arm. So it counts once, by its first decision.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from andon.replays.drawn import AS_DECIDED, DrawnDecision, DrawnSide, few_drawn
from andon.replays.report import ValueChange
from andon.statistics.intervals import LabelEstimate, mean_interval
from andon.statistics.off_policy import LoggedDecisions, NoOverlap, OffPolicyValue, difference_of, value_of

LEAST_REPORTED = 0.95
"""The share of decisions that must have a value, as those without one may differ from the others."""


class RewardMeasure(NamedTuple):
    """A measure that other systems report."""

    name: str
    unit: str


def values_under(
    measures: Sequence[RewardMeasure], drawn: Iterable[DrawnDecision], flips: int
) -> tuple[ValueChange, ...]:
    """Estimate each measure on both sides, or give the reason why not. `flips` decisions change their outcome."""
    ordered = sorted(few_drawn(drawn))
    return tuple(_value(measure, number, ordered, flips) for number, measure in enumerate(measures))


def _value(measure: RewardMeasure, number: int, drawn: Sequence[DrawnDecision], flips: int) -> ValueChange:
    if not drawn or all(one.before == one.after for one in drawn):
        return ValueChange(*measure, None, None, None, _undrawn(flips))
    known = [one for one in drawn if one.values[number] is not None]
    rewards = np.array([one.values[number] for one in known], dtype=np.float64)
    before, after = _logged(rewards, [one.before for one in known]), _logged(rewards, [one.after for one in known])
    was = _plain_mean(rewards) if all(one.before == AS_DECIDED for one in known) else _estimate(value_of(before, None))
    if len(known) < LEAST_REPORTED * len(drawn):
        share = f"{len(known) / len(drawn):.0%}"
        few = f"{share} of the drawn decisions have a value, and {LEAST_REPORTED:.0%} are needed"
        return ValueChange(*measure, was, None, None, few)
    value, difference = value_of(after, None), difference_of(before, after)
    silent = next((one.reason for one in (value, difference) if isinstance(one, NoOverlap)), None)
    return ValueChange(*measure, was, _estimate(value), _estimate(difference), silent)


def _undrawn(flips: int) -> str:
    if not flips:
        return "no outcome changes, so it stays as other systems report it"
    otherwise = f"{flips:,} decisions have" if flips > 1 else "1 decision has"
    return f"{otherwise} another outcome, and no split drew between them, so what others would report is unknown"


def _logged(rewards: NDArray[np.float64], sides: Sequence[DrawnSide]) -> LoggedDecisions:
    same = np.array([one.same for one in sides], dtype=np.bool_)
    return LoggedDecisions.of_fixed(rewards, same, np.array([one.propensity for one in sides], dtype=np.float64))


def _estimate(found: OffPolicyValue | NoOverlap) -> LabelEstimate | None:
    return None if isinstance(found, NoOverlap) else LabelEstimate(found.value, found.low, found.high, found.rows)


def _plain_mean(values: NDArray[np.float64]) -> LabelEstimate | None:
    bounds = mean_interval(values) if len(values) > 1 else None
    return None if bounds is None else LabelEstimate(float(values.mean()), *bounds, len(values))
