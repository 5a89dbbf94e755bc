"""What is deployed in this gateway."""

from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel

from andon.access import Permission, Principal
from andon.decisions import AutomationNotFound, Line
from andon.gateway.contract_document import contract_document
from andon.gateway.dependencies import Caller, Gateway, Parts
from andon.gateway.documents import document

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


@router.get("", operation_id="list_automations")
def index(gateway: Parts, caller: Caller) -> list[AutomationOut]:
    """The automations that the caller may see."""
    return [
        _shown(line) for name, line in sorted(gateway.lines.items()) if caller.may(Permission.READ_AUTOMATIONS, name)
    ]


@router.get("/{name}", operation_id="get_automation")
def show(name: str, gateway: Parts, caller: Caller) -> AutomationOut:
    """One automation, with its contract as JSON Schema."""
    return _shown(_line(name, gateway, caller))


@router.get("/{name}/openapi.json", operation_id="get_automation_openapi")
def openapi(name: str, request: Request, gateway: Parts, caller: Caller) -> dict[str, Any]:
    """The OpenAPI document for callers of one automation, with its contract as the body of a decision."""
    line = _line(name, gateway, caller)
    return contract_document(document(request.app), name, line.ref.automation_version, line.contract.schema())


def _line(name: str, gateway: Gateway, caller: Principal) -> Line:
    caller.require(Permission.READ_AUTOMATIONS, name)
    line = gateway.lines.get(name)
    if line is None:
        raise AutomationNotFound(f"No automation {name!r} is deployed here")
    return line


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
