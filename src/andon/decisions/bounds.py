"""The risk bound of an automation: kept with its version, read back from it, checked against its model."""

from collections.abc import Mapping
from typing import Any

from andon.authoring import Automation, MaxCost, MaxError, RiskBound
from andon.decisions.domain import AutomationVersion
from andon.models import ModelVersion


def described_bound(risk: RiskBound | None) -> dict[str, Any] | None:
    """Describe a bound for the automation's version.

    Default values are left out, so that old versions keep their digest.
    """
    if risk is None:
        return None
    if isinstance(risk, MaxCost):
        costs = [[predicted, true, cost] for (predicted, true), cost in sorted(risk.costs.items())]
        return {"target": risk.target, "confidence": risk.confidence, "costs": costs}
    return {
        "target": risk.target,
        "confidence": risk.confidence,
        **({} if risk.by is None else {"by": risk.by}),
        **({"per_class": dict(risk.per_class)} if risk.per_class else {}),
        **({} if risk.local is None else {"local": risk.local}),
    }


def bound_of(deployed: AutomationVersion) -> RiskBound | None:
    """Return the bound that was declared with a version."""
    kept: Mapping[str, Any] | None = deployed.description["risk"]
    if kept is None:
        return None
    if "costs" in kept:
        costs = {(predicted, true): cost for predicted, true, cost in kept["costs"]}
        return MaxCost(kept["target"], costs, kept["confidence"])
    return MaxError(kept["target"], kept["confidence"], kept.get("by"), kept.get("per_class"), kept.get("local"))


def unknown_to_model(automation: Automation, version: ModelVersion) -> list[str]:
    """Return a message for each class in the bound that a model version does not know."""
    risk, known = automation.risk, version.manifest.signature.classes
    if risk is None:
        return []
    named = {name for pair in risk.costs for name in pair} if isinstance(risk, MaxCost) else set(risk.targets)
    model = f"model {version.name} version {version.number}"
    return [f"risk: {model} has no class {name!r} ({', '.join(known)})" for name in sorted(named - set(known))]
