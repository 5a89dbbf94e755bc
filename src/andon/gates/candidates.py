"""Gates of candidates: thresholds that arms bring to a rollout or split, and keep after a promotion.

The threshold is part of the arm's name (`fraud-risk@8+3f2a9c01d2e4~0.93`). It is proven by the evidence of the same
versions without a gate of their own. Where the proven gate is narrower, that one holds.
"""

from dataclasses import replace
from datetime import datetime
from math import ceil

from andon.gates import service, store
from andon.gates.domain import NOTHING, GateRevision
from andon.gates.errors import GateInvalid
from andon.gates.holding import WHOLE, ArmRevisions
from andon.kernel.db import Tx
from andon.kernel.errors import Fault
from andon.kernel.events import Events
from andon.kernel.identity import PLATFORM, Actor
from andon.serving import gate_fault, proven_arm


def require_proven(there: ArmRevisions, arm: str, threshold: float, now: datetime) -> None:
    """Check that a threshold is no wider than the proven one of an arm. Raises GateInvalid, which names that."""
    proven = there.proven(WHOLE, now)
    message = gate_fault(threshold)
    if not message and proven is not None and threshold < proven.threshold:
        least = ceil(proven.threshold * 1e6) / 1e6  # a threshold has six decimals, and what is named must be accepted
        message = f"Expected at least {least:.6g}, which is proven for {arm} (revision {proven.revision})"
        if proven.threshold >= NOTHING:
            message = f"Nothing is proven for {arm}, so no confidence lets it decide (revision {proven.revision})"
    if message:
        raise GateInvalid(message, faults=[Fault("gate", message)])


def give(
    tx: Tx,
    automation: str,
    arm: str,
    threshold: float,
    *,
    source: str,
    actor: Actor,
    reason: str,
    events: Events,
    now: datetime,
) -> GateRevision:
    """Let a candidate's arm decide from a threshold of its own; `source` is the rollout or split that gives it.

    From now on it replaces earlier narrowings of the whole line by people. Raises GateInvalid for an arm without a
    proven gate.
    """
    store.hold(tx, automation)
    there = service.arm_revisions(tx, automation, proven_arm(arm), now)
    return service.ask(tx, there, arm, threshold, actor=actor, reason=reason, events=events, now=now, source=source)


def ensure_given(tx: Tx, automation: str, arm: str, threshold: float, *, events: Events, now: datetime) -> GateRevision:
    """Return the revision that holds for a candidate's whole arm. Makes it for a candidate of a split by hand."""
    held = service.arm_revisions(tx, automation, arm, now)
    if held.own is None:
        reason = "the candidate's own gate, as the traffic split names it"
        give(tx, automation, arm, threshold, source="split", actor=PLATFORM, reason=reason, events=events, now=now)
        held = service.arm_revisions(tx, automation, arm, now)
    found = held.in_force(WHOLE, now)
    assert found is not None  # noqa: S101 - `give` raises for an arm without a proven gate
    return found


def take_over(
    tx: Tx,
    automation: str,
    arm: str,
    threshold: float,
    *,
    source: str,
    actor: Actor,
    reason: str,
    events: Events,
    now: datetime,
) -> GateRevision:
    """Keep a candidate's gate for the arm that takes over, in place of what people asked of the whole line before.

    Narrowings made by hand since the candidate got its gate stay: they are written again behind the new revision.
    """
    store.hold(tx, automation)
    own, arm = service.arm_revisions(tx, automation, arm, now), proven_arm(arm)
    there = service.arm_revisions(tx, automation, arm, now)
    made = service.ask(tx, there, arm, threshold, actor=actor, reason=reason, events=events, now=now, source=source)
    later = own.narrowing(WHOLE, now)
    if later is not None:
        again = replace(later, revision=made.revision + 1, at=now, evidence={**later.evidence, "source": source})
        service.put(tx, again, made.threshold, actor, events)
    return made
