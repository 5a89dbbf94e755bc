"""Measures: the value of decisions to the business, in euros, minutes or any other unit."""

import re
from dataclasses import dataclass
from math import isfinite

from andon.authoring.errors import DeclarationInvalid

_NAME = re.compile(r"^[a-z][a-z0-9_]{0,62}$")
LONGEST_UNIT = 20


@dataclass(frozen=True, slots=True)
class Measure:
    """One business measure: a number for each decision, declared beforehand.

        Measure("loss_prevented", unit="EUR", value="input.amount", when='outcome == "pause" && label == "fraud"')

    `value` is a number, or a CEL expression that yields one. `when` is a CEL condition; without it, every decision
    counts. Both may name `outcome`, `label` (the class that counts as true), `input.*`, `features.*`, `prediction.*`
    and `risk.*`. A measure that names `label` has no value until a label counts, and is computed again whenever the
    label changes. Without `value`, other systems report it. `by` names text or boolean fields of the contract; sums are
    kept for each combination of their values.
    """

    name: str
    unit: str
    value: str | float | None = None
    when: str = ""
    by: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not _NAME.match(self.name):
            raise DeclarationInvalid(
                f"Measure {self.name!r}: a name is lower-case letters, digits and '_', at most 63, a letter first"
            )
        if not isinstance(self.unit, str) or not 0 < len(self.unit) <= LONGEST_UNIT or not self.unit.isprintable():
            raise self._wrong(f"unit must be a text of 1 to {LONGEST_UNIT} characters, such as 'EUR'", self.unit)
        if isinstance(self.value, bool) or not isinstance(self.value, str | int | float | None):
            raise self._wrong("value must be a number, or an expression such as 'input.amount'", self.value)
        if isinstance(self.value, float) and not isfinite(self.value):
            raise self._wrong("value must be a finite number", self.value)
        if isinstance(self.value, str) and not self.value.strip():
            raise self._wrong(
                "value must be an expression such as 'input.amount', or left out if other systems report it", self.value
            )
        if not isinstance(self.when, str):
            raise self._wrong("when must be a condition such as 'outcome == \"pause\"'", self.when)
        if self.value is None and self.when:
            raise DeclarationInvalid(
                f"Measure {self.name!r}: a measure that other systems report has no condition; leave out `when`"
            )
        if not isinstance(self.by, tuple) or not all(isinstance(field, str) for field in self.by):
            raise self._wrong("by must be a tuple of fields of the contract, such as ('channel',)", self.by)

    @property
    def expression(self) -> str | None:
        """The value as an expression; None if other systems report it."""
        return self.value if isinstance(self.value, str | None) else repr(float(self.value))

    def _wrong(self, expected: str, value: object) -> DeclarationInvalid:
        return DeclarationInvalid(f"Measure {self.name!r}: {expected}, got {value!r}")
