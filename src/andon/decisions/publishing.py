"""Publishing a policy: it is checked against its automation, then kept, and put in force if requested."""

from datetime import datetime

from andon import policies
from andon.authoring import Automation
from andon.decisions import assembly, releasing, service
from andon.decisions.domain import AutomationVersion
from andon.decisions.errors import AutomationInvalid, CodeUnreleased
from andon.decisions.releasing import PolicyText
from andon.kernel.db import Tx
from andon.kernel.errors import Fault
from andon.kernel.events import Events
from andon.kernel.identity import Actor
from andon.policies import PolicyVersion


def publish_policy(
    tx: Tx,
    automation: Automation,
    text: str,
    *,
    source: str,
    actor: Actor,
    reason: str,
    now: datetime,
    events: Events,
    in_force: bool = True,
) -> PolicyVersion:
    """Keep a policy of this automation and put it in force, or only keep it for splits and shadows.

    Raises PolicyInvalid, AutomationInvalid with every fault and its line, ReasonInvalid.
    """
    table, _ = assembly.compile_text(automation, text, source)
    policies.require_proof(table)
    published = policies.publish(tx, automation.name, table, text, actor=actor, reason=reason, now=now)
    if in_force:
        releasing.decide_by(
            tx, automation.name, PolicyText(text, table), actor=actor, reason=reason, now=now, events=events
        )
    return published


def publish_unused_policy(
    tx: Tx, deployed: AutomationVersion, text: str, *, source: str, actor: Actor, reason: str, now: datetime
) -> PolicyVersion:
    """Keep a policy for splits, shadows and rollouts, checked against an automation as it was deployed.

    Raises PolicyInvalid, AutomationInvalid, ReasonInvalid.
    """
    table = policies.parse(text, source=source)
    policies.check(table)
    releasing.require_named(deployed, table)
    named = [*deployed.description["actions"], *deployed.description.get("truth", {}).get("outcomes", ())]
    lacking = [name for name in dict.fromkeys(named) if name not in table.outcomes]
    if lacking:
        known = ", ".join(table.outcomes)
        faults = [
            Fault(source, f"outcome {name!r} is used by {deployed.name} but is not in the policy") for name in lacking
        ]
        raise AutomationInvalid(f"{deployed.name} needs outcomes that {source} does not have ({known})", faults=faults)
    policies.require_proof(table)
    return policies.publish(tx, deployed.name, table, text, actor=actor, reason=reason, now=now)


def use_policy(
    tx: Tx, automation: Automation, version: str, *, actor: Actor, reason: str, now: datetime, events: Events
) -> PolicyVersion:
    """Put an already published version in force. Raises PolicyNotFound, PolicyInvalid, AutomationInvalid."""
    published = policies.get(tx, automation.name, version)
    check_policy(automation, published)
    policies.put_in_force(tx, automation.name, version, actor=actor, reason=reason, now=now, events=events)
    return published


def check_policy(automation: Automation, published: PolicyVersion) -> None:
    """Check that a published policy fits an automation as it is now. Raises PolicyInvalid, AutomationInvalid."""
    assembly.compile_text(automation, published.text, f"policy {published.version}")


def apart_from_force(tx: Tx, automation: Automation) -> list[str]:
    """Describe how the automation on disk differs from the one in force. Raises PolicyInvalid, AutomationInvalid."""
    holding, in_force = releasing.released(tx, automation.name), policies.in_force(tx, automation.name)
    if holding is None:
        return ["nothing is released yet"]
    found, table = [], assembly.compile_policy(automation)[0]
    released = service.version(tx, automation.name, holding.version)
    if assembly.digest_of(assembly.describe(automation)) != released.digest:
        found.append(f"the code on disk is not version {holding.version}, which is released")
    if in_force is not None and in_force.version != table.version:
        found.append(f"policy {table.version} is on disk, but {in_force.version} is in force")
    return found


def require_released_code(tx: Tx, automation: Automation) -> None:
    """Check that the code here, apart from its policy, is the released one. Raises CodeUnreleased.

    Gateways decide with the released code.
    """
    holding = releasing.released(tx, automation.name)
    if holding is None:
        return
    deployed = service.version(tx, automation.name, holding.version)
    here = assembly.describe(automation) | {"policy": ""}
    if assembly.digest_of(here) != assembly.digest_of({**deployed.description, "policy": ""}):
        raise CodeUnreleased(
            f"The code of {automation.name} here is not version {holding.version}, which is released: "
            "release it first, or publish from the released code"
        )
