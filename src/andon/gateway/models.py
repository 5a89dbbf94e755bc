"""Routes of models: list the versions and aliases, and set an alias."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field

from andon import decisions, models
from andon.access import Permission
from andon.gateway.dependencies import Caller, Db, Now, Parts
from andon.gateway.endpoints import endpoints_of, ready_for
from andon.gateway.reasons import Reason
from andon.models import tried_first

router = APIRouter(prefix="/v1/models", tags=["models"])

Name = Annotated[str, Path(pattern=r"^[a-z][a-z0-9-]{0,62}$")]
Number = Annotated[int, Path(ge=1, le=models.HIGHEST_NUMBER)]


class VersionOut(BaseModel):
    """One version, in short."""

    name: str
    number: int
    digest: str
    runtime: str
    metrics: dict[str, float]
    registered_by: str
    reason: str
    registered_at: datetime


class VersionWhole(VersionOut):
    """One version with its manifest."""

    trusted: bool
    manifest: dict[str, Any]


class AliasOut(BaseModel):
    """One setting of an alias."""

    alias: str
    number: int
    set_by: str
    reason: str
    set_at: datetime


class ModelOut(BaseModel):
    """One model: its versions, newest first, and its aliases."""

    name: str
    versions: list[VersionOut]
    aliases: list[AliasOut]


class AliasIn(BaseModel):
    """The version to which an alias is to point, and why."""

    model_config = ConfigDict(extra="forbid", strict=True)

    number: int = Field(ge=1, le=models.HIGHEST_NUMBER)
    reason: Reason


@router.get("", operation_id="list_models")
def index(caller: Caller, db: Db) -> list[ModelOut]:
    """List all models."""
    caller.require(Permission.READ_MODELS, None)
    with db.begin() as tx:
        versions, aliases = models.list_versions(tx), models.list_aliases(tx)
    names = dict.fromkeys(version.name for version in versions)
    return [_model(name, versions, aliases) for name in names]


@router.get("/{name}", operation_id="get_model")
def show(name: Name, caller: Caller, db: Db) -> ModelOut:
    """Show one model."""
    caller.require(Permission.READ_MODELS, None)
    with db.begin() as tx:
        return _model(name, models.list_versions(tx, name), models.list_aliases(tx, name))


@router.get("/{name}/versions/{number}", operation_id="get_model_version")
def show_version(name: Name, number: Number, caller: Caller, db: Db) -> VersionWhole:
    """Show one version with its manifest."""
    caller.require(Permission.READ_MODELS, None)
    with db.begin() as tx:
        version = models.get(tx, name, number)
    manifest = version.manifest.model_dump(mode="json")
    return VersionWhole(**_version(version).model_dump(), trusted=version.trusted, manifest=manifest)


@router.put("/{name}/aliases/{alias}", operation_id="set_model_alias")
@tried_first("gateway")
def set_alias(name: Name, alias: Name, wanted: AliasIn, gateway: Parts, caller: Caller, db: Db, now: Now) -> AliasOut:
    """Point an alias to a version. Running gateways follow within a second.

    If automations answer by this alias, the version must be able to answer in each of them.
    """
    caller.require(Permission.SET_ALIAS, None)
    users = [user for user in endpoints_of(gateway.lines).get(name, []) if decisions.answers_by(user, alias)]
    with db.begin() as tx:
        changed = models.set_alias(
            tx,
            name,
            alias,
            wanted.number,
            actor=caller.actor,
            reason=wanted.reason,
            events=gateway.events,
            now=now,
            ready=ready_for(users, gateway, tx, name) if users else None,
        )
    return _alias(changed)


@router.get("/{name}/aliases/{alias}/history", operation_id="list_model_alias_history")
def alias_history(name: Name, alias: Name, caller: Caller, db: Db) -> list[AliasOut]:
    """List every setting of an alias, newest first."""
    caller.require(Permission.READ_MODELS, None)
    with db.begin() as tx:
        return [_alias(entry) for entry in models.alias_history(tx, name, alias)]


def _model(name: str, versions: Sequence[models.ModelVersion], aliases: Sequence[models.Alias]) -> ModelOut:
    return ModelOut(
        name=name,
        versions=[_version(version) for version in versions if version.name == name],
        aliases=[_alias(alias) for alias in aliases if alias.name == name],
    )


def _version(version: models.ModelVersion) -> VersionOut:
    return VersionOut(
        name=version.name,
        number=version.number,
        digest=version.digest,
        runtime=version.manifest.runtime,
        metrics={name: estimate.value for name, estimate in version.manifest.metrics.estimates.items()},
        registered_by=version.registered_by,
        reason=version.reason,
        registered_at=version.registered_at,
    )


def _alias(alias: models.Alias) -> AliasOut:
    return AliasOut(
        alias=alias.alias, number=alias.number, set_by=alias.set_by, reason=alias.reason, set_at=alias.set_at
    )
