"""Starting a rollout: first what it would take at today's traffic, then the start itself."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Form, Query
from starlette.responses import Response

from andon import decisions, models, policies, rollouts
from andon.access import Permission
from andon.authoring import RolloutPlan
from andon.console import notices
from andon.console.automation_view import Force, force_of
from andon.console.context import Console, Visitor
from andon.console.dependencies import Acting, Db, Here, Signed
from andon.console.endpoint_view import users_of
from andon.console.endpoints import ready_for
from andon.console.errors import status_of
from andon.console.rollout_form import NEW_POLICY, RolloutForm, Typed
from andon.kernel.db import Tx
from andon.kernel.errors import AndonError, Conflict, Invalid, NotFound
from andon.models import CHAMPION
from andon.policies import PolicyVersion
from andon.rollouts import Rollout, RolloutWish, WatchedGuardrail

router = APIRouter()

_OFFERED = 8
"""Versions in the form: the newest ones."""

_CHANGED = "The plan is another than the one whose forecast you saw. This is what it takes now."


@router.get("/rollouts/start")
def show(
    here: Here,
    visitor: Signed,
    tx: Db,
    automation: Annotated[str, Query(max_length=200)] = "",
    version: Annotated[str, Query(max_length=9)] = "",
) -> Response:
    """The form of one automation."""
    return _page(here, visitor, tx, automation, RolloutForm(version=version))


@router.post("/rollouts/start")
def send(
    here: Here,
    visitor: Acting,
    typed: Typed,
    automation: Annotated[str, Form()] = "",
    step: Annotated[str, Form()] = "forecast",
) -> Response:
    """Show what a rollout takes, or start it once that was seen."""
    visitor.principal.require(Permission.READ_MODELS, automation)
    visitor.principal.require(Permission.RUN_ROLLOUT, automation)
    if typed.policy:
        visitor.principal.require(Permission.PUBLISH_POLICY, automation)
    if typed.gate:
        visitor.principal.require(Permission.NARROW_GATES, automation)
    try:
        if step == "start" and typed.seen == typed.fingerprint:
            with here.database.begin() as tx:
                started = _start(here, visitor, tx, automation, typed)
            return notices.back_to(f"/rollouts/{automation}/{started.number}", "rollout-started")
        with here.database.begin() as tx:
            notice = _CHANGED if step == "start" else None
            return _page(here, visitor, tx, automation, typed, notice=notice, with_forecast=True)
    except (Invalid, Conflict, NotFound) as error:
        with here.database.begin() as tx:
            seen = step == "start" and typed.seen == typed.fingerprint
            return _page(here, visitor, tx, automation, typed, problem=error, with_forecast=seen)


def _start(here: Console, visitor: Visitor, tx: Tx, automation: str, typed: RolloutForm) -> Rollout:
    force, now, actor = force_of(tx, automation), here.clock.now(), visitor.principal.actor
    declared = rollouts.plan_of(tx, automation)
    plan = typed.plan(declared, _watched(tx, automation, declared))
    version, policy = typed.model_version(), typed.policy
    if policy == NEW_POLICY:
        policy = decisions.publish_unused_policy(
            tx, force.version, typed.text, source="policy", actor=actor, reason=typed.reason, now=now
        ).version
    users = [
        one for one in users_of(tx, force.model, now) if one.name == automation or decisions.answered_by(one, CHAMPION)
    ]
    return rollouts.start(
        tx,
        RolloutWish(automation, force.model, version, policy, plan, typed.threshold()),
        actor=actor,
        reason=typed.reason,
        events=here.events,
        now=now,
        ready=ready_for(users or [force.version], here.settings, force.model),
        suits=lambda one: decisions.require_named(
            force.version, policies.parse(one.text, source=f"policy {one.version}")
        ),
    )


def _page(
    here: Console,
    visitor: Visitor,
    tx: Tx,
    automation: str,
    form: RolloutForm,
    *,
    notice: str | None = None,
    problem: AndonError | None = None,
    with_forecast: bool = False,
) -> Response:
    visitor.principal.require(Permission.READ_MODELS, automation)
    visitor.principal.require(Permission.RUN_ROLLOUT, automation)
    now, force = here.clock.now(), force_of(tx, automation)
    declared = rollouts.plan_of(tx, automation)
    watched = _watched(tx, automation, declared)
    forecast = None
    if with_forecast:
        plan = form.plan(declared, watched)
        forecast = rollouts.forecast(tx, automation, plan, now)
    published = policies.list_versions(tx, automation) if visitor.may(Permission.PUBLISH_POLICY, automation) else None
    newest = rollouts.page(tx, [automation], limit=1)
    return here.pages.html(
        "rollout_start.html",
        status=status_of(problem) if problem else 200,
        visitor=visitor,
        section="/rollouts",
        notice=notice,
        problem=problem,
        faults=() if problem is None else problem.faults,
        force=force,
        form=form,
        declared=declared,
        watched=watched,
        forecast=forecast,
        running=next((one for one in newest if not one.state.is_over), None),
        versions=models.list_versions(tx, force.model)[:_OFFERED],
        policies=None if published is None else _others(published, force),
        new_policy=NEW_POLICY,
        may_narrow=visitor.may(Permission.NARROW_GATES, automation),
        may_read_models=visitor.may(Permission.READ_MODELS),
    )


def _watched(tx: Tx, automation: str, declared: RolloutPlan) -> list[WatchedGuardrail]:
    """All guardrails that a rollout may have, also those that the plan does without."""
    return rollouts.guardrails_of(replace(declared, off=()), rollouts.service_level_of(tx, automation))


def _others(published: Sequence[PolicyVersion], force: Force) -> list[PolicyVersion]:
    """The published policies that are not in force."""
    return [one for one in published if one.version != force.policy][:_OFFERED]
