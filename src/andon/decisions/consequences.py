"""The consequences of a decision: messages written to the outbox in its transaction. Nothing is carried out here.

A message names its decision and its destination; the sender reads the decision from the ledger (`content.py`).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic_core import to_json

from andon.authoring import ActionSpec
from andon.decisions.domain import DELIVER_ACTION, OPEN_REVIEW, Decision, WaitingRequest
from andon.decisions.line import Line
from andon.kernel.ids import uuid7
from andon.kernel.outbox import Message
from andon.policies import REVIEW

RESULT = "result"
"""The name of the action that sends every decision of an automation to a destination."""

DECIDED, FAILED = "decided", "failed"
"""The outcomes of an accepted request, sent to its destination as `decision.decided` or `decision.failed`."""


def messages(line: Line, decision: Decision) -> Sequence[Message]:
    """Return the messages that follow from a decision.

    There is one message each if a person is asked or an action is declared for the outcome, if a destination waits for
    the answer, if the automation sends all its results to a destination, and if the decision was drawn for a blind
    audit.
    """
    outcome, notify, results = decision.judgement.ruling.outcome, decision.request.notify, line.automation.results
    drawn = decision.draw.drawn
    if outcome not in line.followed and notify is None and results is None and not drawn:
        return ()
    notice: Sequence[Message] = ()
    if notify is not None:
        notice = (_message(decision, DELIVER_ACTION, {**_notice(notify, DECIDED), "answer": True}),)
    if results is not None:
        notice = (*notice, _message(decision, DELIVER_ACTION, {**action_of(RESULT, results), "outcome": outcome}))
    if drawn:
        notice = (*notice, _message(decision, OPEN_REVIEW, _audit(line, decision)))
    if outcome == REVIEW:
        return (_message(decision, OPEN_REVIEW, _review(line, decision)), *notice)
    action = line.automation.actions.get(outcome)
    if action is None:
        return notice
    return (_message(decision, DELIVER_ACTION, {**action_of(outcome, action), "outcome": outcome}), *notice)


def failure(waiting: WaitingRequest, destination: str, now: datetime) -> Message:
    """Return the message that reports a failed request: one that was accepted and could not be decided.

    There is no decision to read, so the message holds the whole content.
    """
    content = {
        "id": str(waiting.id),
        "automation": waiting.automation,
        "status": "failed",
        "error": waiting.error,
        "correlation_id": waiting.correlation_id,
    }
    return Message(
        id=uuid7(now),
        topic=DELIVER_ACTION,
        scope=waiting.automation,
        subject=waiting.id,
        payload={**_notice(destination, FAILED), "decision": content},
        correlation_id=waiting.correlation_id,
        traceparent=waiting.traceparent,
        created_at=now,
        due_at=now,
    )


def _notice(destination: str, what: str) -> dict[str, Any]:
    """Return the payload that delivers an answer; it has the form of an action's payload.

    Its name cannot clash with an outcome of a policy.
    """
    return {
        "action": "notify",
        "connector": "webhook",
        "destination": destination,
        "options": {},
        "outcome": what,
    }


def encoded(batch: Sequence[Message]) -> list[str]:
    """Return the payloads as JSON text."""
    return [to_json(message.payload).decode() for message in batch]


def action_of(outcome: str, action: ActionSpec) -> dict[str, Any]:
    """Return the description of an outcome's action for the process that carries it out."""
    return {
        "action": outcome,
        "connector": action.connector,
        "destination": action.destination,
        "options": dict(action.options),
    }


def _review(line: Line, decision: Decision) -> Mapping[str, Any]:
    automation = line.automation
    return {
        "queue": automation.review.queue,
        "due_seconds": int(automation.review.due.total_seconds()),
        "rule": decision.judgement.ruling.rule,
        "reasons": list(decision.judgement.ruling.reasons),
        "outcomes": [outcome for outcome in line.outcomes if outcome != REVIEW],
        "actions": {outcome: action_of(outcome, action) for outcome, action in automation.actions.items()},
    }


def _audit(line: Line, decision: Decision) -> Mapping[str, Any]:
    """Describe a blind review: it names classes, and nothing about the line's decision."""
    automation, prediction = line.automation, decision.prediction
    assert automation.audit is not None  # noqa: S101 - only then anything is drawn
    assert prediction is not None  # noqa: S101 - nothing else is drawn
    declared = () if automation.truth is None else automation.truth.classes
    return {
        "queue": automation.audit.queue or automation.review.queue,
        "due_seconds": int(automation.audit.due.total_seconds()),
        "rule": "",
        "reasons": [],
        "outcomes": list(dict.fromkeys((*prediction.probabilities, *declared))),
        "actions": {},
        "blind": True,
    }


def _message(decision: Decision, topic: str, payload: Mapping[str, Any]) -> Message:
    at: datetime = decision.decided_at
    identifier: UUID = uuid7(at)
    return Message(
        id=identifier,
        topic=topic,
        scope=decision.line.automation,
        subject=decision.request.id,
        payload=payload,
        correlation_id=decision.request.correlation_id,
        traceparent=decision.request.traceparent,
        created_at=at,
        due_at=at,
    )
