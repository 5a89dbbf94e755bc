"""Is the process alive, has it started, can it take work? Open to all: an orchestrator asks without a key."""

from fastapi import APIRouter, Response

from andon.gateway.dependencies import SideParts

router = APIRouter(tags=["health"])


@router.get("/livez")
def alive() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@router.get("/readyz")
def ready(side: SideParts, response: Response) -> dict[str, object]:
    """Everything this process needs is there; 503 with what is not."""
    problems = side.problems()
    if not problems:
        return {"status": "ready"}
    response.status_code = 503
    response.headers["Retry-After"] = "1"
    return {"status": "not ready", "problems": dict(problems)}


@router.get("/startupz")
def started(side: SideParts, response: Response) -> dict[str, object]:
    """As /readyz: a process that can take work has started."""
    return ready(side, response)
