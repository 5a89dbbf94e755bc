"""The changes of a configuration, rehearsed and rolled back, or made in one transaction.

A plan has no rules of its own. The services make the changes, and the transaction is rolled back. So the plan already
meets every refusal.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from andon import access, alerts, decisions, gates, models, policies, serving, spending
from andon.kernel.db import Tx
from andon.kernel.errors import AndonError, Conflict, Denied, Fault, Invalid, NotFound, Unavailable
from andon.plans.applied import record_applied, rights_of
from andon.plans.domain import ChangePlan, Json, PlannedChange, State, apart, moved
from andon.plans.errors import (
    ConfigurationInvalid,
    ConfigurationRefused,
    ConfigurationUnknown,
    PlanDiffers,
    StateMoved,
)
from andon.plans.ports import Declared, InForce, PlannedAct, PlannedForce
from andon.plans.standing import (
    Forces,
    code_difference,
    context_of,
    forces_of,
    newly_answering,
    planned_of,
    policy_difference,
)


@dataclass(frozen=True, slots=True)
class RehearsedChanges:
    """The changes, the state before, and the planned policy and champion of each changed automation.

    `answering` are the model versions by endpoint that answer or run as a shadow for the first time.
    """

    changes: tuple[PlannedChange, ...]
    state: State
    after: Mapping[str, PlannedForce]
    answering: Mapping[str, Sequence[int]]


def rehearse_changes(tx: Tx, settings: Sequence[InForce], declared: Declared, act: PlannedAct) -> RehearsedChanges:
    """Make all changes and roll them back. Raises ConfigurationInvalid, -Unknown or -Refused, which name each fault."""
    attempt = tx.begin_nested()
    try:
        before, forces = _held(tx, settings, declared, act.now)
        _put_all(tx, settings, act)
        now, after = _read(tx, settings, act.now), forces_of(tx, {name: declared[name] for name in forces})
        return RehearsedChanges(
            tuple(_detailed(tx, settings, one, forces, after) for one in _changes(settings, before, now)),
            {**context_of(forces, before), **before},
            planned_of(declared, forces, after),
            newly_answering(declared, forces, after),
        )
    finally:
        attempt.rollback()


def apply_changes(
    tx: Tx, settings: Sequence[InForce], declared: Declared, act: PlannedAct, plan: ChangePlan
) -> tuple[PlannedChange, ...]:
    """Make exactly the planned changes, and record them as one.

    Raises StateMoved or PlanDiffers with each difference, and Forbidden for a caller without a permission. Then nothing
    changes.
    """
    before, forces = _held(tx, settings, declared, act.now)
    if faults := moved(plan.state, {**context_of(forces, before), **before}):
        raise StateMoved(faults=faults)
    for one in settings:
        one.put(tx, act)
    changes = _changes(settings, before, _read(tx, settings, act.now))
    if faults := apart(plan.changes, changes):
        raise PlanDiffers(faults=faults)
    if act.caller is not None:
        for permission, automation in rights_of(settings, changes):
            act.caller.require(permission, automation)
    if changes:
        record_applied(tx, plan, changes, act)
    return changes


def _held(tx: Tx, settings: Sequence[InForce], declared: Declared, at: datetime) -> tuple[Mapping[str, Json], Forces]:
    """Lock the settings against changes by others until the transaction ends, and read what is in force."""
    named = {one.automation for one in settings if one.automation is not None}
    endpoints = {one.endpoint for one in settings if one.automation is None and one.endpoint is not None}
    _hold(tx, sorted(named), sorted(endpoints))
    concerned = {name: one for name, one in declared.items() if name in named or one.model in endpoints}
    return _read(tx, settings, at), forces_of(tx, concerned)


def _hold(tx: Tx, names: Sequence[str], endpoints: Sequence[str]) -> None:
    """Lock all that settings can change, in the one order of locks; nothing is waited for once a change is audited."""
    access.hold_keys(tx)
    for hold in (serving.hold, decisions.hold, policies.hold):
        for name in names:
            hold(tx, name)
    for endpoint in endpoints:
        models.hold(tx, endpoint)
    for name in names:
        spending.hold_budget(tx, name)
    for name in names:
        gates.hold(tx, name)
    alerts.hold(tx, names)


def _read(tx: Tx, settings: Sequence[InForce], at: datetime) -> dict[str, Json]:
    """Read the value of each setting. It is None if its owner does not exist yet; `put` then refuses or makes it."""
    found: dict[str, Json] = {}
    for one in settings:
        try:
            found[one.place] = one.now(tx, at)
        except (NotFound, Invalid, Conflict):
            found[one.place] = None
    return found


def _put_all(tx: Tx, settings: Sequence[InForce], act: PlannedAct) -> None:
    """Put each setting in force. After a refusal, the others are still tried."""
    refused: list[tuple[str, AndonError]] = []
    for one in settings:
        attempt = tx.begin_nested()
        try:
            one.put(tx, act)
            attempt.commit()
        except (Unavailable, Denied):
            attempt.rollback()
            raise
        except AndonError as error:
            attempt.rollback()
            refused.append((one.place, error))
    if refused:
        kind = _kind_of([error for _, error in refused])
        raise kind(faults=[fault for place, error in refused for fault in _faults(place, error)])


def _faults(place: str, error: AndonError) -> list[Fault]:
    if not error.faults:
        return [Fault(place, str(error))]
    return [Fault(place, f"{one.where}: {one.message}" if one.where else one.message) for one in error.faults]


def _kind_of(errors: Sequence[AndonError]) -> type[AndonError]:
    """Choose one kind for several errors: invalid before unknown before refused."""
    for kind, own in ((Invalid, ConfigurationInvalid), (NotFound, ConfigurationUnknown)):
        if any(isinstance(error, kind) for error in errors):
            return own
    return ConfigurationRefused


def _changes(
    settings: Sequence[InForce], before: Mapping[str, Json], after: Mapping[str, Json]
) -> tuple[PlannedChange, ...]:
    return tuple(
        PlannedChange(one.place, one.automation, before[one.place], after[one.place])
        for one in settings
        if before[one.place] != after[one.place]
    )


def _detailed(tx: Tx, settings: Sequence[InForce], one: PlannedChange, before: Forces, after: Forces) -> PlannedChange:
    """Add the differing lines to a change of a policy or of code. The policy of new code is shown with the code."""
    if one.automation is None:
        return one
    then, now = before[one.automation], after[one.automation]
    policy = f"automations.{one.automation}.policy"
    if one.place == policy:
        return replace(one, detail=policy_difference(then, now))
    if one.place.endswith(".release"):
        own = () if any(each.place == policy for each in settings) else policy_difference(then, now)
        return replace(one, detail=(*code_difference(tx, one.automation, then, now), *own))
    return one
