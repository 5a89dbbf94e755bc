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
        document: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        if not isinstance(document, dict) or document.pop("andon_plan", None) != SHAPE:
            raise PlanFileInvalid(f"{file} is no plan of this shape: make it by `andon plan --out`")
        digest = document.pop("state_digest", None)
        plan = _READER.validate_python(document)
    except OSError as error:
        raise PlanFileInvalid(f"{file} cannot be read: {error.strerror}") from error
    except ValidationError as error:
        faults = [Fault(".".join(map(str, one["loc"])), one["msg"]) for one in error.errors()]
        raise PlanFileInvalid(f"{file} is no plan", faults=faults) from error
    except ValueError as error:
        raise PlanFileInvalid(f"{file} is no JSON: {error}") from error
    if digest != digest_of_state(plan.state):
        raise PlanFileInvalid(f"{file} was edited: its state does not have the digest that it names")
    return plan
