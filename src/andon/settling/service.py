"""Questions about actions with an unknown outcome, each in the caller's transaction: ask, settle, withdraw."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID, uuid5

from andon import actions, decisions, reviews, tools
from andon.actions import Action, ActionConfirmed, ActionsRevived
from andon.kernel.db import Tx
from andon.kernel.events import Events
from andon.kernel.identity import Actor
from andon.reviews import QuestionAnswered

ASKED_AT_ONCE = 50

HAPPENED, SEND_AGAIN, GIVE_UP = "happened", "send again", "give up"
"""The answers that a person may give."""

EVENTS_QUEUE = "events"
"""The queue of questions about events sent outside, which belong to no decision."""

ANSWER_WITHIN = timedelta(hours=24)
"""The time within which a person should answer, unless the automation sets another."""


def ask_due(tx: Tx, now: datetime) -> bool:
    """Ask about actions with an unknown outcome that nobody was asked about. Return whether there may be more."""
    found = actions.take_unasked(tx, now=now, limit=ASKED_AT_ONCE)
    for action in found:
        _ask(tx, action, now)
    return len(found) == ASKED_AT_ONCE


def subscribe(events: Events) -> None:
    """Subscribe to answers, which settle actions, and to what settles them elsewhere, which withdraws the questions.

    Each is handled in the transaction of its event.
    """
    events.subscribe(QuestionAnswered, partial(_answered, events))
    events.subscribe(ActionConfirmed, _confirmed)
    events.subscribe(ActionsRevived, _revived)


def _ask(tx: Tx, action: Action, now: datetime) -> None:
    queue, due = _place_of(tx, action)
    reviews.ask(
        tx,
        key=_key_of(action),
        procedure_id=None,
        decision_id=action.decision_id or action.id,
        automation=action.automation,
        queue=queue,
        question=_question(tx, action, now),
        choices=(HAPPENED, SEND_AGAIN, GIVE_UP),
        due=due,
        correlation_id=action.correlation_id,
        traceparent=None,
        now=now,
        action_id=action.id,
    )


def _key_of(action: Action) -> UUID:
    """Return the key of the question about an action's latest end: after each resend the question is asked again."""
    return action.id if action.revived_at is None else uuid5(action.id, action.revived_at.isoformat())


def _place_of(tx: Tx, action: Action) -> tuple[str, timedelta]:
    """Return the review queue of the deployed automation, and its time limit for answers."""
    try:
        review = decisions.newest_version(tx, action.automation).description["review"]
    except decisions.AutomationNotFound:
        return action.automation or EVENTS_QUEUE, ANSWER_WITHIN
    return review["queue"], timedelta(seconds=review["due_seconds"])


def _question(tx: Tx, action: Action, now: datetime) -> str:
    sent = [attempt.began_at for attempt in actions.attempts(tx, action.id, now=now) if not attempt.inquiry]
    return (
        f"{action.action} was sent to {action.destination} at {(sent or [action.created_at])[-1]:%Y-%m-%d %H:%M:%S} "
        "UTC, and nobody knows whether it was done. Look there: did it happen? If it did not, send it again or give "
        "it up."
    )


def _answered(events: Events, tx: Tx, answered: QuestionAnswered) -> None:
    """Settle an action by a person's answer. Whoever made the tool call that it carries out may not answer."""
    if answered.action_id is None:
        return
    call = tools.find(tx, answered.action_id)
    if call is not None:
        tools.require_other(tx, call, answered.by)
    about, actor, reason, now = answered.action_id, Actor(answered.by), answered.reason, answered.at
    if answered.outcome == HAPPENED:
        actions.confirm(tx, about, actor=actor, reason=reason, events=events, now=now)
    elif answered.outcome == SEND_AGAIN:
        actions.resend(tx, about, actor=actor, reason=reason, events=events, now=now)
    else:
        actions.give_up(tx, about, actor=actor, reason=reason, now=now)


def _confirmed(tx: Tx, confirmed: ActionConfirmed) -> None:
    _withdraw(tx, [confirmed.id], confirmed.by, f"The action was confirmed: {confirmed.reason}", confirmed.at)


def _revived(tx: Tx, revived: ActionsRevived) -> None:
    _withdraw(tx, revived.ids, revived.by, f"The action was sent again: {revived.reason}", revived.at)


def _withdraw(tx: Tx, action_ids: Sequence[UUID], by: str, reason: str, at: datetime) -> None:
    reviews.withdraw_about(tx, action_ids, actor=Actor(by), reason=reason, now=at)
