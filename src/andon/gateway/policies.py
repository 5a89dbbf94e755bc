"""Routes of policies: the versions of an automation's decision table, which are in force or were, and changing that."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field

from andon import decisions, policies
from andon.access import Permission
from andon.gateway.dependencies import Bus, Caller, Db, Now, Parts
from andon.gateway.reasons import Reason
from andon.kernel.db import Tx
from andon.policies import PolicySetting, PolicyVersion

router = APIRouter(prefix="/v1/automations", tags=["automations"])

Version = Annotated[str, Field(pattern="^[0-9a-f]{12}$")]


class PolicyOut(BaseModel):
    """One published version, in short."""

    version: str
    published_by: str
    reason: str
    published_at: datetime


class PolicyWhole(PolicyOut):
    """One published version with its text."""

    text: str


class PolicySettingOut(BaseModel):
    """One change of the policy in force, and what was in force before."""

    number: int
    version: str
    before: str | None
    set_by: str
    reason: str
    set_at: datetime


class PoliciesOut(BaseModel):
    """The policy in force, every published version and every change, newest first."""

    automation: str
    in_force: str | None
    versions: list[PolicyOut]
    history: list[PolicySettingOut]


class PolicyIn(BaseModel):
    """A decision table as YAML, and why it is published. With `in_force` false it is for splits and shadows only."""

    model_config = ConfigDict(extra="forbid", strict=True)

    text: str = Field(min_length=1)
    reason: Reason
    in_force: bool = True


class PolicyChosen(BaseModel):
    """The published version that is to be in force, and why."""

    model_config = ConfigDict(extra="forbid", strict=True)

    version: Version
    reason: Reason


@router.get("/{name}/policies", operation_id="list_policies")
def index(name: str, caller: Caller, db: Db) -> PoliciesOut:
    """List the policies of an automation."""
    caller.require(Permission.READ_AUTOMATIONS, name)
    with db.begin() as tx:
        decisions.require_deployed(tx, name)
        return _shown(tx, name)


@router.get("/{name}/policies/{version}", operation_id="get_policy")
def show(name: str, version: Annotated[str, Path(pattern="^[0-9a-f]{12}$")], caller: Caller, db: Db) -> PolicyWhole:
    """Show one published version with its text."""
    caller.require(Permission.READ_AUTOMATIONS, name)
    with db.begin() as tx:
        published = policies.get(tx, name, version)
    return PolicyWhole(**_version(published).model_dump(), text=published.text)


@router.post("/{name}/policies", status_code=201, operation_id="publish_policy")
def publish(name: str, wanted: PolicyIn, gateway: Parts, caller: Caller, db: Db, bus: Bus, now: Now) -> PoliciesOut:
    """Publish a policy. Gateways follow within a second.

    It is checked against the automation's contract, features and outcomes.
    """
    caller.require(Permission.PUBLISH_POLICY, name)
    automation = gateway.line(name).automation
    with db.begin() as tx:
        decisions.publish_policy(
            tx,
            automation,
            wanted.text,
            source="policy",
            actor=caller.actor,
            reason=wanted.reason,
            now=now,
            events=bus,
            in_force=wanted.in_force,
        )
        return _shown(tx, name)


@router.put("/{name}/policy", operation_id="use_policy")
def use(name: str, wanted: PolicyChosen, gateway: Parts, caller: Caller, db: Db, bus: Bus, now: Now) -> PoliciesOut:
    """Put a published version in force. Gateways follow within a second."""
    caller.require(Permission.PUBLISH_POLICY, name)
    automation = gateway.line(name).automation
    with db.begin() as tx:
        decisions.use_policy(
            tx, automation, wanted.version, actor=caller.actor, reason=wanted.reason, now=now, events=bus
        )
        return _shown(tx, name)


def _shown(tx: Tx, name: str) -> PoliciesOut:
    in_force = policies.in_force(tx, name)
    return PoliciesOut(
        automation=name,
        in_force=None if in_force is None else in_force.version,
        versions=[_version(published) for published in policies.list_versions(tx, name)],
        history=[_setting(setting) for setting in policies.history(tx, name)],
    )


def _version(published: PolicyVersion) -> PolicyOut:
    return PolicyOut.model_validate(published, from_attributes=True)


def _setting(setting: PolicySetting) -> PolicySettingOut:
    return PolicySettingOut.model_validate(setting, from_attributes=True)
