"""Endpoints: which versions of a model answer for which automation, how fast, at what cost."""

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from andon import decisions, serving
from andon.access import Permission
from andon.console.context import Console, Visitor
from andon.console.dependencies import Db, Here, Signed
from andon.console.endpoint_view import endpoint_of, endpoints
from andon.console.pulse import series
from andon.decisions import AutomationVersion
from andon.kernel.db import Tx
from andon.kernel.errors import Fault
from andon.live import STAGES
from andon.models import ModelVersion, Ready
from andon.serving import VersionUnfit

router = APIRouter()


@router.get("/endpoints")
def show_list(here: Here, visitor: Signed, tx: Db) -> Response:
    """Every endpoint of the automations that the visitor may see."""
    return here.pages.html("endpoints.html", visitor=visitor, section="/endpoints", **_listed(here, visitor, tx))


@router.get("/live/endpoints")
def live_list(here: Here, visitor: Signed, tx: Db) -> Response:
    """Show the part of the list that is fetched again every two seconds."""
    return here.pages.html("endpoints_live.html", visitor=visitor, **_listed(here, visitor, tx))


@router.get("/endpoints/{name}")
def show(here: Here, visitor: Signed, tx: Db, name: str) -> Response:
    """One endpoint."""
    shown = _figures(here, visitor, tx, name)
    return here.pages.html("endpoint.html", visitor=visitor, section="/endpoints", **shown)


@router.get("/live/endpoints/{name}")
def live(here: Here, visitor: Signed, tx: Db, name: str) -> Response:
    """Show the part of one endpoint that is fetched again every two seconds."""
    return here.pages.html("endpoint_live.html", visitor=visitor, **_figures(here, visitor, tx, name))


def ready_for(users: Sequence[AutomationVersion], here: Console, tx: Tx, name: str) -> Ready:
    """Return a check of a version: every automation provides its inputs, and it passed its trial here.

    A page that uses it is `tried_first`, as a trial must not run in its transaction.

    The environment of an isolated version must be built already: a visitor does not wait for that.
    """
    settings = here.settings
    environments = serving.Environments(settings.data / "environments")
    isolated = name in settings.endpoints and settings.endpoints[name].isolated

    def ready(version: ModelVersion) -> None:
        faults = [
            Fault(
                f"shares.{version.number}", f"{user.name} does not give {lacks!r}, which version {version.number} needs"
            )
            for user in users
            for lacks in decisions.lacking(user, version)
        ] + [
            Fault(
                f"shares.{version.number}",
                f"{user.name} needs the class {name!r}, which version {version.number} lacks",
            )
            for user in users
            for name in decisions.unknown_classes(user, version)
        ]
        if faults:
            raise VersionUnfit(faults=faults)
        if isolated or version.manifest.runtime.isolated_only:
            environments.require(version)
        if here.trials is not None:
            here.trials.require(tx, version)

    return ready


def _listed(here: Console, visitor: Visitor, tx: Tx) -> dict[str, Any]:
    visitor.scopes(Permission.READ_MODELS)
    now = here.clock.now()
    return {"now": now, "endpoints": endpoints(tx, visitor, now)}


def _figures(here: Console, visitor: Visitor, tx: Tx, name: str) -> dict[str, Any]:
    """Return the live values of one endpoint."""
    now = here.clock.now()
    endpoint = endpoint_of(tx, visitor, name, now)
    tallies = here.pulse.read(tx, now, [user.name for user in endpoint.users])
    return {
        "now": now,
        "endpoint": endpoint,
        "stages": STAGES,
        "series": series(tallies, now),
        "may_read_models": visitor.may(Permission.READ_MODELS),
    }
