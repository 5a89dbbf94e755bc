"""What an automation declares for its rollouts: the plan, and the service level that two guardrails go by."""

from datetime import timedelta

from andon import decisions
from andon.authoring import Monitors, RolloutPlan, ServiceLevel
from andon.kernel.db import Tx

_MICROSECOND = timedelta(microseconds=1)


def plan_of(tx: Tx, automation: str) -> RolloutPlan:
    """Return the plan that the released version declares; the usual one if it declares none."""
    deployed = decisions.version_in_force(tx, automation)
    kept = None if deployed is None else deployed.description.get("rollout")
    return RolloutPlan() if kept is None else RolloutPlan.from_description(kept)


def service_level_of(tx: Tx, automation: str) -> ServiceLevel:
    """Return the service level that the released version declares; the usual one if it declares none."""
    deployed = decisions.version_in_force(tx, automation)
    kept = None if deployed is None else deployed.description.get("monitors")
    return ServiceLevel() if kept is None else Monitors.from_description(kept).service


def slow_us(service: ServiceLevel) -> float:
    """Return the latency beyond which an answer is slow, in microseconds."""
    return service.latency / _MICROSECOND
