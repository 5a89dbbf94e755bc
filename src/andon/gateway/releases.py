"""Routes of releases: which version of an automation's code may decide, which did before, and releasing another."""

from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from andon import decisions
from andon.access import Permission
from andon.decisions import Release
from andon.gateway.dependencies import Bus, Caller, Db, Now, Parts
from andon.gateway.reasons import Reason
from andon.models import HIGHEST_NUMBER

router = APIRouter(prefix="/v1/automations", tags=["automations"])


class ReleaseOut(BaseModel):
    """One release of an automation; `before` is the version that it replaced."""

    number: int
    version: int
    before: int | None
    released_by: str
    reason: str
    released_at: datetime


class ReleasesOut(BaseModel):
    """Every release, newest first, and the newest version that a process was started with."""

    automation: str
    released: int | None
    newest: int
    newest_by: str
    history: list[ReleaseOut]


class ReleaseIn(BaseModel):
    """The version that is to decide, and why."""

    model_config = ConfigDict(extra="forbid", strict=True)

    version: int = Field(ge=1, le=HIGHEST_NUMBER)
    reason: Reason


@router.get("/{name}/releases", operation_id="list_releases")
def index(name: str, caller: Caller, db: Db) -> ReleasesOut:
    """List the releases of an automation."""
    caller.require(Permission.READ_AUTOMATIONS, name)
    with db.begin() as tx:
        newest, history = decisions.newest_version(tx, name), decisions.list_releases(tx, name)
    return ReleasesOut(
        automation=name,
        released=history[0].version if history else None,
        newest=newest.number,
        newest_by=newest.deployed_by,
        history=[_shown(release) for release in history],
    )


@router.post("/{name}/releases", status_code=201, operation_id="release_automation")
def release(name: str, wanted: ReleaseIn, gateway: Parts, caller: Caller, db: Db, bus: Bus, now: Now) -> ReleaseOut:
    """Release a version that a process was started with. Gateways that have its code use it within a second."""
    caller.require(Permission.RELEASE, name)
    with db.begin() as tx:
        done = decisions.release(
            tx,
            name,
            wanted.version,
            actor=caller.actor,
            reason=wanted.reason,
            now=now,
            events=bus,
            author_may_approve=gateway.settings.releases.author_may_approve,
        )
    return _shown(done)


def _shown(release: Release) -> ReleaseOut:
    return ReleaseOut.model_validate(release, from_attributes=True)
