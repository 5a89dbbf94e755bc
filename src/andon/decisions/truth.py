"""The truth of an automation: checked against its policy and model, kept with its version, derived if undeclared."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import lru_cache
from typing import Any

from andon import models, policies
from andon.authoring import BY_REVIEW, RULES_ONLY, Automation, Truth
from andon.decisions.domain import AutomationVersion
from andon.decisions.errors import AutomationInvalid
from andon.decisions.store import releases, versions
from andon.kernel.db import Tx
from andon.kernel.errors import Fault
from andon.models import CHAMPION, ModelVersion


def check_outcomes(automation: Automation, outcomes: Sequence[str]) -> None:
    """Check that the truth names outcomes of the policy only. Raises AutomationInvalid."""
    if automation.truth is not None:
        known = ", ".join(outcomes)
        unknown = [name for name in automation.truth.outcomes if name not in outcomes]
        _refuse(automation, [f"truth: {name!r} is not an outcome of the policy ({known})" for name in unknown])


def check_classes(automation: Automation, version: ModelVersion) -> None:
    """Check that the truth names classes of a model version only. Raises AutomationInvalid."""
    if automation.truth is not None:
        known = version.manifest.signature.classes
        model = f"model {version.name} version {version.number}"
        unknown = [name for name in automation.truth.classes if name not in (*known, *automation.truth.untrained)]
        _refuse(automation, [f"truth: {model} has no class {name!r} ({', '.join(known)})" for name in unknown])


def unknown_classes(deployed: AutomationVersion, version: ModelVersion) -> list[str]:
    """Return the classes that an automation as deployed declares and a model version does not know."""
    truth = declared(deployed)
    if truth is None:
        return []
    return [one for one in truth.classes if one not in (*version.manifest.signature.classes, *truth.untrained)]


def described(automation: Automation) -> dict[str, Any]:
    """Describe the truth for the automation's version.

    The result is empty if none is declared, so that old versions keep their digest.
    """
    truth = automation.truth
    if truth is None:
        return {}
    return {
        "truth": {
            "outcomes": dict(truth.outcomes),
            "matures_seconds": truth.matures.total_seconds(),
            "unreported": truth.unreported,
            **({"untrained": list(truth.untrained)} if truth.untrained else {}),
        }
    }


def declared(deployed: AutomationVersion) -> Truth | None:
    """Return the truth that was declared with a version, or None."""
    kept: Mapping[str, Any] | None = deployed.description.get("truth")
    if kept is None:
        return None
    matures, untrained = timedelta(seconds=kept["matures_seconds"]), tuple(kept.get("untrained", ()))
    return Truth(kept["outcomes"], matures, kept["unreported"], untrained=untrained)


def truth_of(tx: Tx, automation: str) -> Truth | None:
    """Return the truth of an automation from its released version, or from its newest one if none was released.

    If none is declared and every class of the champion is also the name of an outcome, each class stands for itself;
    otherwise None.
    """
    in_force = version_in_force(tx, automation)
    return None if in_force is None else declared(in_force) or _derived(tx, in_force)


def version_in_force(tx: Tx, automation: str) -> AutomationVersion | None:
    """Return the released version of an automation; its newest one as long as none was released."""
    release = releases.newest(tx, automation)
    if release is None:
        return versions.find_newest(tx, automation)
    return versions.find(tx, automation, release.version)


def _derived(tx: Tx, in_force: AutomationVersion) -> Truth | None:
    if in_force.description["model"] == RULES_ONLY:
        return None
    try:
        champion = models.by_alias(tx, in_force.description["model"], CHAMPION)
        outcomes = _outcomes(in_force.description["policy"], in_force.name)
    except (models.ModelNotFound, models.AliasNotFound, policies.PolicyInvalid):
        return None
    classes = champion.manifest.signature.classes
    if BY_REVIEW in classes or not outcomes.issuperset(classes):
        return None
    return Truth({name: name for name in classes})


@lru_cache(maxsize=256)
def _outcomes(policy: str, automation: str) -> frozenset[str]:
    return frozenset(policies.parse(policy, source=automation).outcomes)


def _refuse(automation: Automation, messages: Sequence[str]) -> None:
    if messages:
        faults = [Fault(automation.declared_at, message) for message in messages]
        raise AutomationInvalid("; ".join(f"{f.where}: {f.message}" for f in faults), faults=faults)
