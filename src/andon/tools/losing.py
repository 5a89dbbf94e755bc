"""Begun tool calls whose end nobody reported: they become unknown, and a person is asked whether they happened."""

from datetime import datetime, timedelta

from andon import decisions, reviews
from andon.kernel.db import Tx
from andon.kernel.identity import PLATFORM, Actor
from andon.tools import store
from andon.tools.approving import require_other
from andon.tools.domain import CallState, ToolCall
from andon.tools.journal import record

LOST_AT_ONCE = 100
ANSWER_WITHIN = timedelta(hours=24)
"""The time within which a person should answer whether a call with an unknown outcome happened."""

HAPPENED, NOT_HAPPENED = "happened", "did not happen"
"""The answers that a person may give about such a call."""


def lose_due(tx: Tx, now: datetime) -> bool:
    """Mark begun calls that were not finished in time as unknown, and ask people. Return whether there may be more.

    Such a call may have happened, so it is never repeated. Its caller may still report its end.
    """
    found = store.overdue(tx, now, LOST_AT_ONCE)
    for call in found:
        lost = call.lost()
        store.save(tx, lost)
        _ask_whether_it_happened(tx, lost, now)
        record(tx, "tool.lose", lost, PLATFORM, now)
    return len(found) == LOST_AT_ONCE


def follow_answer(tx: Tx, answered: reviews.QuestionAnswered) -> None:
    """Settle a call by a person's answer. The answer about an action that Andon delivers settles that action."""
    asked = answered.procedure_id is None and answered.action_id is None
    call = store.find(tx, answered.asked_by, lock=True) if asked else None
    if call is None:
        return
    require_other(tx, call, answered.by)
    if call.state is not CallState.UNKNOWN:
        return
    error = None if answered.outcome == HAPPENED else f"{answered.by} found that it did not happen: {answered.reason}"
    ended = call.ended(None, error, sent=True, now=answered.at)
    store.save(tx, ended)
    record(tx, "tool.settle", ended, Actor(answered.by), answered.at, answered.reason)


def _ask_whether_it_happened(tx: Tx, call: ToolCall, now: datetime) -> None:
    decision = decisions.find(tx, call.id)
    question = (
        f"{call.caller} began {call.tool} at {call.begun_at:%Y-%m-%d %H:%M:%S} UTC and never reported how it ended. "
        "Find out in the system that it acts on: did it happen?"
    )
    reviews.ask(
        tx,
        key=call.id,
        procedure_id=None,
        decision_id=call.id,
        automation=call.toolbox,
        queue=call.queue or call.toolbox,
        question=question,
        choices=(HAPPENED, NOT_HAPPENED),
        due=ANSWER_WITHIN,
        correlation_id=str(call.id) if decision is None else decision.row.correlation_id,
        traceparent=None,
        now=now,
    )
