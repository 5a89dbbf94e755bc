"""Routes of health: liveness, startup and readiness. They need no key, because orchestrators have none."""

from typing import Any, Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel

from andon.gateway.answers import as_json
from andon.gateway.dependencies import SideParts

router = APIRouter(tags=["health"])


class Alive(BaseModel):
    """The process answers."""

    status: Literal["ok"] = "ok"


class Ready(BaseModel):
    """Everything is available."""

    status: Literal["ready"] = "ready"


class NotReadyOut(BaseModel):
    """What is missing, and why."""

    status: Literal["not ready"] = "not ready"
    problems: dict[str, str]


_NOT_NOW: dict[int | str, dict[str, Any]] = {503: {"model": NotReadyOut, "description": "Not now; ask again."}}


@router.get("/livez", operation_id="get_liveness")
def alive() -> Alive:
    """Confirm that the process answers."""
    return Alive()


@router.get("/readyz", response_model=Ready, responses=_NOT_NOW, operation_id="get_readiness")
def ready(side: SideParts) -> Ready | Response:
    """Report whether everything that this process needs is available; 503 names what is missing."""
    problems = side.problems()
    if not problems:
        return Ready()
    return as_json(NotReadyOut(problems=dict(problems)), status=503, headers={"Retry-After": "1"})


@router.get("/startupz", response_model=Ready, responses=_NOT_NOW, operation_id="get_startup")
def started(side: SideParts) -> Ready | Response:
    """Report as `/readyz` does: a process that can take work has started."""
    return ready(side)
