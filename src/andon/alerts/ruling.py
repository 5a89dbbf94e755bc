"""Rules that people add to those in the code, and the release of a cord that a rule pulled.

Every act is audited.
"""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from uuid import UUID

from andon import audit, cord, decisions
from andon.alerts.errors import ChecklistOpen, CordRuleInvalid, CordRuleNotFound
from andon.alerts.pulling import declared
from andon.alerts.rules import AddedRule, RulePull
from andon.alerts.store import alerts as alert_store
from andon.alerts.store import rules as store
from andon.authoring import AlertLevelName, CordRule, DeclarationInvalid, HeldStateName, check_reachable
from andon.cord import LineState, LineStateChange, Segment
from andon.kernel import reasons
from andon.kernel.db import Tx
from andon.kernel.errors import Fault
from andon.kernel.events import Events
from andon.kernel.identity import Actor
from andon.kernel.ids import uuid7
from andon.monitors import Level


def added_rules(tx: Tx, automation: str) -> Sequence[AddedRule]:
    """Return the rules that people added, oldest first."""
    return store.added(tx, automation)


def add_rule(
    tx: Tx,
    automation: str,
    *,
    monitor: str,
    level: AlertLevelName,
    state: HeldStateName,
    segment: bool,
    actor: Actor,
    reason: str,
    now: datetime,
) -> AddedRule:
    """Add a rule for alerts from now on. Raises AutomationNotFound, CordRuleInvalid, ReasonInvalid."""
    why = reasons.require(reason)
    decisions.require_deployed(tx, automation)
    try:
        rule = CordRule(monitor.strip(), level, state, segment)
        check_reachable(rule, declared(tx, automation).levels)
    except DeclarationInvalid as error:
        raise CordRuleInvalid(str(error)) from error
    cord.hold(tx, automation)
    made = AddedRule(uuid7(now), automation, rule, actor.name, now, why)
    store.add(tx, made)
    _audit(tx, actor, "cord.rule.add", made, now, why)
    return made


def remove_rule(tx: Tx, automation: str, rule_id: UUID, *, actor: Actor, reason: str, now: datetime) -> AddedRule:
    """Remove a rule that a person added; a cord it pulled stays pulled. Raises CordRuleNotFound, ReasonInvalid."""
    why = reasons.require(reason)
    cord.hold(tx, automation)
    removed = store.remove(tx, automation, rule_id, actor.name, now)
    if removed is None:
        raise CordRuleNotFound(f"{automation} has no added rule {rule_id}; rules in the code are changed there")
    _audit(tx, actor, "cord.rule.remove", removed, now, why)
    return removed


def pulls_of(tx: Tx, automation: str) -> Sequence[RulePull]:
    """Return the unreleased pulls by rules."""
    return store.standing_pulls(tx, automation)


def release(
    tx: Tx,
    automation: str,
    *,
    segment: Segment,
    actor: Actor,
    reason: str,
    events: Events,
    now: datetime,
    state: LineState = LineState.AUTOMATIC,
    done: Sequence[str] = (),
    anyway: bool = False,
) -> LineStateChange:
    """Release the cord. If a rule pulled it, every item of the checklist must be done and the alert resolved.

    `anyway` releases while the alert is open, which the audit log records with the reason. The checklist is still
    required. Raises CordInvalid, ChecklistOpen.
    """
    cord.hold(tx, automation)
    pulls = store.standing_pulls(tx, automation, segment)
    checklist = declared(tx, automation).checklist if pulls else ()
    standing = _standing(tx, automation, pulls)
    _check(checklist, done, [] if anyway else standing)
    change = cord.release(
        tx, automation, segment=segment, actor=actor, reason=reason, events=events, now=now, state=state
    )
    if pulls:
        store.end_pulls(tx, automation, segment, now)
        audit.record(
            tx,
            actor=actor,
            action="cord.release",
            subject=f"automation:{automation}",
            at=now,
            reason=change.reason,
            after={
                "segment": dict(segment),
                "rules": [pull.rule for pull in pulls],
                "done": list(checklist),
                "open_alerts": standing,
                "anyway": anyway,
            },
        )
    return change


def _standing(tx: Tx, automation: str, pulls: Sequence[RulePull]) -> list[str]:
    """Describe the open critical alerts of the monitors and segments for which the cord was pulled."""
    found: dict[UUID, str] = {}
    for pull in pulls:
        origin = alert_store.find(tx, pull.alert)
        if origin is None:
            continue
        for one in alert_store.open_of(tx, automation, origin.monitor):
            critical = one.standing_level is Level.CRITICAL and one.segment == origin.segment
            if critical or (one.id == origin.id and one.standing_level is one.level):
                found[one.id] = f"{one.title}: {one.message}"
    return list(found.values())


def _check(checklist: Sequence[str], done: Sequence[str], standing: Sequence[str]) -> None:
    ticked = {item.strip().casefold() for item in done}
    faults = [Fault("done", f"Not ticked: {item}") for item in checklist if item.casefold() not in ticked]
    faults += [Fault("anyway", f"The alert is still open: {one}") for one in standing]
    if faults:
        raise ChecklistOpen(
            "A rule pulled this cord. To release it, complete every item of the checklist and resolve every alert that "
            "says the cause remains",
            faults=faults,
        )


def _audit(tx: Tx, actor: Actor, action: str, rule: AddedRule, now: datetime, reason: str) -> None:
    after = {"rule": str(rule.id), **asdict(rule.rule)}
    audit.record(
        tx,
        actor=actor,
        action=action,
        subject=f"automation:{rule.automation}",
        at=now,
        reason=reason,
        after=after,
    )
