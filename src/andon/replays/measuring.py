"""Computed measures on both sides of a replay, added up over its decisions. Pure.

A decision whose value is the same for every class is added as it is. The others need a label, which may be sampled.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import Any, NamedTuple, TypeAlias

from andon.decisions import Judgement
from andon.labels import ValidLabel
from andon.measures import DeclaredMeasure, fact_of
from andon.policies import RememberingFormula
from andon.statistics.intervals import WeightedSums

LABEL = "label"
_NOTHING = Decimal(0)

ClassValues: TypeAlias = Mapping[str, Decimal]
"""The value of a decision by the class that may be true of it."""


class MeasuredCase(NamedTuple):
    """A decision on both sides: its input, the features and the judgement of each side, and its label.

    `due` tells whether its label has had the time that it needs.
    """

    given: Mapping[str, Any]
    features: tuple[Mapping[str, Any], Mapping[str, Any]]
    judgements: tuple[Judgement, Judgement]
    due: bool
    label: ValidLabel | None


@dataclass(slots=True)
class LabelledSum:
    """A sum over decisions: of those that need no label (`certain`), and of the `open` ones through their labels."""

    certain: Decimal = Decimal(0)
    open: int = 0
    labels: WeightedSums = field(default_factory=WeightedSums)

    def add(self, values: ClassValues, label: ValidLabel | None) -> None:
        """Add one decision by its values under each class. Without values, its value is unknown without a label."""
        different = set(values.values())
        if len(different) == 1:
            self.certain += different.pop()
            return
        self.open += 1
        if label is not None:
            self.labels = self.labels.with_value(label.weight, float(values[label.value]))

    def merge(self, other: "LabelledSum") -> None:
        """Add another sum."""
        self.certain += other.certain
        self.open += other.open
        self.labels = self.labels + other.labels


@dataclass(slots=True)
class MeasureSums:
    """One measure over so many decisions: then, now, and the difference, which needs fewer labels than both sides."""

    decisions: int = 0
    before: LabelledSum = field(default_factory=LabelledSum)
    after: LabelledSum = field(default_factory=LabelledSum)
    apart: LabelledSum = field(default_factory=LabelledSum)

    def add_certain(self, before: Decimal, after: Decimal) -> None:
        """Add one decision whose values need no label."""
        self.decisions += 1
        self.before.certain += before
        self.after.certain += after
        self.apart.certain += after - before

    def add(self, before: ClassValues, after: ClassValues, label: ValidLabel | None) -> None:
        """Add one decision by its values under each class."""
        self.decisions += 1
        self.before.add(before, label)
        self.after.add(after, label)
        self.apart.add({name: value - before[name] for name, value in after.items()}, label)

    def merge(self, other: "MeasureSums") -> None:
        """Add other sums of the same measure."""
        self.decisions += other.decisions
        self.before.merge(other.before)
        self.after.merge(other.after)
        self.apart.merge(other.apart)


class ComputedMeasures:
    """The computed measures of an automation, from their descriptions. `classes` are those that may be true."""

    def __init__(self, described: Sequence[Mapping[str, Any]], classes: Iterable[str] = ()) -> None:
        computed = [one for one in described if one["value"] is not None]
        self.measures = [DeclaredMeasure.of(one, RememberingFormula) for one in computed]
        self._by_label = [LABEL in one.reads for one in self.measures]
        self._reads = sorted(frozenset[str]().union(*(one.reads for one in self.measures)) - {LABEL})
        self._classes = frozenset(classes)

    def sums(self, cases: Iterable[MeasuredCase]) -> list[MeasureSums]:
        """Add up each measure: over all decisions, or over those whose labels are due if it reads the label."""
        sums = [MeasureSums() for _ in self.measures]
        for case in cases:
            before, after = map(partial(self._facts, case.given), case.features, case.judgements)
            classes = self._classes_of(case) if case.due else frozenset[str]()
            same = before == after
            for measure, by_label, own in zip(self.measures, self._by_label, sums, strict=True):
                if not by_label:
                    then = _value(measure, before)
                    own.add_certain(then, then if same else _value(measure, after))
                elif case.due:
                    by_class = _values(measure, before, classes)
                    own.add(by_class, by_class if same else _values(measure, after, classes), case.label)
        return sums

    def _facts(self, given: Mapping[str, Any], features: Mapping[str, Any], judgement: Judgement) -> dict[str, Any]:
        prediction, risk, outcome = judgement.prediction, judgement.risk, judgement.ruling.outcome
        return {name: fact_of(name, given, features, prediction, risk, outcome) for name in self._reads}

    def _classes_of(self, case: MeasuredCase) -> frozenset[str]:
        """Return the classes that may be true of a decision."""
        known = [one.prediction.probabilities for one in case.judgements if one.prediction is not None]
        return self._classes.union(*known, () if case.label is None else (case.label.value,))


def _values(measure: DeclaredMeasure, facts: Mapping[str, Any], classes: Iterable[str]) -> ClassValues:
    return {name: _value(measure, {**facts, LABEL: name}) for name in classes}


def _value(measure: DeclaredMeasure, facts: Mapping[str, Any]) -> Decimal:
    return measure.compute(facts) or _NOTHING
