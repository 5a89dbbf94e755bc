"""The console's web application, in which every page needs a session unless it is public on purpose."""

from pathlib import Path

from fastapi import Depends, FastAPI
from starlette.responses import PlainTextResponse, Response
from starlette.staticfiles import StaticFiles

from andon.access import KeyRing
from andon.console import (
    actions,
    alerts,
    attachments,
    audit,
    automations,
    changes,
    cord_rules,
    decisions,
    endpoints,
    errors,
    experiment_start,
    experiments,
    explanations,
    incidents,
    lines,
    models,
    overview,
    policy_try,
    procedures,
    quality,
    reviews,
    risk,
    rollout_start,
    rollouts,
    sign_in,
    streams,
    tools,
)
from andon.console.context import Console
from andon.console.dependencies import Here, signed_in
from andon.console.pulse import Pulse
from andon.console.rendering import Pages
from andon.console.security import Guard
from andon.console.throttle import Throttle
from andon.decisions import Explain
from andon.kernel.clock import Clock
from andon.kernel.config import Settings
from andon.kernel.db import Database
from andon.kernel.errors import Conflict, NotFound, Unavailable
from andon.kernel.events import Events
from andon.kernel.searches import Searches
from andon.models import Trials
from andon.replays import Rehearse

_STATIC = Path(__file__).parent / "static"


class AssetsMissing(Conflict):
    """The console's JavaScript and CSS are missing in this checkout: install it with `pip install -e .` first."""


class PageNotFound(NotFound):
    """There is no such page."""


def create_app(
    settings: Settings,
    database: Database,
    clock: Clock,
    keys: KeyRing,
    events: Events,
    rehearse: Rehearse | None = None,
    explain: Explain | None = None,
    trials: Trials | None = None,
) -> FastAPI:
    """Return the console of one installation. Raises AssetsMissing.

    `rehearse` tries policies on its decisions, `explain` explains one, `trials` try versions.
    """
    if not (_STATIC / "vendor" / "htmx.min.js").is_file():
        raise AssetsMissing
    app = FastAPI(title="Andon console", openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    app.state.console = Console(
        settings=settings,
        database=database,
        clock=clock,
        events=events,
        keys=keys,
        throttle=Throttle(),
        pages=Pages(settings.project.name),
        pulse=Pulse(),
        searches=Searches(database),
        rehearse=rehearse,
        explain=explain,
        trials=trials,
    )
    app.add_middleware(Guard)
    errors.install(app)
    app.add_api_route("/livez", _livez, methods=["GET"])
    app.add_api_route("/readyz", _readyz, methods=["GET"])
    for page in (
        sign_in,
        overview,
        lines,
        quality,
        risk,
        changes,
        cord_rules,
        decisions,
        explanations,
        reviews,
        alerts,
        incidents,
        experiment_start,
        experiments,
        endpoints,
        automations,
        policy_try,
        rollout_start,
        rollouts,
        models,
        streams,
        attachments,
        actions,
        procedures,
        tools,
        audit,
    ):
        app.router.routes.extend(page.router.routes)  # as they are: `include_router` would build each again
    app.mount("/static", StaticFiles(directory=_STATIC))
    app.add_api_route("/{path:path}", _nowhere, methods=["GET"], dependencies=[Depends(signed_in)])
    return app


def _nowhere() -> Response:
    """Whoever is not signed in does not even learn which pages there are."""
    raise PageNotFound


def _livez() -> Response:
    """Answer that the process is alive."""
    return PlainTextResponse("ok\n")


def _readyz(here: Here) -> Response:
    """Answer whether pages can be served: the database answers."""
    try:
        here.database.now()
    except Unavailable as error:
        return PlainTextResponse(f"{error}\n", status_code=503)
    return PlainTextResponse("ok\n")
