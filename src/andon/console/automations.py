"""The page of one automation: what is in force and its history, rollouts and experiments, and the form of its split."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Form
from starlette.responses import Response

from andon import decisions, experiments, models, policies, rollouts, serving
from andon.access import Permission
from andon.console import notices
from andon.console.automation_view import Force, force_of, shadows_of
from andon.console.context import Console, Visitor
from andon.console.dependencies import Acting, Db, Here, Signed
from andon.console.endpoints import ready_for
from andon.console.errors import status_of
from andon.console.split_form import SplitForm, candidates_of
from andon.kernel.db import Tx
from andon.kernel.errors import AndonError, Conflict, Invalid
from andon.models import tried_first
from andon.policies import PolicyVersion
from andon.serving import Candidate

router = APIRouter(prefix="/automations")

_OFFERED = 8
"""Newest versions in the form, in addition to those that have a share."""

_OFFERED_POLICIES = 3
"""Policies in the form that are not in force: the newest ones, with the champion."""


_NEWEST = 5
"""Rollouts on the page: the newest ones."""


@router.get("/{name}")
def show(here: Here, visitor: Signed, tx: Db, name: str, done: str = "") -> Response:
    """One automation."""
    return _page(here, visitor, tx, name, notice=notices.text(done))


@router.post("/{name}/split")
@tried_first("here")
def set_split(
    here: Here,
    visitor: Acting,
    name: str,
    candidate: Annotated[list[str], Form()] = [],  # noqa: B006 - FastAPI copies it
    share: Annotated[list[str], Form()] = [],  # noqa: B006
    shadow: Annotated[list[str], Form()] = [],  # noqa: B006
    reason: Annotated[str, Form()] = "",
    seen: Annotated[int, Form()] = 0,
) -> Response:
    """Split the traffic of an automation."""
    visitor.principal.require(Permission.READ_MODELS, name)
    visitor.principal.require(Permission.SET_SPLIT, name)
    typed: SplitForm | None = None
    try:
        pairs = zip(candidates_of(candidate), share, strict=False)
        typed = SplitForm(dict(pairs), frozenset(candidates_of(shadow)), reason, seen)
        with here.database.begin() as tx:
            deployed = force_of(tx, name).version
            model = deployed.description["model"]
            shares, now = typed.shares(), here.clock.now()
            if any(one.gate is not None for one in (*shares, *typed.shadows)):
                visitor.principal.require(Permission.NARROW_GATES, name)
            decisions.require_gates(tx, name, model, [*shares, *typed.shadows], events=here.events, now=now)
            after = serving.set_split(
                tx,
                name,
                model,
                shares=shares,
                shadows=sorted(typed.shadows),
                actor=visitor.principal.actor,
                reason=reason,
                now=now,
                events=here.events,
                ready=ready_for([deployed], here, tx, model),
                suits=lambda policy: decisions.require_named(
                    deployed, policies.parse(policy.text, source=f"policy {policy.version}")
                ),
                seen=seen,
            )
    except (Invalid, Conflict) as error:
        with here.database.begin() as tx:
            return _page(here, visitor, tx, name, error=error, typed=typed)
    return notices.back_to(f"/automations/{name}", "split-same" if after.number == seen else "split-set")


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
    visitor.principal.require(Permission.READ_MODELS, name)
    now = here.clock.now()
    force = force_of(tx, name)
    published = {policy.version: policy for policy in policies.list_versions(tx, name)}
    may_split = visitor.may(Permission.SET_SPLIT, name)
    return here.pages.html(
        "automation.html",
        status=status_of(error) if error else 200,
        visitor=visitor,
        section="/endpoints",
        notice=notice,
        problem=None if error is None or error.faults else error,
        faults=() if error is None else error.faults,
        force=force,
        form=typed or SplitForm.of(force.split),
        may_split=may_split,
        may_read_models=visitor.may(Permission.READ_MODELS),
        candidates=_choices(tx, force, list(published.values())) if may_split else [],
        splits=serving.split_history(tx, name),
        shadows=shadows_of(tx, force, now),
        policies=policies.history(tx, name),
        published=published,
        releases=decisions.list_releases(tx, name),
        rollouts=rollouts.page(tx, [name], limit=_NEWEST),
        experiments=experiments.page(tx, [name], limit=_NEWEST),
        may_roll_out=visitor.may(Permission.RUN_ROLLOUT, name),
    )


def _choices(tx: Tx, force: Force, published: Sequence[PolicyVersion]) -> list[Candidate]:
    """Return the candidates for a share: the newest versions, the champion by other policies, and present ones."""
    offered = [Candidate(version.number) for version in models.list_versions(tx, force.model)[:_OFFERED]]
    others = [policy.version for policy in published if policy.version != force.policy][:_OFFERED_POLICIES]
    by_others = [] if force.champion is None else [Candidate(force.champion, policy) for policy in others]
    named = {*offered, *by_others, *force.split.shares, *force.split.shadows}
    if force.champion is not None:
        named.add(Candidate(force.champion))
    return sorted(named, key=lambda one: (-one.version, one.policy))
