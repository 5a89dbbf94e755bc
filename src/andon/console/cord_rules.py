"""Rules that pull the cord and drills that test them, as sections of a line's page."""

from typing import Annotated, Any, cast
from uuid import UUID

from fastapi import APIRouter, Form
from starlette.responses import Response

from andon import alerts
from andon.access import Permission
from andon.authoring import AlertLevelName, HeldStateName
from andon.console import notices
from andon.console.context import Visitor
from andon.console.dependencies import Acting, Here
from andon.decisions import AutomationVersion
from andon.kernel.db import Tx

router = APIRouter(prefix="/lines")


@router.post("/{name}/rules")
def add(
    here: Here,
    visitor: Acting,
    name: str,
    monitor: Annotated[str, Form()] = "",
    level: Annotated[str, Form()] = "critical",
    state: Annotated[str, Form()] = "supervised",
    segment: Annotated[str, Form()] = "",
    reason: Annotated[str, Form()] = "",
) -> Response:
    """Add a rule to those in the code."""
    visitor.principal.require(Permission.SET_CORD_RULES, name)
    with here.database.begin() as tx:
        alerts.add_rule(
            tx,
            name,
            monitor=monitor,
            level=cast("AlertLevelName", level),
            state=cast("HeldStateName", state),
            segment=bool(segment),
            actor=visitor.principal.actor,
            reason=reason,
            now=here.clock.now(),
        )
    return notices.back_to(f"/lines/{name}", "rule-added")


@router.post("/{name}/rules/{rule_id}/remove")
def remove(here: Here, visitor: Acting, name: str, rule_id: UUID, reason: Annotated[str, Form()] = "") -> Response:
    """Remove a rule that a person added."""
    visitor.principal.require(Permission.SET_CORD_RULES, name)
    with here.database.begin() as tx:
        alerts.remove_rule(tx, name, rule_id, actor=visitor.principal.actor, reason=reason, now=here.clock.now())
    return notices.back_to(f"/lines/{name}", "rule-removed")


@router.post("/{name}/drill")
def drill(here: Here, visitor: Acting, name: str, reason: Annotated[str, Form()] = "") -> Response:
    """Begin a drill; a worker ends it."""
    visitor.principal.require(Permission.PULL_CORD, name)
    with here.database.begin() as tx:
        alerts.begin_drill(
            tx, name, actor=visitor.principal.actor, reason=reason, events=here.events, now=here.clock.now()
        )
    return notices.back_to(f"/lines/{name}", "drill-begun")


def rules_shown(tx: Tx, visitor: Visitor, name: str, deployed: AutomationVersion) -> dict[str, Any]:
    """Rules, checklist and drills for a line's page."""
    declared = alerts.declared(tx, name)
    monitors = {rule.monitor for rule in declared.rules or alerts.USUAL_RULES}
    return {
        "rules": alerts.USUAL_RULES if declared.rules is None else declared.rules,
        "usual": declared.rules is None,
        "added": alerts.added_rules(tx, name),
        "monitors": sorted(monitors | {"drift", "performance", "calibration", "gate", "latency"}),
        "checklist": declared.checklist,
        "ruled": [dict(pull.segment) for pull in alerts.pulls_of(tx, name)],
        "drills": alerts.list_drills(tx, name, limit=5),
        "drill_every": None if declared.drill is None else declared.drill.every,
        "may_rule": visitor.may(Permission.SET_CORD_RULES, deployed.name),
    }
