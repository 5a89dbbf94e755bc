"""The gate of a rollout's candidate: the check of its requested threshold."""

from datetime import datetime

from andon import decisions, gates
from andon.authoring import Automation
from andon.gates import WHOLE
from andon.kernel.db import Tx
from andon.kernel.errors import Fault
from andon.kernel.events import Events
from andon.rollouts.domain import Rollout
from andon.rollouts.errors import RolloutInvalid
from andon.serving import Candidate


def require_gate(
    tx: Tx, rollout: Rollout, *, declared: Automation | None = None, events: Events, now: datetime
) -> None:
    """Check that the candidate's gate is proven, and new. Raises GateInvalid, RolloutInvalid."""
    candidate, name = rollout.candidate, rollout.automation
    decisions.require_gates(tx, name, rollout.model, [candidate], declared=declared, events=events, now=now)
    if candidate.gate is None or candidate._replace(gate=None) != Candidate(rollout.champion):
        return
    held = gates.arm_revisions(tx, rollout.automation, rollout.control, now).in_force(WHOLE, now)
    if held is not None and held.threshold == candidate.gate:
        message = f"A confidence from {candidate.gate:g} is already the gate of {rollout.control}"
        raise RolloutInvalid(message, faults=[Fault("gate", message)])
