"""Routes of the automations that are deployed in this gateway."""

from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from andon.access import Permission, Principal
from andon.decisions import AutomationNotFound, Line
from andon.gateway.contract_document import contract_document
from andon.gateway.dependencies import Caller, Gateway, Parts
from andon.gateway.documents import document

router = APIRouter(prefix="/v1/automations", tags=["automations"])


class AutomationOut(BaseModel):
    """An automation as it decides now."""

    name: str
    version: int
    model: str
    model_version: int
    policy_version: str
    outcomes: list[str]
    askable: bool = Field(description="Whether the caller may ask it for decisions.")
    contract: dict[str, Any]


@router.get("", operation_id="list_automations")
def index(gateway: Parts, caller: Caller) -> list[AutomationOut]:
    """List the automations that the caller may see or ask for decisions."""
    return [_shown(line, caller) for name, line in sorted(gateway.lines.items()) if _sees(caller, name)]


@router.get("/{name}", operation_id="get_automation")
def show(name: str, gateway: Parts, caller: Caller) -> AutomationOut:
    """Show one automation, with its contract as JSON Schema."""
    return _shown(_line(name, gateway, caller), caller)


@router.get("/{name}/openapi.json", operation_id="get_automation_openapi")
def openapi(name: str, request: Request, gateway: Parts, caller: Caller) -> dict[str, Any]:
    """Return the OpenAPI document for callers of one automation, with its contract as the body of a decision."""
    line = _line(name, gateway, caller)
    return contract_document(document(request.app), name, line.ref.automation_version, line.contract.schema())


def _line(name: str, gateway: Gateway, caller: Principal) -> Line:
    if not _sees(caller, name):
        caller.require(Permission.READ_AUTOMATIONS, name)
    line = gateway.lines.get(name)
    if line is None:
        raise AutomationNotFound(f"No automation {name!r} is deployed here")
    return line


def _sees(caller: Principal, name: str) -> bool:
    """Return whether the caller may read an automation; if it may request decisions, it may know the contract."""
    return caller.may(Permission.READ_AUTOMATIONS, name) or caller.may(Permission.DECIDE, name)


def _shown(line: Line, caller: Principal) -> AutomationOut:
    return AutomationOut(
        name=line.ref.automation,
        version=line.ref.automation_version,
        model=line.ref.model.name,
        model_version=line.ref.model.version,
        policy_version=line.ref.policy_version,
        outcomes=list(line.outcomes),
        askable=caller.may(Permission.DECIDE, line.ref.automation),
        contract=line.contract.schema(),
    )
