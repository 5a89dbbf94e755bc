"""The declarations of an automation for rollouts: the plan, and the service level of two guardrails."""

from datetime import timedelta

from andon import decisions
from andon.authoring import GUARDRAILS, QUANTILE_GUARDRAILS, Monitors, RolloutPlan, ServiceLevel
from andon.decisions import AuditsNotDeclared
from andon.kernel.db import Tx
from andon.kernel.errors import Fault
from andon.rollouts.errors import RolloutInvalid

_MICROSECOND = timedelta(microseconds=1)


def plan_of(tx: Tx, automation: str) -> RolloutPlan:
    """Return the plan that the released version declares; the usual one if it declares none."""
    deployed = decisions.version_in_force(tx, automation)
    kept = None if deployed is None else deployed.description.get("rollout")
    return RolloutPlan() if kept is None else RolloutPlan.from_description(kept)


def guardrail_names(tx: Tx, automation: str) -> tuple[str, ...]:
    """Return the names of all guardrails that a plan may have: usual ones, latency quantiles and measures."""
    deployed = decisions.version_in_force(tx, automation)
    described = () if deployed is None else deployed.description.get("measures", ())
    return (*GUARDRAILS, *QUANTILE_GUARDRAILS, *(one["name"] for one in described))


def require_measures(tx: Tx, automation: str, plan: RolloutPlan) -> None:
    """Check that a plan names only existing guardrails and measures of the automation. Raises RolloutInvalid."""
    known = guardrail_names(tx, automation)
    unknown = [one.name for one in plan.guardrails if one.name not in known]
    if unknown:
        message = f"There is no guardrail {unknown[0]!r}; there are: {', '.join(known)}"
        raise RolloutInvalid(message, faults=[Fault(f"guardrails.{unknown[0]}", message)])


def service_level_of(tx: Tx, automation: str) -> ServiceLevel:
    """Return the service level that the released version declares; the usual one if it declares none."""
    deployed = decisions.version_in_force(tx, automation)
    kept = None if deployed is None else deployed.description.get("monitors")
    return ServiceLevel() if kept is None else Monitors.from_description(kept).service


def audit_share_of(tx: Tx, automation: str) -> float:
    """Return the share of automatic decisions that blind audits look at now; 0 if none are declared."""
    try:
        return decisions.audits_of(tx, automation).share
    except AuditsNotDeclared:
        return 0.0


def slow_us(service: ServiceLevel) -> float:
    """Return the latency beyond which an answer is slow, in microseconds."""
    return service.latency / _MICROSECOND
