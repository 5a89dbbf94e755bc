"""Endpoints: which versions of a model answer, how fast, at what cost; and splitting the traffic between them."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Form
from starlette.responses import Response

from andon import decisions, models, serving
from andon.access import Permission
from andon.console import notices
from andon.console.context import Console, Visitor
from andon.console.dependencies import Acting, Db, Here, Signed
from andon.console.endpoint_view import Endpoint, endpoint_of, endpoints, shadows_of
from andon.console.errors import status_of
from andon.console.pulse import series
from andon.console.split_form import SplitForm
from andon.decisions import AutomationVersion
from andon.kernel.config import Settings
from andon.kernel.db import Tx
from andon.kernel.errors import AndonError, Conflict, Fault, Invalid
from andon.live import STAGES
from andon.models import ModelVersion, Ready
from andon.serving import VersionUnfit

router = APIRouter()

_OFFERED = 8
"""Versions in the form: the newest ones, beside those that have a share."""


@router.get("/endpoints")
def show_list(here: Here, visitor: Signed, tx: Db) -> Response:
    """Every endpoint of the automations that the visitor may see."""
    return here.pages.html("endpoints.html", visitor=visitor, section="/endpoints", **_listed(here, visitor, tx))


@router.get("/live/endpoints")
def live_list(here: Here, visitor: Signed, tx: Db) -> Response:
    """The part of the list that is fetched again every two seconds."""
    return here.pages.html("endpoints_live.html", visitor=visitor, **_listed(here, visitor, tx))


@router.get("/endpoints/{name}")
def show(here: Here, visitor: Signed, tx: Db, name: str, done: str = "") -> Response:
    """One endpoint."""
    return _page(here, visitor, tx, name, notice=notices.text(done))


@router.get("/live/endpoints/{name}")
def live(here: Here, visitor: Signed, tx: Db, name: str) -> Response:
    """The part of one endpoint that is fetched again every two seconds."""
    return here.pages.html("endpoint_live.html", visitor=visitor, **_figures(here, visitor, tx, name))


@router.post("/endpoints/{name}/split")
def set_split(
    here: Here,
    visitor: Acting,
    name: str,
    version: Annotated[list[int], Form()] = [],  # noqa: B006 - FastAPI copies it
    share: Annotated[list[str], Form()] = [],  # noqa: B006
    shadow: Annotated[list[int], Form()] = [],  # noqa: B006
    reason: Annotated[str, Form()] = "",
    seen: Annotated[int, Form()] = 0,
) -> Response:
    """Split the traffic; it takes the right in every automation that uses the model."""
    typed = SplitForm(dict(zip(version, share, strict=False)), frozenset(shadow), reason, seen)
    try:
        with here.database.begin() as tx:
            endpoint = endpoint_of(tx, visitor, name, here.clock.now())
            for user in endpoint.everybody:
                visitor.principal.require(Permission.SET_SPLIT, user.name)
            after = serving.set_split(
                tx,
                name,
                shares=typed.shares(),
                shadows=sorted(typed.shadows),
                actor=visitor.principal.actor,
                reason=reason,
                events=here.events,
                now=here.clock.now(),
                ready=ready_for(endpoint.everybody, here.settings, name),
                seen=seen,
            )
    except (Invalid, Conflict) as error:
        with here.database.begin() as tx:
            return _page(here, visitor, tx, name, error=error, typed=typed)
    return notices.back_to(f"/endpoints/{name}", "split-same" if after.number == seen else "split-set")


def ready_for(users: Sequence[AutomationVersion], settings: Settings, name: str) -> Ready:
    """A version may answer if every automation gives what it needs, and its environment is there if it runs in its own."""
    environments = serving.Environments(settings.data / "environments")
    isolated = name in settings.endpoints and settings.endpoints[name].isolated

    def ready(version: ModelVersion) -> None:
        faults = [
            Fault(f"shares.{version.number}", f"{user.name} gives no {lacks!r}, which version {version.number} needs")
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

    return ready


def _listed(here: Console, visitor: Visitor, tx: Tx) -> dict[str, Any]:
    visitor.scopes(Permission.READ_MODELS)
    now = here.clock.now()
    return {"now": now, "endpoints": endpoints(tx, visitor, now)}


def _figures(here: Console, visitor: Visitor, tx: Tx, name: str) -> dict[str, Any]:
    """What is shown live of one endpoint."""
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


def _page(
    here: Console,
    visitor: Visitor,
    tx: Tx,
    name: str,
    *,
    notice: str | None = None,
    error: AndonError | None = None,
    typed: SplitForm | None = None,
) -> Response:
    shown = _figures(here, visitor, tx, name)
    endpoint: Endpoint = shown["endpoint"]
    may_split = all(visitor.may(Permission.SET_SPLIT, user.name) for user in endpoint.everybody)
    return here.pages.html(
        "endpoint.html",
        status=status_of(error) if error else 200,
        visitor=visitor,
        section="/endpoints",
        notice=notice,
        problem=None if error is None or error.faults else error,
        faults=() if error is None else error.faults,
        form=typed or SplitForm.of(endpoint.split),
        may_split=may_split,
        versions=_choices(tx, endpoint) if may_split else [],
        history=serving.split_history(tx, name),
        shadows=shadows_of(tx, endpoint.split, endpoint.champion, shown["now"]),
        **shown,
    )


def _choices(tx: Tx, endpoint: Endpoint) -> list[ModelVersion]:
    """The versions that may get a share: the newest ones, and those that have one."""
    listed = models.list_versions(tx, endpoint.name)
    named = {*endpoint.split.shares, *endpoint.split.shadows, endpoint.champion}
    return [version for place, version in enumerate(listed) if place < _OFFERED or version.number in named]
