"""Operations on actions for people: look at them, resend dead ones, enable a destination."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from andon import audit, decisions
from andon.actions import store
from andon.actions.domain import UNKNOWN, Action, ActionSelection, ActionState, AnswerKind, Attempt, Disabled
from andon.actions.errors import (
    ActionNotDead,
    ActionNotFound,
    DestinationDisabled,
    DestinationNotDisabled,
)
from andon.actions.published import NAMED, ActionConfirmed, ActionsDied, ActionsRevived
from andon.actions.store import PostboxEntry
from andon.actions.templates import ValueMissing, fill_json
from andon.actions.vouched import DISABLED
from andon.decisions import DELIVER_ACTION
from andon.kernel import outbox, reasons
from andon.kernel.db import Tx
from andon.kernel.events import Events
from andon.kernel.identity import Actor


def page(
    tx: Tx, state: ActionState, *, which: ActionSelection, limit: int = 50, before: UUID | None = None
) -> list[Action]:
    """Return the actions in one state, newest first."""
    chosen = _chosen(which)
    messages = outbox.page(tx, DELIVER_ACTION, outbox.MessageState(state), which=chosen, limit=limit, before=before)
    return [action_of(message) for message in messages]


def count(tx: Tx, state: ActionState, *, which: ActionSelection) -> int:
    """Return how many actions are in one state."""
    return outbox.count(tx, DELIVER_ACTION, outbox.MessageState(state), which=_chosen(which))


def count_resendable(tx: Tx, *, which: ActionSelection) -> int:
    """Return how many dead letters `resend_all` would send again."""
    return outbox.count(tx, DELIVER_ACTION, outbox.MessageState.DEAD, which=_resendable(tx, which))


def count_unknown(tx: Tx, *, which: ActionSelection) -> int:
    """Return how many dead letters wait for a person to find out whether their receivers took them."""
    chosen = replace(_chosen(which), error_begins=UNKNOWN)
    return outbox.count(tx, DELIVER_ACTION, outbox.MessageState.DEAD, which=chosen)


def dead_letters(tx: Tx, *, automations: Sequence[str] | None) -> dict[str, int]:
    """Return how many dead letters each of the named automations has (None: all automations).

    Automations without any are left out.
    """
    found = outbox.count_by_scope(tx, DELIVER_ACTION, outbox.MessageState.DEAD)
    return {name: count for name, count in found.items() if automations is None or name in automations}


def waiting_retries(tx: Tx) -> dict[str, int]:
    """Return how many actions were tried and wait to be tried again, by destination."""
    return outbox.waiting_again(tx, DELIVER_ACTION)


def get(tx: Tx, action_id: UUID) -> Action:
    """Return one action. Raises ActionNotFound."""
    return action_of(_message(tx, action_id))


def of_decision(tx: Tx, decision_id: UUID) -> list[Action]:
    """Return all actions that follow one decision, oldest first."""
    return [action_of(message) for message in outbox.about(tx, decision_id) if message.topic == DELIVER_ACTION]


def filled_of_decision(tx: Tx, decision_id: UUID, connector: str) -> list[tuple[Action, Mapping[str, Any]]]:
    """Return the actions of one connector that follow a decision, oldest first, with the values of their options.

    An action whose options name a value that the decision lacks is left out: it cannot be carried out.
    """
    found = []
    for message in outbox.about(tx, decision_id):
        action = action_of(message)
        if message.topic != DELIVER_ACTION or action.connector != connector:
            continue
        content = decisions.own_content_of(message)
        if content is None:
            content = decisions.content_of(decisions.get(tx, decision_id), message.payload.get("verdict"))
        names = {"key": str(action.id), "automation": action.automation}
        values = {**content, **names, "action": action.action, "outcome": action.outcome}
        with suppress(ValueMissing):
            found.append((action, fill_json(message.payload.get("options") or {}, values)))
    return found


def attempts(tx: Tx, action_id: UUID, *, now: datetime) -> list[Attempt]:
    """Return all attempts at an action, oldest first. One whose process died before the answer is shown as unknown."""
    made = store.attempts_of(tx, action_id)
    under_way = made[-1].id if made and outbox.is_claimed(tx, action_id, now=now) else None
    return [_known(attempt) if attempt.id != under_way else attempt for attempt in made]


def resend(tx: Tx, action_id: UUID, *, actor: Actor, reason: str, events: Events, now: datetime) -> Action:
    """Send a dead letter again, under its old key.

    Raises ActionNotFound, ActionNotDead, DestinationDisabled, ReasonInvalid.
    """
    reasons.require(reason)
    dead = action_of(_message(tx, action_id))
    disabled = store.disabled(tx).get(dead.destination)
    if disabled is not None:
        raise DestinationDisabled(
            f"{dead.destination} is disabled since {disabled.disabled_at:%Y-%m-%d %H:%M} UTC ({disabled.reason}); "
            f'`andon actions enable {dead.destination} --reason "..."` first'
        )
    revived = outbox.revive(tx, DELIVER_ACTION, outbox.MessageSelection(), ids=[action_id], now=now)
    if not revived:
        raise ActionNotDead(f"Action {action_id} is {dead.state}: only a dead letter can be sent again")
    audit.record(
        tx,
        actor=actor,
        action="action.resend",
        subject=f"action:{action_id}",
        at=now,
        reason=reason,
        before={"state": dead.state.value, "attempts": dead.attempts, "error": dead.last_error},
        after={"state": ActionState.PENDING.value},
    )
    _publish_revived(tx, revived, actor, reason, events, now)
    return get(tx, action_id)


def resend_all(
    tx: Tx,
    *,
    which: ActionSelection,
    actor: Actor,
    reason: str,
    events: Events,
    now: datetime,
    limit: int | None = None,
) -> int:
    """Send dead letters again, the oldest first; return how many.

    It leaves out those of disabled destinations, and those with an unknown outcome unless `because` names them: a
    person must look into each of these first.
    """
    reasons.require(reason)
    sent = outbox.revive(tx, DELIVER_ACTION, _resendable(tx, which), now=now, limit=limit)
    if sent:
        audit.record(
            tx,
            actor=actor,
            action="action.resend_all",
            subject="actions",
            at=now,
            reason=reason,
            after={"count": len(sent), "which": which.told(), "ids": [str(one.id) for one in sent]},
        )
        _publish_revived(tx, sent, actor, reason, events, now)
    return len(sent)


def confirm(tx: Tx, action_id: UUID, *, actor: Actor, reason: str, events: Events, now: datetime) -> Action:
    """Confirm that a dead letter's receiver took it after all. Raises ActionNotFound, ActionNotDead, ReasonInvalid."""
    reasons.require(reason)
    dead = action_of(_message(tx, action_id))
    if not outbox.accept(tx, action_id, now=now):
        raise ActionNotDead(f"Action {action_id} is {dead.state}: only a dead letter can be confirmed")
    audit.record(
        tx,
        actor=actor,
        action="action.confirm",
        subject=f"action:{action_id}",
        at=now,
        reason=reason,
        before={"state": dead.state.value, "attempts": dead.attempts, "error": dead.last_error},
        after={"state": ActionState.DONE.value},
    )
    events.publish(tx, ActionConfirmed(dead.automation, dead.destination, action_id, actor.name, reason, at=now))
    return get(tx, action_id)


