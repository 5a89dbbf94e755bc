"""Plan files: a plan written as JSON, and read back strictly."""

import json
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from andon.kernel.errors import Fault
from andon.plans.domain import SHAPE, ChangePlan, digest_of_state
from andon.plans.errors import PlanFileInvalid

_READER: TypeAdapter[ChangePlan] = TypeAdapter(ChangePlan)


def write_plan(plan: ChangePlan, file: Path) -> None:
    """Write a plan for a later `apply`."""
    file.write_text(json.dumps(plan.document(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def read_plan(file: Path) -> ChangePlan:
    """Read a plan back. Raises PlanFileInvalid."""
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise PlanFileInvalid(f"{file} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise PlanFileInvalid(f"{file} is not JSON: {error}") from error
    return plan_in(document, source=str(file))


def plan_in(document: Any, *, source: str) -> ChangePlan:
    """Read a plan from JSON values. Faults name its source. Raises PlanFileInvalid."""
    if not isinstance(document, dict) or document.get("andon_plan") != SHAPE:
        raise PlanFileInvalid(
            f"{source} is not a plan of this format: make one with `andon plan --out` or `POST /v1/plans`"
        )
    values = {name: value for name, value in document.items() if name not in ("andon_plan", "state_digest")}
    try:
        plan = _READER.validate_python(values)
    except ValidationError as error:
        faults = [Fault(".".join([source, *map(str, one["loc"])]), one["msg"]) for one in error.errors()]
        raise PlanFileInvalid(f"{source} is not a plan", faults=faults) from error
    if document.get("state_digest") != digest_of_state(plan.state):
        raise PlanFileInvalid(f"{source} was edited: its state does not match its digest")
    return plan
