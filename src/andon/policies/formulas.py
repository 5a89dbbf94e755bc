"""Formulas: single CEL expressions outside a policy, such as a measure's value and condition."""

from collections.abc import Mapping
from math import isfinite
from typing import Any

from cel_expr_python import cel

from andon.kernel.errors import Fault
from andon.policies.conditions import ConditionFaulty, Vocabulary
from andon.policies.domain import ValueKind
from andon.policies.errors import FormulaInvalid
from andon.policies.kinds import OPTIONAL, converted

_EVALUATION_ERRORS = (RuntimeError, ValueError, TypeError, OverflowError, AttributeError)
_NULLABLE = frozenset((*OPTIONAL.values(), ValueKind.ANY))

REMEMBERED = 5_000
"""The most results that a formula remembers."""


class Formula:
    """A checked expression. `reads` are the variables that it reads, by kind: these suffice to compile it again."""

    def __init__(self, text: str, variables: Mapping[str, ValueKind], *, number: bool) -> None:
        """Check and compile a formula over `prediction`, `risk` and `variables`.

        Raises FormulaInvalid with every fault.
        """
        vocabulary = Vocabulary(variables, {})
        try:
            checked = vocabulary.condition(text, number=number)
        except ConditionFaulty as faulty:
            faults = [Fault(f"character {one.offset + 1}", one.message) for one in faulty.faults]
            raise FormulaInvalid("; ".join(one.message for one in faults), faults=faults) from None
        self._program = checked.program
        self.reads: Mapping[str, ValueKind] = {name: vocabulary.kinds[name] for name in sorted(checked.reads)}

    def holds(self, facts: Mapping[str, Any]) -> bool | None:
        """Return whether the condition holds for these facts by name; None if that cannot be computed."""
        found = self._computed(facts)
        return found if isinstance(found, bool) else None

    def number(self, facts: Mapping[str, Any]) -> float | None:
        """Return the number for these facts by name; None if it cannot be computed."""
        found = self._computed(facts)
        if isinstance(found, bool) or not isinstance(found, int | float):
            return None
        return float(found) if isfinite(found) else None

    def _computed(self, facts: Mapping[str, Any]) -> Any:
        data: dict[str, Any] = {}
        try:
            for name, kind in self.reads.items():
                value = converted(kind, facts.get(name))
                if value is None and kind not in _NULLABLE:
                    return None
                data[name] = value
            result = self._program.eval(data=data)
        except _EVALUATION_ERRORS:
            return None
        return None if result.type() == cel.Type.ERROR else result.value()


class RememberingFormula(Formula):
    """A formula that remembers its newest results, for facts that often repeat."""

    def __init__(self, text: str, variables: Mapping[str, ValueKind], *, number: bool) -> None:
        """Check and compile. Raises FormulaInvalid."""
        super().__init__(text, variables, number=number)
        self._known: dict[tuple[Any, ...], Any] = {}

    def _computed(self, facts: Mapping[str, Any]) -> Any:
        key = tuple([facts.get(name) for name in self.reads])
        try:
            if key in self._known:
                return self._known[key]
        except TypeError:  # lists and maps have no hash
            return super()._computed(facts)
        if len(self._known) == REMEMBERED:
            self._known.clear()
        found = self._known[key] = super()._computed(facts)
        return found
