"""Endpoints: which versions of a model answer and which only look on, and changing that."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from andon import decisions, serving
from andon.access import Permission, Principal
from andon.authoring import Automation
from andon.decisions import Line
from andon.gateway.dependencies import Caller, Db, Moment, Now, Parts
from andon.gateway.reasons import Reason
from andon.kernel.config import Settings
from andon.kernel.db import Tx
from andon.models import HIGHEST_NUMBER, ModelVersion, Ready
from andon.serving import EndpointNotFound, TrafficSplit

router = APIRouter(prefix="/v1/endpoints", tags=["endpoints"])

Name = Annotated[str, Path(pattern=r"^[a-z][a-z0-9-]{0,62}$")]
Number = Annotated[int, Field(ge=1, le=HIGHEST_NUMBER)]
Key = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,9}$")]
"""A version's number as JSON's objects have it, in the one way to write it."""

_MOST = 20
_DAY = timedelta(days=1)


class ArmOut(BaseModel):
    """A version that answers, and for how many percent of the units."""

    version: int
    share: float


class SplitOut(BaseModel):
    """One split: the versions that were given a share, and those that only look on. Number 0 is the one that nobody made."""

    number: int
    shares: dict[int, float]
    shadows: list[int]
    set_by: str
    reason: str
    set_at: datetime | None


class EndpointOut(BaseModel):
    """One endpoint as it answers now; the champion's arm has what the split gives to no other."""

    name: str
    champion: int | None
    arms: list[ArmOut]
    shadows: list[int]
    automations: list[str]
    split: SplitOut


class SplitIn(BaseModel):
    """Which versions shall answer for how many percent, which shall only look on, and why. The champion has the rest."""

    model_config = ConfigDict(extra="forbid", strict=True)

    shares: dict[Key, float] = Field(default_factory=dict, max_length=_MOST)
    shadows: list[Number] = Field(default_factory=list, max_length=_MOST)
    reason: Reason


class ShadowOut(BaseModel):
    """What one version said as a shadow since a moment; means of nothing are null."""

    version: int
    since: datetime
    count: int
    errors: int
    outcomes: dict[str, int]
    mean_score: float | None
    mean_confidence: float | None


@router.get("")
def index(gateway: Parts, caller: Caller, db: Db) -> list[EndpointOut]:
    """The endpoints of the automations that the caller may see."""
    caller.require_anywhere(Permission.READ_MODELS)
    endpoints = endpoints_of(gateway.lines)
    with db.begin() as tx:
        return [_shown(tx, name, users) for name, users in endpoints.items() if _may_read(caller, users)]


@router.get("/{name}")
def show(name: Name, gateway: Parts, caller: Caller, db: Db) -> EndpointOut:
    """One endpoint."""
    users = readable(gateway.lines, name, caller)
    with db.begin() as tx:
        return _shown(tx, name, users)


@router.put("/{name}/split")
def set_split(name: Name, wanted: SplitIn, gateway: Parts, caller: Caller, db: Db, now: Now) -> EndpointOut:
    """Split the traffic of an endpoint; running gateways follow within a second. It takes the right in every automation that uses it."""
    users = readable(gateway.lines, name, caller)
    for automation in users:
        caller.require(Permission.SET_SPLIT, automation.name)
    with db.begin() as tx:
        serving.set_split(
            tx,
            name,
            shares={int(version): share for version, share in wanted.shares.items()},
            shadows=wanted.shadows,
            actor=caller.actor,
            reason=wanted.reason,
            events=gateway.events,
            now=now,
            ready=ready_for(users, gateway.settings, name),
        )
        return _shown(tx, name, users)


@router.get("/{name}/splits")
def history(name: Name, gateway: Parts, caller: Caller, db: Db) -> list[SplitOut]:
    """Every split of an endpoint, newest first."""
    readable(gateway.lines, name, caller)
    with db.begin() as tx:
        return [_split(split) for split in serving.split_history(tx, name)]


@router.get("/{name}/shadows/{version}")
def shadow(
    name: Name,
    version: Annotated[int, Path(ge=1, le=HIGHEST_NUMBER)],
    gateway: Parts,
    caller: Caller,
    db: Db,
    now: Now,
    since: Annotated[Moment | None, Query(description="From this time on; a day back if left out.")] = None,
) -> ShadowOut:
    """What a version said as a shadow, counted."""
    readable(gateway.lines, name, caller)
    with db.begin() as tx:
        summary = serving.compare_shadows(tx, name, version, since or now - _DAY)
    return ShadowOut.model_validate(summary, from_attributes=True)


def endpoints_of(lines: Mapping[str, Line]) -> dict[str, list[Automation]]:
    """The models that are used here, each with the automations that use it."""
    endpoints: dict[str, list[Automation]] = {}
    for _, line in sorted(lines.items()):
        endpoints.setdefault(line.automation.model, []).append(line.automation)
    return dict(sorted(endpoints.items()))


def _may_read(caller: Principal, users: Sequence[Automation]) -> bool:
    return any(caller.may(Permission.READ_MODELS, automation.name) for automation in users)


def readable(lines: Mapping[str, Line], name: str, caller: Principal) -> list[Automation]:
    """The automations that use an endpoint, one of which the caller may look into. Raises Forbidden, EndpointNotFound."""
    caller.require_anywhere(Permission.READ_MODELS)
    users = endpoints_of(lines).get(name, [])
    if not _may_read(caller, users):
        raise EndpointNotFound(f"No automation that you may see uses a model {name!r} here")
    return users


def ready_for(users: Sequence[Automation], settings: Settings, name: str) -> Ready:
    """A version may answer if every automation gives what it needs, and its environment, if it runs in its own, is built here."""
    environments = serving.Environments(settings.data / "environments")
    isolated = name in settings.endpoints and settings.endpoints[name].isolated

    def ready(version: ModelVersion) -> None:
        for automation in users:
            decisions.check_signature(automation, version)
        if isolated or version.manifest.runtime.isolated_only:
            environments.require(version)

    return ready


def _shown(tx: Tx, name: str, users: Sequence[Automation]) -> EndpointOut:
    champion, split = serving.champion_of(tx, name), serving.split_of(tx, name)
    answering = split.shares if champion is None else split.answering(champion)
    return EndpointOut(
        name=name,
        champion=champion,
        arms=[ArmOut(version=version, share=share) for version, share in answering.items()],
        shadows=list(split.looking_on(champion)),
        automations=[automation.name for automation in users],
        split=_split(split),
    )


def _split(split: TrafficSplit) -> SplitOut:
    return SplitOut(
        number=split.number,
        shares=dict(split.shares),
        shadows=list(split.shadows),
        set_by=split.set_by,
        reason=split.reason,
        set_at=split.set_at,
    )
