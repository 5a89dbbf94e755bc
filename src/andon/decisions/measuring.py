"""The measures of an automation: checked against its contract, and described for its version."""

from collections.abc import Mapping
from typing import Any

from andon.authoring import Automation, Measure
from andon.decisions.errors import AutomationInvalid
from andon.kernel.errors import Fault
from andon.policies import Formula, FormulaInvalid, ValueKind

_SEGMENTS = (ValueKind.STRING, ValueKind.OPTIONAL_STRING, ValueKind.BOOLEAN, ValueKind.OPTIONAL_BOOLEAN)


def described_measures(automation: Automation, variables: Mapping[str, ValueKind]) -> dict[str, Any]:
    """Describe the measures for the automation's version.

    The result is empty if none is declared, so that old versions keep their digest. A description holds the kinds of
    all values that a measure reads, so that it can be computed without the code. Raises AutomationInvalid.
    """
    faults: list[Fault] = []
    found = []
    named = {**variables, "outcome": ValueKind.STRING, "label": ValueKind.STRING}
    for measure in automation.measures:
        faults += _unfit_fields(automation, measure, variables)
        kinds: dict[str, str] = {}
        for part, text in (("value", measure.expression), ("when", measure.when)):
            if not text:
                continue
            try:
                reads = Formula(text, named, number=part == "value").reads
            except FormulaInvalid as error:
                faults += [_fault(automation, measure, f"{part}, {one.where}: {one.message}") for one in error.faults]
                continue
            kinds |= {name: kind.value for name, kind in reads.items()}
        found.append(
            {
                "name": measure.name,
                "unit": measure.unit,
                "value": measure.expression,
                "when": measure.when,
                "by": list(measure.by),
                "kinds": dict(sorted(kinds.items())),
            }
        )
    if faults:
        raise AutomationInvalid("; ".join(f"{one.where}: {one.message}" for one in faults), faults=faults)
    return {"measures": found} if found else {}


def _unfit_fields(automation: Automation, measure: Measure, variables: Mapping[str, ValueKind]) -> list[Fault]:
    """Return the fields of `by` that are not in the contract, or are neither texts nor booleans."""
    faults = []
    for field in measure.by:
        kind = variables.get(f"input.{field}")
        if kind is None:
            faults.append(_fault(automation, measure, f"by {field!r}: the contract has no such field"))
        elif kind not in _SEGMENTS:
            faults.append(_fault(automation, measure, f"by {field!r}: expected a text or a boolean, not a {kind}"))
    return faults


def _fault(automation: Automation, measure: Measure, message: str) -> Fault:
    return Fault(automation.declared_at, f"measure {measure.name!r}: {message}")
