"""Is the process alive, has it started, can it take work? Open to all: an orchestrator asks without a key."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response
from sqlalchemy.exc import SQLAlchemyError

from andon import migrations
from andon.gateway.dependencies import Gateway, Parts

router = APIRouter(tags=["health"])


def _problems(gateway: Gateway) -> dict[str, str]:
    """What keeps this gateway from taking work; empty when nothing does."""
    if gateway.draining:
        return {"gateway": "it is shutting down"}
    try:
        current = migrations.is_current(gateway.database)
    except SQLAlchemyError:
        return {"database": f"no answer from {gateway.database.shown}"}
    problems = {} if current else {"migrations": "the schema is not the one this version expects; run `andon up`"}
    return problems | {f"automation {name}": str(error) for name, error in gateway.deployment.problems.items()}


@router.get("/livez")
def alive() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@router.get("/readyz")
def ready(gateway: Parts, response: Response) -> dict[str, object]:
    """Database, schema and models are there; 503 with what is not."""
    problems = _problems(gateway)
    if problems:
        response.status_code = 503
        response.headers["Retry-After"] = "1"
        return {"status": "not ready", "problems": problems}
    return {"status": "ready", "automations": sorted(gateway.lines)}


@router.get("/startupz")
def started(answer: Annotated[dict[str, object], Depends(ready)]) -> dict[str, object]:
    """As /readyz: a gateway that can take work has started."""
    return answer
