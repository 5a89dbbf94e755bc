"""Dead letters with an unknown outcome: those that nobody was asked about yet, and those that a person gives up."""

from datetime import datetime
from uuid import UUID

from andon import audit
from andon.actions import service, store
from andon.actions.domain import Action, ActionState
from andon.actions.errors import ActionNotDead
from andon.kernel import reasons
from andon.kernel.db import Tx
from andon.kernel.identity import Actor


def take_unasked(tx: Tx, *, now: datetime, limit: int) -> list[Action]:
    """Return dead letters with an unknown outcome that nobody was asked about, oldest first, each once.

    One that was sent again and died again is returned again.
    """
    return [service.get(tx, action_id) for action_id in store.take_unasked(tx, now=now, limit=limit)]


def give_up(tx: Tx, action_id: UUID, *, actor: Actor, reason: str, now: datetime) -> Action:
    """Record that a person leaves a dead letter as it is. Raises ActionNotFound, ActionNotDead, ReasonInvalid."""
    reasons.require(reason)
    dead = service.get(tx, action_id)
    if dead.state is not ActionState.DEAD:
        raise ActionNotDead(f"Action {action_id} is {dead.state}: only a dead letter can be given up")
    audit.record(
        tx,
        actor=actor,
        action="action.give_up",
        subject=f"action:{action_id}",
        at=now,
        reason=reason,
        after={"state": dead.state.value, "attempts": dead.attempts, "error": dead.last_error},
    )
    return dead
