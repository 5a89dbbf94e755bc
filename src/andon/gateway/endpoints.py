"""Routes of endpoints: the models that automations use here, and which versions answer for which automation."""

from collections.abc import Mapping, Sequence
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel

from andon import decisions, serving
from andon.access import Permission, Principal
from andon.authoring import Automation
from andon.decisions import Line
from andon.gateway.dependencies import Caller, Db, Gateway, Parts
from andon.kernel.db import Tx
from andon.models import ModelVersion, Ready
from andon.serving import EndpointNotFound

router = APIRouter(prefix="/v1/endpoints", tags=["endpoints"])

Name = Annotated[str, Path(pattern=r"^[a-z][a-z0-9-]{0,62}$")]


class UserOut(BaseModel):
    """An automation that uses the endpoint, and the percentage of its units for which each candidate answers."""

    automation: str
    shares: dict[str, float]
    shadows: list[str]


class EndpointOut(BaseModel):
    """One endpoint: its champion, and the automations that use it, each with a split of its own."""

    name: str
    champion: int | None
    automations: list[UserOut]


@router.get("", operation_id="list_endpoints")
def index(gateway: Parts, caller: Caller, db: Db) -> list[EndpointOut]:
    """List the endpoints of the automations that the caller may see."""
    caller.require_anywhere(Permission.READ_MODELS)
    endpoints = endpoints_of(gateway.lines)
    with db.begin() as tx:
        return [_shown(tx, name, visible) for name, users in endpoints.items() if (visible := _visible(caller, users))]


@router.get("/{name}", operation_id="get_endpoint")
def show(name: Name, gateway: Parts, caller: Caller, db: Db) -> EndpointOut:
    """Show one endpoint."""
    users = readable(gateway.lines, name, caller)
    with db.begin() as tx:
        return _shown(tx, name, _visible(caller, users))


def endpoints_of(lines: Mapping[str, Line]) -> dict[str, list[Automation]]:
    """Return the models that are used here, each with the automations that use it."""
    endpoints: dict[str, list[Automation]] = {}
    for _, line in sorted(lines.items()):
        endpoints.setdefault(line.automation.model, []).append(line.automation)
    return dict(sorted(endpoints.items()))


def _visible(caller: Principal, users: Sequence[Automation]) -> list[Automation]:
    return [automation for automation in users if caller.may(Permission.READ_MODELS, automation.name)]


def readable(lines: Mapping[str, Line], name: str, caller: Principal) -> list[Automation]:
    """Return the automations that use an endpoint. Raises Forbidden, EndpointNotFound if the caller may see none."""
    caller.require_anywhere(Permission.READ_MODELS)
    users = endpoints_of(lines).get(name, [])
    if not _visible(caller, users):
        raise EndpointNotFound(f"No automation that you may see uses a model {name!r} here")
    return users


def ready_for(users: Sequence[Automation], gateway: Gateway, tx: Tx, name: str) -> Ready:
    """Return a check of a version: every automation provides its inputs, and it passed its trial here.

    A route that uses it is `tried_first`, as a trial must not run in its transaction.

    The environment of an isolated version must be built already: a request does not wait for that.
    """
    settings = gateway.settings
    environments = serving.Environments(settings.data / "environments")
    isolated = name in settings.endpoints and settings.endpoints[name].isolated

    def ready(version: ModelVersion) -> None:
        for automation in users:
            decisions.check_signature(automation, version)
        if isolated or version.manifest.runtime.isolated_only:
            environments.require(version)
        if gateway.trials is not None:
            gateway.trials.require(tx, version)

    return ready


def _shown(tx: Tx, name: str, users: Sequence[Automation]) -> EndpointOut:
    champion = serving.champion_of(tx, name)
    return EndpointOut(
        name=name, champion=champion, automations=[_user(tx, automation, champion) for automation in users]
    )


def _user(tx: Tx, automation: Automation, champion: int | None) -> UserOut:
    split = serving.split_of(tx, automation.name, automation.model)
    return UserOut(
        automation=automation.name,
        shares={str(candidate): share for candidate, share in split.answering(champion).items()},
        shadows=list(map(str, split.looking_on(champion))),
    )
