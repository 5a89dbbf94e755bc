"""Releases: the act that lets a deployed version of an automation decide, and the policy that comes with it.

A release publishes the policy text of its version if that differs from the text of the previous release. If it does
not, the policy in force stays: an unchanged file never undoes what somebody published.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from andon import audit, policies
from andon.decisions import assembly, service
from andon.decisions.domain import AutomationVersion, Release
from andon.decisions.errors import AutomationInvalid, AutomationNotFound, ReleaseRefused
from andon.decisions.published import AutomationReleased
from andon.decisions.store import releases, versions
from andon.decisions.vouched import RELEASES
from andon.kernel import reasons
from andon.kernel.db import Tx, announce
from andon.kernel.errors import Fault
from andon.kernel.events import Events
from andon.kernel.identity import COMMAND_LINE, Actor
from andon.policies import DecisionTable, PolicyInvalid


@dataclass(frozen=True, slots=True)
class PolicyText:
    """A policy as text, and its version."""

    text: str
    table: DecisionTable


def release(
    tx: Tx,
    automation: str,
    version: int,
    *,
    actor: Actor,
    reason: str,
    now: datetime,
    events: Events,
    author_may_approve: bool = True,
) -> Release:
    """Let one deployed version decide; running gateways follow within a second. Change nothing if it already does.

    Raises AutomationNotFound, ReasonInvalid, ReleaseRefused, and AutomationInvalid if the policy that would be in force
    names what the version does not give.
    """
    why = reasons.require(reason)
    deployed = service.version(tx, automation, version)
    releases.lock(tx, automation)
    before = releases.newest(tx, automation)
    if before is not None and before.version == version:
        return before
    if not author_may_approve and is_same_person(deployed.deployed_by, actor.name):
        raise ReleaseRefused(
            f"{deployed.deployed_by} deployed version {version} of {automation}: somebody else must release it"
        )
    policy = policy_upon_release(tx, deployed)
    require_named(deployed, policy.table)
    replaced = None if before is None else before.version
    number = 1 if before is None else before.number + 1
    after = Release(automation, number, version, replaced, actor.name, why, now)
    releases.add(tx, after)
    decide_by(tx, automation, policy, actor=actor, reason=why, now=now, events=events)
    events.publish(tx, AutomationReleased(automation, number, version, replaced, actor.name, why, at=now))
    audit.record(
        tx,
        actor=actor,
        action="automation.release",
        subject=f"automation:{automation}",
        at=now,
        reason=why,
        before={"version": replaced},
        after={"version": version, "digest": deployed.digest},
        rows=[RELEASES.row(automation, number)],
    )
    announce(tx, "automations")
    return after


def hold(tx: Tx, automation: str) -> None:
    """Lock the releases of this automation until the transaction ends."""
    releases.lock(tx, automation)


def decide_by(
    tx: Tx, automation: str, policy: PolicyText, *, actor: Actor, reason: str, now: datetime, events: Events
) -> None:
    """Publish a policy and put it in force; change nothing if it already is."""
    policies.publish(tx, automation, policy.table, policy.text, actor=actor, reason=reason, now=now)
    policies.put_in_force(tx, automation, policy.table.version, actor=actor, reason=reason, now=now, events=events)


def policy_upon_release(tx: Tx, deployed: AutomationVersion) -> PolicyText:
    """Return the policy in force once this version is released. Raises PolicyInvalid."""
    in_force, before = policies.in_force(tx, deployed.name), releases.newest(tx, deployed.name)
    own = own_policy(deployed)
    if in_force is None or before is None:
        return own
    if _policy_version(service.version(tx, deployed.name, before.version)) != own.table.version:
        return own
    return PolicyText(in_force.text, policies.parse(in_force.text, source=f"policy {in_force.version}"))


def own_policy(deployed: AutomationVersion) -> PolicyText:
    """Return the policy that a version was deployed with. Raises PolicyInvalid."""
    text = deployed.description["policy"]
    return PolicyText(text, policies.parse(text, source=f"the policy of {deployed.name} version {deployed.number}"))


def require_named(deployed: AutomationVersion, table: DecisionTable) -> None:
    """Check that a policy names only what a version gives. Raises AutomationInvalid."""
    wrong = assembly.unnamed(deployed, table)
    if wrong:
        message = f"{deployed.name} version {deployed.number} does not provide what policy {table.version} reads"
        raise AutomationInvalid(
            f"{message}: {', '.join(wrong)}", faults=[Fault(table.source, f"`{name}` is missing") for name in wrong]
        )


def released(tx: Tx, automation: str) -> Release | None:
    """Return the release in force; None if nothing was released."""
    return releases.newest(tx, automation)


def list_releases(tx: Tx, automation: str) -> Sequence[Release]:
    """Return every release of an automation, newest first. Raises AutomationNotFound."""
    require_deployed(tx, automation)
    return releases.history(tx, automation)


def superseded_at(tx: Tx, automation: str, version: int) -> datetime | None:
    """Return when another version took over from this one; None if it was never released, or still is."""
    return releases.superseded_at(tx, automation, version)


def newest_version(tx: Tx, automation: str) -> AutomationVersion:
    """Return the version of an automation that was deployed last. Raises AutomationNotFound."""
    found = versions.newest_of(tx, automation)
    if found is None:
        raise AutomationNotFound(f"No automation {automation!r} was ever deployed")
    return found


def require_deployed(tx: Tx, automation: str) -> None:
    """Check that an automation of this name was ever deployed. Raises AutomationNotFound."""
    newest_version(tx, automation)


def is_same_person(author: str, approver: str) -> bool:
    """Return whether two actors are one person, who may use a key or the command line under the same name."""
    return author.removeprefix(COMMAND_LINE) == approver.removeprefix(COMMAND_LINE)


def _policy_version(deployed: AutomationVersion) -> str | None:
    """Return the version of the policy it was deployed with; None if the text is no longer a valid policy."""
    try:
        return own_policy(deployed).table.version
    except PolicyInvalid:
        return None