def ask_now(tx: Tx, action_id: UUID, *, now: datetime) -> bool:
    """Bring forward the next question about an action that its receiver works on. Return whether there is one."""
    return outbox.hasten(tx, action_id, now=now)


def bury(tx: Tx, entries: Sequence[PostboxEntry], *, events: Events, now: datetime) -> None:
    """Write entries that end actions as dead letters, and publish those that were not dead before."""
    died = store.bury(tx, entries, now=now)
    for (automation, destination), ids in sorted(_by_destination(died).items()):
        events.publish(tx, ActionsDied(automation, destination, len(ids), ids[:NAMED], at=now))


def disabled_destinations(tx: Tx, automations: Sequence[str] | None = None) -> list[Disabled]:
    """Return the disabled destinations by name: all, or those to which these automations have something to send."""
    found = store.disabled(tx)
    if automations is None or not found:
        return list(found.values())
    own = outbox.lanes_of(tx, DELIVER_ACTION, list(found), automations)
    return [one for name, one in found.items() if name in own]


def disable_destination(tx: Tx, name: str, *, actor: Actor, reason: str, now: datetime) -> None:
    """Send nothing to a destination until a person enables it; change nothing if it is disabled already."""
    if store.disable(tx, Disabled(name, now, reason)):
        audit.record(
            tx,
            actor=actor,
            action="destination.disable",
            subject=f"destination:{name}",
            at=now,
            reason=reason,
            rows=[DISABLED.row(name)],
        )


