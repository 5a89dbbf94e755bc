"""Gates in rollouts: whether a candidate may have the threshold that is wished, and what becomes of it."""

from datetime import datetime

from andon import decisions, gates
from andon.gates import WHOLE
from andon.kernel.db import Tx
from andon.kernel.errors import Fault
from andon.kernel.events import Events
from andon.kernel.identity import Actor
from andon.rollouts.domain import Rollout
from andon.rollouts.errors import RolloutInvalid
from andon.serving import Candidate


def require_gate(tx: Tx, rollout: Rollout, *, events: Events, now: datetime) -> None:
    """Check that the candidate's gate is proven, and another than the one that holds. Raises GateInvalid, RolloutInvalid."""
    candidate = rollout.candidate
    decisions.require_gates(tx, rollout.automation, rollout.model, [candidate], events=events, now=now)
    if candidate.gate is None or candidate._replace(gate=None) != Candidate(rollout.champion):
        return
    held = gates.arm_revisions(tx, rollout.automation, rollout.control, now).in_force(WHOLE, now)
    if held is not None and held.threshold == candidate.gate:
        message = f"A confidence from {candidate.gate:g} is what {rollout.control} decides by now"
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
