"""Errors and costs of the automatic decisions on both sides of a replay, from labels. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from andon.authoring import MaxCost, MaxError, RiskBound
from andon.decisions import Judgement, is_automatic
from andon.labels import ValidLabel
from andon.statistics.intervals import WeightedSums

LEAST_LABELS = 30
"""The fewest labels that an estimate rests on."""

LEAST_SHARE = 0.8
"""The share of decisions that labels must represent."""

LEAST_APART = 5
"""The fewest labelled decisions with a difference, or with a cost, for which an interval of it is given."""

_ERRORS = MaxError(0.5)


@dataclass(frozen=True, slots=True)
class SideSums:
    """One side: its automatic decisions whose labels are due, and the errors and costs of those with a label."""

    automatic: int = 0
    errors: WeightedSums = field(default_factory=WeightedSums)
    costs: WeightedSums = field(default_factory=WeightedSums)

    def __add__(self, other: "SideSums") -> "SideSums":
        return SideSums(self.automatic + other.automatic, self.errors + other.errors, self.costs + other.costs)


@dataclass(frozen=True, slots=True)
class LabelSums:
    """Both sides, and their differences over all labelled decisions. A decision that is not automatic costs nothing."""

    due: int = 0
    before: SideSums = field(default_factory=SideSums)
    after: SideSums = field(default_factory=SideSums)
    errors: WeightedSums = field(default_factory=WeightedSums)
    costs: WeightedSums = field(default_factory=WeightedSums)

    def __add__(self, other: "LabelSums") -> "LabelSums":
        return LabelSums(
            self.due + other.due,
            self.before + other.before,
            self.after + other.after,
            self.errors + other.errors,
            self.costs + other.costs,
        )


def label_sums(cases: Iterable[tuple[Judgement, Judgement, ValidLabel | None]], risk: RiskBound | None) -> LabelSums:
    """Sum up decisions whose labels are due: the judgement then, the judgement now, and the mature label if any."""
    due = automatic = to_automatic = 0
    labelled: list[tuple[Judgement, Judgement, ValidLabel]] = []
    for was, now, label in cases:
        due += 1
        automatic += is_automatic(was)
        to_automatic += is_automatic(now)
        if label is not None:
            labelled.append((was, now, label))
    errors = _sides(labelled, _ERRORS)
    costs = _sides(labelled, risk) if isinstance(risk, MaxCost) else (WeightedSums(),) * 3
    before, after = SideSums(automatic, errors[0], costs[0]), SideSums(to_automatic, errors[1], costs[1])
    return LabelSums(due, before, after, errors[2], costs[2])


def _sides(
    labelled: Iterable[tuple[Judgement, Judgement, ValidLabel]], bound: RiskBound
) -> tuple[WeightedSums, WeightedSums, WeightedSums]:
    before, after, apart = WeightedSums(), WeightedSums(), WeightedSums()
    for was, now, label in labelled:
        losses = [_loss(one, label.value, bound) for one in (was, now)]
        if losses[0] is not None:
            before = before.with_value(label.weight, losses[0])
        if losses[1] is not None:
            after = after.with_value(label.weight, losses[1])
        apart = apart.with_value(label.weight, (losses[1] or 0.0) - (losses[0] or 0.0))
    return before, after, apart


def _loss(judgement: Judgement, true: str, bound: RiskBound) -> float | None:
    """Return the cost of a decision; None if a person makes the decision."""
    if judgement.prediction is None or not is_automatic(judgement):
        return None
    return bound.loss(judgement.prediction.label, true)
