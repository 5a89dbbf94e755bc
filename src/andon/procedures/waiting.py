"""The steps that wait, each as one check in a transaction: the awaited thing if it exists, otherwise a wait.

The run's row is locked meanwhile, and every supplier of something awaited locks it as well, so nothing is lost between
check and wait.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeAlias
from uuid import UUID

from andon import actions, audit, reviews
from andon.authoring import ActionSpec
from andon.decisions import DELIVER_ACTION, SENT
from andon.kernel import outbox
from andon.kernel.db import Tx
from andon.kernel.durable import Waiting
from andon.kernel.identity import PLATFORM
from andon.procedures import store
from andon.procedures.domain import ProcedureRecord, Wait, key_of

Ended: TypeAlias = Mapping[str, Any]
"""The stored end of a step: `ok` with its value, or `failed` with the reason."""


def for_delivery(
    tx: Tx,
    now: datetime,
    procedure: ProcedureRecord,
    step: int,
    what: str,
    *,
    action: ActionSpec,
    event: str,
    data: Mapping[str, Any],
) -> Ended | Waiting:
    """Check a delivery under the step's own key, added to the outbox once.

    `unknown` means that it was given up and may have arrived.
    """
    key = key_of(procedure.id, step)
    message = outbox.find(tx, key)
    if message is None:
        outbox.add(tx, [_message(key, now, procedure, action, event, data)])
        audit.record(
            tx,
            actor=PLATFORM,
            action="procedure.send",
            subject=f"procedure:{procedure.id}",
            at=now,
            after={"step": step, "action": event},
            rows=[SENT.row(key)],
        )
    elif message.state is outbox.MessageState.DONE:
        return {"ok": None}
    elif message.state is outbox.MessageState.DEAD:
        last = actions.attempts(tx, key, now=now)[-1:]
        unknown = any(attempt.kind is actions.AnswerKind.UNKNOWN for attempt in last)
        return {"failed": message.last_error or "it was given up", "unknown": unknown}
    store.begin_wait(tx, procedure.id, Wait(step, what, now, None, over=False), message_id=key)
    return Waiting()


def for_event(
    tx: Tx, now: datetime, procedure: ProcedureRecord, step: int, what: str, *, event: str, within: timedelta | None
) -> Ended | Waiting:
    """Check for the oldest event of a name that no other step got; None when the time is up."""
    found = store.take_event(tx, procedure.id, event, step)
    until = None if within is None else now + within
    wait = store.begin_wait(tx, procedure.id, Wait(step, what, now, until, over=False))
    if found is None and (wait.until is None or wait.until > now):
        return Waiting(wait.until)
    store.end_wait(tx, procedure.id, step)
    if found is None:
        return {"ok": None}
    return {"ok": {"data": found.data, "by": found.sent_by, "at": found.sent_at.isoformat()}}


def for_answer(
    tx: Tx,
    now: datetime,
    procedure: ProcedureRecord,
    step: int,
    what: str,
    *,
    question: str,
    choices: Sequence[str],
    queue: str,
    due: timedelta,
) -> Ended | Waiting:
    """Check for a person's verdict on a review that is opened once, under the step's own key."""
    key = key_of(procedure.id, step)
    review = reviews.find_question(tx, key)
    if review is not None and review.verdict is not None:
        given = review.verdict
        store.end_wait(tx, procedure.id, step)
        return {"ok": {"choice": given.outcome, "reason": given.reason, "by": given.by, "at": given.at.isoformat()}}
    if review is None:
        reviews.ask(
            tx,
            key=key,
            procedure_id=procedure.id,
            decision_id=procedure.decision_id,
            automation=procedure.automation,
            queue=queue,
            question=question,
            choices=choices,
            due=due,
            correlation_id=procedure.correlation_id,
            traceparent=procedure.traceparent,
            now=now,
        )
    store.begin_wait(tx, procedure.id, Wait(step, what, now, None, over=False))
    return Waiting()


def for_time(
    tx: Tx, now: datetime, procedure: ProcedureRecord, step: int, what: str, *, until: datetime
) -> Ended | Waiting:
    """Check whether a moment has passed: the one recorded when the wait began."""
    wait = store.begin_wait(tx, procedure.id, Wait(step, what, now, until, over=False))
    if wait.until is not None and wait.until > now:
        return Waiting(wait.until)
    store.end_wait(tx, procedure.id, step)
    return {"ok": None}


def _message(
    key: UUID, now: datetime, procedure: ProcedureRecord, action: ActionSpec, event: str, data: Mapping[str, Any]
) -> outbox.Message:
    return outbox.Message(
        id=key,
        topic=DELIVER_ACTION,
        scope=procedure.automation,
        subject=procedure.decision_id,
        payload={
            "action": event,
            "connector": action.connector,
            "destination": action.destination,
            "options": dict(action.options),
            "outcome": event,
            "procedure": str(procedure.id),
            "decision": dict(data),
        },
        correlation_id=procedure.correlation_id,
        traceparent=procedure.traceparent,
        created_at=now,
        due_at=now,
    )
