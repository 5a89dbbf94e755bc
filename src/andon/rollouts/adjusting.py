"""Adjusting a declared plan for one rollout. Pure."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from andon.authoring import GUARDRAILS, Guardrail, RolloutPlan


def adjusted(
    plan: RolloutPlan,
    *,
    kind: str | None = None,
    steps: Sequence[float] | None = None,
    unit: str | None = None,
    off: Sequence[str] | None = None,
    stage_decisions: int | None = None,
    stage_time: timedelta | None = None,
    labels: int | None = None,
    guardrails: Sequence[Guardrail] = (),
) -> RolloutPlan:
    """Return the plan with the given changes. Raises DeclarationInvalid.

    Approvals, the dead man's limit and the error budget stay as the owner declared them. Unchanged parts of a guardrail
    stay as well.
    """
    of_kind = plan if kind is None else plan.of_kind(kind)
    given: dict[str, Any] = {
        name: value
        for name, value in (
            ("steps", steps),
            ("unit", unit),
            ("stage_decisions", stage_decisions),
            ("stage_time", stage_time),
            ("labels", labels),
        )
        if value is not None
    }
    declared = {one.name: one for one in plan.guardrails}
    if off is not None:  # a guardrail that only the plan adds is omitted, and needs no switch
        given["off"] = [one for one in off if one in GUARDRAILS or one not in declared]
    named = {one.name: _over(declared.get(one.name), one) for one in guardrails}
    kept = [one for one in plan.guardrails if one.name in named or one.name not in (off or ())]
    merged = [named.pop(one.name, one) for one in kept] + list(named.values())
    return replace(of_kind, guardrails=merged, **given)


def _over(declared: Guardrail | None, given: Guardrail) -> Guardrail:
    if declared is None:
        return given
    return Guardrail(
        given.name,
        declared.margin if given.margin is None else given.margin,
        declared.required if given.required is None else given.required,
        declared.better if given.better == "lower" else given.better,
    )
