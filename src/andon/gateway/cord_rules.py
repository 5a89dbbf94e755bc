"""Routes of the rules that pull the cord, and of drills that test them."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field, StrictBool

from andon import alerts, decisions
from andon.access import Permission
from andon.alerts import Drill
from andon.authoring import MONITORS, OTHER_ALERTS, AlertLevelName, CordRule, HeldStateName
from andon.gateway.dependencies import Bus, Caller, Db, Now
from andon.gateway.reasons import Reason, Why

router = APIRouter(prefix="/v1/automations", tags=["cord"])


class CordRuleOut(BaseModel):
    """A rule: an alert of this monitor at this level or above makes its segment, or the whole line, more careful."""

    id: UUID | None = Field(description="Null for a rule declared in code, which is changed there.")
    monitor: str
    level: AlertLevelName
    state: HeldStateName
    segment: bool = Field(description="Whether only the segment that the alert names is held, if it names one.")
    added_by: str | None
    added_at: datetime | None
    reason: str | None


class CordRulesOut(BaseModel):
    """Every rule of an automation, and the checklist for a release after a rule pulled the cord."""

    automation: str
    rules: list[CordRuleOut]
    usual: bool = Field(description="Whether the rules without an id are the defaults, because the code declares none.")
    checklist: list[str]


class CordRuleIn(BaseModel):
    """A rule in addition to those in the code."""

    model_config = ConfigDict(extra="forbid")

    monitor: str = Field(min_length=1, max_length=200, json_schema_extra={"enum": [*MONITORS, *OTHER_ALERTS]})
    level: AlertLevelName = "critical"
    state: HeldStateName = "supervised"
    segment: StrictBool = True
    reason: Reason


class DrillOut(BaseModel):
    """One drill: when its alert was raised, its cord was pulled, and every process followed."""

    id: UUID
    automation: str
    asked_by: str
    reason: str
    began_at: datetime
    pulled_at: datetime | None
    followed_at: datetime | None
    ended_at: datetime | None
    passed: bool | None = Field(description="Null while it is under way.")
    result: str | None


@router.get("/{name}/cord/rules", operation_id="list_cord_rules")
def index(name: str, caller: Caller, db: Db) -> CordRulesOut:
    """List the rules that pull the cord of a line."""
    caller.require(Permission.READ_AUTOMATIONS, name)
    with db.begin() as tx:
        decisions.newest_version(tx, name)
        declared = alerts.declared(tx, name)
        own = alerts.USUAL_RULES if declared.rules is None else declared.rules
        rules = [_of_code(rule) for rule in own] + [_added(one) for one in alerts.added_rules(tx, name)]
    return CordRulesOut(automation=name, rules=rules, usual=declared.rules is None, checklist=list(declared.checklist))


@router.post("/{name}/cord/rules", status_code=201, operation_id="add_cord_rule")
def add(name: str, wanted: CordRuleIn, caller: Caller, db: Db, now: Now) -> CordRuleOut:
    """Add a rule. It applies to alerts from now on."""
    caller.require(Permission.SET_CORD_RULES, name)
    with db.begin() as tx:
        made = alerts.add_rule(
            tx,
            name,
            monitor=wanted.monitor,
            level=wanted.level,
            state=wanted.state,
            segment=wanted.segment,
            actor=caller.actor,
            reason=wanted.reason,
            now=now,
        )
    return _added(made)


@router.post("/{name}/cord/rules/{rule_id}/remove", operation_id="remove_cord_rule")
def remove(name: str, rule_id: UUID, why: Why, caller: Caller, db: Db, now: Now) -> CordRuleOut:
    """Remove a rule that a person added."""
    caller.require(Permission.SET_CORD_RULES, name)
    with db.begin() as tx:
        return _added(alerts.remove_rule(tx, name, rule_id, actor=caller.actor, reason=why.reason, now=now))


@router.get("/{name}/cord/drills", operation_id="list_cord_drills")
def drills(name: str, caller: Caller, db: Db, limit: Annotated[int, Query(ge=1, le=200)] = 50) -> list[DrillOut]:
    """List drills, newest first."""
    caller.require(Permission.READ_AUTOMATIONS, name)
    with db.begin() as tx:
        return [_drill(one) for one in alerts.list_drills(tx, name, limit=limit)]


@router.post("/{name}/cord/drills", status_code=202, operation_id="start_cord_drill")
def drill(name: str, why: Why, caller: Caller, db: Db, bus: Bus, now: Now) -> DrillOut:
    """Begin a drill: a simulated alert pulls the cord of a segment to which no input belongs.

    A worker ends the drill.
    """
    caller.require(Permission.PULL_CORD, name)
    with db.begin() as tx:
        return _drill(alerts.begin_drill(tx, name, actor=caller.actor, reason=why.reason, events=bus, now=now))


def _of_code(rule: CordRule) -> CordRuleOut:
    return CordRuleOut(
        id=None,
        monitor=rule.monitor,
        level=rule.level,
        state=rule.state,
        segment=rule.segment,
        added_by=None,
        added_at=None,
        reason=None,
    )


def _added(one: alerts.AddedRule) -> CordRuleOut:
    return _of_code(one.rule).model_copy(
        update={"id": one.id, "added_by": one.added_by, "added_at": one.added_at, "reason": one.reason}
    )


def _drill(one: Drill) -> DrillOut:
    return DrillOut(**{name: getattr(one, name) for name in DrillOut.model_fields})
