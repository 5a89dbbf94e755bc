"""What is deployed in this gateway."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from andon.access import Permission
from andon.decisions import AutomationNotFound, Line
from andon.gateway.dependencies import Caller, Parts

router = APIRouter(prefix="/v1/automations", tags=["automations"])


class AutomationOut(BaseModel):
    """One line as it decides now."""

    name: str
    version: int
    model: str
    model_version: int
    policy_version: str
    outcomes: list[str]
    contract: dict[str, Any]


@router.get("")
def index(gateway: Parts, caller: Caller) -> list[AutomationOut]:
    """The automations that the caller may see."""
    return [
        _shown(line) for name, line in sorted(gateway.lines.items()) if caller.may(Permission.READ_AUTOMATIONS, name)
    ]


@router.get("/{name}")
def show(name: str, gateway: Parts, caller: Caller) -> AutomationOut:
    """One automation, with its contract as JSON Schema."""
    caller.require(Permission.READ_AUTOMATIONS, name)
    line = gateway.lines.get(name)
    if line is None:
        raise AutomationNotFound(f"No automation {name!r} is deployed here")
    return _shown(line)


def _shown(line: Line) -> AutomationOut:
    return AutomationOut(
        name=line.ref.automation,
        version=line.ref.automation_version,
        model=line.ref.model.name,
        model_version=line.ref.model.version,
        policy_version=line.ref.policy_version,
        outcomes=list(line.outcomes),
        contract=line.contract.schema(),
    )
