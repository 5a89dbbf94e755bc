"""Gates in rollouts: whether a candidate may have the threshold that is wished, and what becomes of it."""

from datetime import datetime

from andon import decisions, gates, models
from andon.gates import NOTHING, WHOLE, GateRevision
from andon.kernel.db import Tx
from andon.kernel.errors import Fault
from andon.kernel.events import Events
from andon.kernel.identity import Actor
from andon.rollouts.domain import Rollout
from andon.rollouts.errors import RolloutInvalid
from andon.serving import Candidate, gate_fault, proven_arm


def require_gate(tx: Tx, rollout: Rollout, *, events: Events, now: datetime) -> None:
    """Check that the candidate's gate lets through no more than is proven of its versions. Raises RolloutInvalid.

    Versions that never answered get their gates here, from held-out evidence; hold the gates first.
    """
    candidate, deployed = rollout.candidate, decisions.version_in_force(tx, rollout.automation)
    if candidate.gate is None or deployed is None:
        return
    version, risk = models.get(tx, rollout.model, candidate.version), decisions.bound_of(deployed)
    policy = candidate.policy or rollout.in_force
    arm = decisions.ensure_planned(
        tx, rollout.automation, risk, deployed.number, version, policy, events=events, now=now
    )
    there = gates.arm_revisions(tx, rollout.automation, arm, now)
    message = gate_fault(candidate.gate) or _wider(arm, candidate.gate, there.proven(WHOLE, now))
    held = there.in_force(WHOLE, now)
    plain = candidate._replace(gate=None)
    if not message and plain == Candidate(rollout.champion) and held is not None and held.threshold == candidate.gate:
        message = f"Version {plain} with a confidence from {candidate.gate:g} is what decides now"
    if message:
        raise RolloutInvalid(message, faults=[Fault("gate", message)])


def give_gate(tx: Tx, rollout: Rollout, *, actor: Actor, reason: str, events: Events, now: datetime) -> None:
    """Let the candidate's arm decide by the gate that it was started with, if it has one of its own."""
    if rollout.candidate.gate is not None:
        gates.give(
            tx,
            rollout.automation,
            rollout.arm,
            rollout.candidate.gate,
            source=rollout.name,
            actor=actor,
            reason=reason,
            events=events,
            now=now,
        )


def keep_gate(tx: Tx, rollout: Rollout, *, actor: Actor, reason: str, events: Events, now: datetime) -> None:
    """Let the gate of a candidate that takes over hold for good, if it has one of its own."""
    if rollout.candidate.gate is not None:
        gates.take_over(
            tx,
            rollout.automation,
            rollout.arm,
            rollout.candidate.gate,
            source=rollout.name,
            actor=actor,
            reason=reason,
            events=events,
            now=now,
        )


def _wider(arm: str, threshold: float, proven: GateRevision | None) -> str:
    """Say that a threshold is below what is proven; empty if it is not."""
    if proven is None or threshold >= proven.threshold:
        return ""
    if proven.threshold >= NOTHING:
        return f"Nothing is proven of {proven_arm(arm)}: no confidence makes it decide by itself (revision {proven.revision})"
    return (
        f"Expected at least {proven.threshold:.6g}, the threshold that is proven of {arm} (revision {proven.revision}): "
        f"from {threshold:g} on it is not proven to be safe"
    )
