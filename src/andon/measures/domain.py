"""Measures as an automation's version describes them, and sums as values. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

from andon.policies import Formula, ValueKind

LARGEST = 1e15
"""The largest absolute value of a measure; a larger one counts as not computable."""

_LONGEST = 100
"""The most characters of a segment's text."""


class Grouping(StrEnum):
    """Groupings of sums, in addition to the measure."""

    DAY = "day"
    ARM = "arm"
    VERSION = "version"
    SEGMENT = "segment"


@dataclass(frozen=True, slots=True)
class MeasureSum:
    """The sum of one measure over a group of decisions.

    `group` identifies it: `{"arm": ...}`, `{"version": ...}`, `{"day": ...}`, the fields of a segment, or nothing for
    all. `decisions` are all of the group, `counted` those that have a value.
    """

    measure: str
    unit: str
    group: Mapping[str, Any]
    decisions: int
    counted: int
    total: Decimal


@dataclass(frozen=True, slots=True)
class Cell:
    """The row of the sums in which a decision counts for one measure. `segment` is canonical JSON."""

    automation: str
    measure: str
    unit: str
    day: date
    arm: str
    segment: str


@dataclass(frozen=True, slots=True)
class DeclaredMeasure:
    """One measure, compiled. Without `value`, other systems report it."""

    name: str
    unit: str
    by: tuple[str, ...]
    value: Formula | None
    when: Formula | None

    @classmethod
    def of(cls, described: Mapping[str, Any], formula: type[Formula] = Formula) -> "DeclaredMeasure":
        """Compile a measure from its description. Raises FormulaInvalid."""
        kinds = {name: ValueKind(kind) for name, kind in described["kinds"].items()}
        value, when = described["value"], described["when"]
        return cls(
            name=described["name"],
            unit=described["unit"],
            by=tuple(described["by"]),
            value=None if value is None else formula(value, kinds, number=True),
            when=formula(when, kinds, number=False) if when else None,
        )

    @property
    def reads(self) -> frozenset[str]:
        """The names of everything that it reads."""
        return frozenset(name for formula in (self.value, self.when) if formula is not None for name in formula.reads)

    @property
    def may_change(self) -> bool:
        """Whether the value of a decision may change after the decision was made."""
        return self.value is None or "label" in self.reads

    def compute(self, facts: Mapping[str, Any]) -> Decimal | None:
        """Return the value for these facts by name; None if the condition does not hold or something is missing."""
        if self.value is None or (self.when is not None and not self.when.holds(facts)):
            return None
        return exact(self.value.number(facts))


def exact(value: float | None) -> Decimal | None:
    """Return a number as the decimal of its written form, so that sums are exact; None if it is too large."""
    return None if value is None or abs(value) > LARGEST else Decimal(repr(float(value)))


def segment_value(value: Any) -> str | bool | None:
    """Return the value of a field as written in a segment."""
    return value if isinstance(value, bool | None) else str(value)[:_LONGEST]