def enable_destination(tx: Tx, name: str, *, actor: Actor, reason: str, now: datetime) -> None:
    """Enable a disabled destination; its dead letters stay until they are resent. Raises DestinationNotDisabled."""
    reasons.require(reason)
    if not store.enable(tx, name):
        raise DestinationNotDisabled(f"Destination {name!r} is not disabled")
    audit.record(
        tx,
        actor=actor,
        action="destination.enable",
        subject=f"destination:{name}",
        at=now,
        reason=reason,
        rows=[DISABLED.row(name)],
    )


def action_of(message: outbox.Message) -> Action:
    """Return an outbox message as an action."""
    return Action(
        id=message.id,
        decision_id=None if "event" in message.payload else message.subject,
        automation=message.scope,
        action=_text(message.payload.get("action")),
        outcome=_text(message.payload.get("outcome")),
        connector=_text(message.payload.get("connector")),
        destination=_text(message.payload.get("destination")),
        state=ActionState(message.state.value),
        attempts=message.attempts,
        created_at=message.created_at,
        due_at=message.due_at,
        settled_at=message.settled_at,
        last_error=message.last_error,
        correlation_id=message.correlation_id,
        revived_at=message.revived_at,
    )


def _publish_revived(
    tx: Tx, revived: Sequence[outbox.Known], actor: Actor, reason: str, events: Events, now: datetime
) -> None:
    for (automation, destination), ids in _by_destination(revived).items():
        for first in range(0, len(ids), NAMED):
            named = ids[first : first + NAMED]
            event = ActionsRevived(automation, destination, len(named), named, actor.name, reason, at=now)
            events.publish(tx, event)


def _by_destination(messages: Sequence[outbox.Known]) -> dict[tuple[str, str], list[UUID]]:
    """Return the ids of messages by automation and destination."""
    found: dict[tuple[str, str], list[UUID]] = {}
    for one in messages:
        found.setdefault((one.scope, one.lane), []).append(one.id)
    return found


def _message(tx: Tx, action_id: UUID) -> outbox.Message:
    message = outbox.find(tx, action_id)
    if message is None or message.topic != DELIVER_ACTION:
        raise ActionNotFound(f"No action {action_id}")
    return message


def _chosen(which: ActionSelection) -> outbox.MessageSelection:
    return outbox.MessageSelection(
        scopes=which.automations,
        lane=which.destination,
        since=which.since,
        until=which.until,
        error=which.because,
    )


def _resendable(tx: Tx, which: ActionSelection) -> outbox.MessageSelection:
    left_out = None if which.names_unknown else UNKNOWN
    return replace(_chosen(which), not_lanes=tuple(store.disabled(tx)), error_begins_not=left_out)


def _known(attempt: Attempt) -> Attempt:
    if attempt.kind is not None:
        return attempt
    return replace(attempt, kind=AnswerKind.UNKNOWN, detail="no answer was recorded: the delivering process ended")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
