"""Planning and applying: what a configuration changes, rehearsed and taken back, or made in one transaction.

A plan is not computed beside the services that make changes: they make them, and the transaction is rolled back. So the
plan already refuses what would be refused.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from andon.kernel.db import Tx
from andon.kernel.errors import AndonError, Conflict, Denied, Fault, Invalid, NotFound, Unavailable
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
    """What would change, the state before, and what would decide after.

    `answering` are the model versions by endpoint that answer or look on for the first time.
    """

    changes: tuple[PlannedChange, ...]
    state: State
    after: Mapping[str, PlannedForce]
    answering: Mapping[str, Sequence[int]]


def rehearse_changes(tx: Tx, settings: Sequence[InForce], declared: Declared, act: PlannedAct) -> RehearsedChanges:
    """Make all changes and take them back. Raises ConfigurationInvalid, -Unknown or -Refused, which name each fault."""
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
    """Make exactly what was planned. Raises StateMoved or PlanDiffers with each difference; nothing is changed then."""
    before, forces = _held(tx, settings, declared, act.now)
    if faults := moved(plan.state, {**context_of(forces, before), **before}):
        raise StateMoved(faults=faults)
    for one in settings:
        one.put(tx, act)
    changes = _changes(settings, before, _read(tx, settings, act.now))
    if faults := apart(plan.changes, changes):
        raise PlanDiffers(faults=faults)
    return changes


def _held(tx: Tx, settings: Sequence[InForce], declared: Declared, at: datetime) -> tuple[Mapping[str, Json], Forces]:
    """What is in force, held so that nobody else changes the settings until the transaction ends."""
    for one in settings:
        one.hold(tx)
    endpoints = {one.endpoint for one in settings}
    concerned = {name: one for name, one in declared.items() if one.model in endpoints}
    return _read(tx, settings, at), forces_of(tx, concerned)


def _read(tx: Tx, settings: Sequence[InForce], at: datetime) -> dict[str, Json]:
    """The value of each setting; None where what it belongs to does not exist, which `put` then refuses or makes."""
    found: dict[str, Json] = {}
    for one in settings:
        try:
            found[one.place] = one.now(tx, at)
        except (NotFound, Invalid, Conflict):
            found[one.place] = None
    return found


def _put_all(tx: Tx, settings: Sequence[InForce], act: PlannedAct) -> None:
    """Put each setting in force; a refusal of one does not keep the others from being tried."""
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
    """The error that stands for several: invalid before unknown before refused."""
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
    """The change with what differs, if it is one of a policy or of code. A policy that comes with code is shown there."""
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
