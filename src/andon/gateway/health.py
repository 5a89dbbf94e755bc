"""Is the process alive, has it started, can it take work? Open to all: an orchestrator asks without a key."""

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
    """Everything is there."""

    status: Literal["ready"] = "ready"


class NotReadyOut(BaseModel):
    """What is not there, and what is wrong with it."""

    status: Literal["not ready"] = "not ready"
    problems: dict[str, str]


_NOT_NOW: dict[int | str, dict[str, Any]] = {503: {"model": NotReadyOut, "description": "Not now; ask again."}}


@router.get("/livez", operation_id="get_liveness")
def alive() -> Alive:
    """The process answers."""
    return Alive()


@router.get("/readyz", response_model=Ready, responses=_NOT_NOW, operation_id="get_readiness")
def ready(side: SideParts) -> Ready | Response:
    """Everything this process needs is there; 503 with what is not."""
    problems = side.problems()
    if not problems:
        return Ready()
    return as_json(NotReadyOut(problems=dict(problems)), status=503, headers={"Retry-After": "1"})


@router.get("/startupz", response_model=Ready, responses=_NOT_NOW, operation_id="get_startup")
def started(side: SideParts) -> Ready | Response:
    """As /readyz: a process that can take work has started."""
    return ready(side)
