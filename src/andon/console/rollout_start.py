"""Starting a rollout: first what it would take at today's traffic, then the start itself."""

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Form, Query
from starlette.responses import Response

from andon import decisions, rollouts
from andon.access import Permission
from andon.authoring import GUARDRAILS, Guardrail, RolloutPlan
from andon.console import notices
from andon.console.automation_view import force_of
from andon.console.candidate_choices import offered_policies, offered_versions, ready_of, suits_of
from andon.console.context import Console, Visitor
from andon.console.dependencies import Acting, Db, Here, Signed
from andon.console.errors import status_of
from andon.console.rollout_form import NEW_POLICY, RolloutForm, Typed
from andon.kernel.db import Tx
from andon.kernel.errors import AndonError, Conflict, Invalid, NotFound
from andon.models import tried_first
from andon.rollouts import Rollout, RolloutWish, WatchedGuardrail

router = APIRouter()

_CHANGED = "The plan differs from the one whose forecast you saw. This is the forecast now."


@router.get("/rollouts/start")
def show(
    here: Here,
    visitor: Signed,
    tx: Db,
    automation: Annotated[str, Query(max_length=200)] = "",
    version: Annotated[str, Query(max_length=9)] = "",
) -> Response:
    """Show the form of one automation."""
    return _page(here, visitor, tx, automation, RolloutForm(version=version))


@router.post("/rollouts/start")
@tried_first("here")
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
    return rollouts.start(
        tx,
        RolloutWish(automation, force.model, version, policy, plan, typed.threshold()),
        actor=actor,
        reason=typed.reason,
        events=here.events,
        now=now,
        ready=ready_of(here, tx, force, now),
        suits=suits_of(force),
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
        offered=_offered(tx, automation, declared),
        forecast=forecast,
        running=next((one for one in newest if not one.is_over), None),
        versions=offered_versions(tx, force),
        policies=offered_policies(tx, force, visitor),
        new_policy=NEW_POLICY,
        may_narrow=visitor.may(Permission.NARROW_GATES, automation),
        may_read_models=visitor.may(Permission.READ_MODELS),
    )


def _watched(tx: Tx, automation: str, declared: RolloutPlan) -> list[WatchedGuardrail]:
    """All guardrails that a rollout may have, also those that the plan does without or does not name."""
    more = [Guardrail(name) for name in _offered(tx, automation, declared)]
    plan = replace(declared, off=(), guardrails=[*declared.guardrails, *more])
    return rollouts.guardrails_of(plan, rollouts.service_level_of(tx, automation))


def _offered(tx: Tx, automation: str, declared: RolloutPlan) -> list[str]:
    """Return the quantiles and measures that the plan does not name."""
    named = (*GUARDRAILS, *(one.name for one in declared.guardrails))
    return [name for name in rollouts.guardrail_names(tx, automation) if name not in named]
