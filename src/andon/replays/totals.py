"""Totals of computed measures then and now, with intervals where labels were drawn, or the reason for silence. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from andon.measures import DeclaredMeasure
from andon.replays.labelling import LEAST_APART, LEAST_LABELS, LEAST_SHARE
from andon.replays.measuring import LABEL, ComputedMeasures, LabelledSum, MeasureSums
from andon.statistics.intervals import weighted_mean


@dataclass(frozen=True, slots=True)
class TotalEstimate:
    """A total with its interval. It is exact, and both bounds equal it, if no label had to stand for another decision.

    `labels` is the number of labels in it.
    """

    total: float
    low: float
    high: float
    labels: int


@dataclass(frozen=True, slots=True)
class MeasureChange:
    """One computed measure on both sides, over the same decisions; `silent` is the reason why a figure is missing."""

    measure: str
    unit: str
    decisions: int
    before: TotalEstimate | None
    after: TotalEstimate | None
    difference: TotalEstimate | None
    silent: str | None


def changes_of(computed: ComputedMeasures, sums: Sequence[MeasureSums]) -> tuple[MeasureChange, ...]:
    """Estimate each measure from its sums; without any, nothing was decided again."""
    found = sums or [MeasureSums() for _ in computed.measures]
    return tuple(map(change_of, computed.measures, found))


def change_of(measure: DeclaredMeasure, sums: MeasureSums) -> MeasureChange:
    """Estimate one measure on both sides, and the difference by itself."""
    if not sums.decisions:
        nothing = "no decision's label is due yet" if LABEL in measure.reads else "nothing was decided again"
        return MeasureChange(measure.name, measure.unit, 0, None, None, None, nothing)
    sides = [
        _estimate(sums.before, "whose value then depends on their label"),
        _estimate(sums.after, "whose value now depends on their label"),
        _estimate(sums.apart, "whose value changes"),
    ]
    before, after, difference = (one if isinstance(one, TotalEstimate) else None for one in sides)
    silent = next((one for one in reversed(sides) if isinstance(one, str)), None)
    return MeasureChange(measure.name, measure.unit, sums.decisions, before, after, difference, silent)


def _estimate(found: LabelledSum, which: str) -> TotalEstimate | str:
    certain, labels, open_ = float(found.certain), found.labels, found.open
    if labels.n == open_ and labels.w == open_ == labels.ww:  # each has its own label, which represents no other
        total = certain + labels.wx
        return TotalEstimate(total, total, total, labels.n)
    if labels.n < LEAST_LABELS:
        return f"{labels.n} of the {open_:,} decisions {which} have a label, and {LEAST_LABELS} are needed"
    if labels.w < LEAST_SHARE * open_:
        return (
            f"labels represent {labels.w / open_:.0%} of the {open_:,} decisions {which}, and {LEAST_SHARE:.0%} are "
            "needed: nobody checked the others"
        )
    if labels.nonzero < LEAST_APART:
        return f"{labels.nonzero} labels of the decisions {which} are not 0, and an interval needs {LEAST_APART}"
    mean = weighted_mean(labels)
    total, low, high = (certain + open_ * one for one in (mean.mean, mean.low, mean.high))
    return TotalEstimate(total, low, high, labels.n)
