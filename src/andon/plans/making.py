"""The making of a plan: rehearse the changes, try the versions, count affected decisions, repeat the newest ones."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from andon import decisions, models
from andon.access import ROLES, Permission
from andon.kernel.db import Database, Tx
from andon.kernel.errors import AndonError, Fault
from andon.plans.applied import rights_of
from andon.plans.domain import AffectedAutomation, ChangePlan, NeededApproval, PlannedChange
from andon.plans.errors import ConfigurationRefused
from andon.plans.ports import Decide, Declared, InForce, PlannedAct, Prove, Ready
from andon.plans.reading import naming_files
from andon.plans.service import RehearsedChanges, rehearse_changes

RECENT = timedelta(days=7)
"""The span of the decisions that are counted."""


@dataclass(frozen=True, slots=True)
class Configured:
    """The settings that a configuration names, the automations of the project, and the file of each setting."""

    settings: Sequence[InForce]
    declared: Declared
    files: Mapping[str, str] = field(default_factory=dict)


def make_plan(
    database: Database,
    configured: Configured,
    act: PlannedAct,
    *,
    ready: Ready,
    decide: Decide | None,
    prove: Prove | None,
) -> ChangePlan:
    """Plan a configuration and change nothing. Without `decide` no decision is made again, without `prove` no proof.

    Raises the errors of `rehearse_changes`, and ConfigurationRefused.
    """
    with naming_files(configured.files), database.begin() as tx:
        # The author of the code matters only when it is released; the approvals name that.
        lenient = replace(act, author_may_approve=True)
        found = rehearse_changes(tx, configured.settings, configured.declared, lenient)
        approvals = [*_four_eyes(tx, found, act), *_approvals(found.changes, configured.settings)]
    _try(database, found.answering, ready)
    with database.begin() as tx:
        affected = _affected(tx, found, configured.declared, act)
    flipped = () if decide is None else tuple(decide(one) for one in found.after.values())
    proofs = () if prove is None else tuple(one for one in map(prove, found.after.values()) if one is not None)
    return ChangePlan(found.changes, found.state, act.now, act.actor.name, affected, flipped, tuple(approvals), proofs)


def _try(database: Database, answering: Mapping[str, Sequence[int]], ready: Ready) -> None:
    """Load each version that answers for the first time. Raises ConfigurationRefused for those that fail."""
    faults = []
    for endpoint, numbers in answering.items():
        for number in numbers:
            with database.begin() as tx:
                version = models.get(tx, endpoint, number)
            try:
                ready(version)
            except AndonError as error:
                faults += [Fault(f"{endpoint}@{number}", str(error))]
    if faults:
        raise ConfigurationRefused(faults=faults)


def _affected(tx: Tx, found: RehearsedChanges, declared: Declared, act: PlannedAct) -> tuple[AffectedAutomation, ...]:
    """Count the automations that the changes name, and those whose champion changes."""
    changed = {one.automation for one in found.changes if one.automation is not None} | set(found.after)
    users: dict[str, list[str]] = {}
    for version in decisions.newest_versions(tx):
        if act.caller is not None and not act.caller.may(Permission.READ_AUTOMATIONS, version.name):
            continue
        users.setdefault(version.description["model"], []).append(version.name)
    counted = []
    for name in sorted(changed):
        endpoint = declared[name].model
        stats = decisions.stats(tx, act.now - RECENT, act.now, [name])
        others = tuple(other for other in users.get(endpoint, ()) if other != name)
        counted.append(AffectedAutomation(name, endpoint, stats.decisions, stats.automatic, others))
    return tuple(counted)


def _four_eyes(tx: Tx, found: RehearsedChanges, act: PlannedAct) -> Iterable[NeededApproval]:
    """Return the releases that another person must make, if authors may not release their own code."""
    if act.author_may_approve:
        return
    known = {version.name: version for version in decisions.newest_versions(tx)}
    for one in found.changes:
        if one.automation is not None and one.place.endswith(".release"):
            there = known.get(one.automation)
            brought = there is not None and there.digest[:12] in str(one.after)
            author = there.deployed_by if there is not None and brought else act.actor.name
            yield NeededApproval(f"a release by someone other than {author}, who brings this code", one.automation)


def _approvals(changes: Sequence[PlannedChange], settings: Sequence[InForce]) -> Iterable[NeededApproval]:
    """Return the permissions that the changes need, each once, with the roles that grant it."""
    for permission, automation in dict.fromkeys(rights_of(settings, changes)):
        roles = tuple(role.value for role, allowed in ROLES.items() if permission in allowed)
        yield NeededApproval(permission.value, automation, roles)
