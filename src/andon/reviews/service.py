"""Operations on reviews: open them, list them, claim, release, give a verdict; each in the caller's transaction."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from time import perf_counter
from typing import Any
from uuid import UUID

from andon import audit, decisions
from andon.decisions import DELIVER_ACTION, OPEN_REVIEW, DecisionRecord, DecisionRow
from andon.kernel import outbox, tracing
from andon.kernel.db import Tx
from andon.kernel.errors import Fault
from andon.kernel.events import Events
from andon.kernel.identity import Actor
from andon.kernel.ids import uuid7
from andon.reviews import store
from andon.reviews.domain import (
    AuditCounts,
    Backlog,
    ReviewFilter,
    ReviewPace,
    ReviewState,
    ReviewTask,
    Verdict,
    case_line,
)
from andon.reviews.errors import ReviewNotFound, VerdictInvalid
from andon.reviews.published import BlindAuditDecided, QuestionAnswered, VerdictGiven
from andon.reviews.vouched import VERDICTS, WITHDRAWALS

OPENED_AT_ONCE = 500


def open_due(tx: Tx, *, now: datetime, limit: int = OPENED_AT_ONCE) -> int:
    """Open the reviews that decisions asked for, exactly one per decision; return how many messages were taken.

    One statement takes the messages, opens the reviews and settles the messages: all or nothing, at little cost.
    """
    began = perf_counter()
    taken = store.open_asked(tx, OPEN_REVIEW, now=now, limit=limit)
    for asked in taken:
        if asked.wrong is None:
            about = {"andon.automation": asked.automation, "andon.queue": asked.queue}
            tracing.tell("review.open", perf_counter() - began, parent=asked.traceparent, attributes=about)
    return len(taken)


def ask(
    tx: Tx,
    *,
    key: UUID,
    procedure_id: UUID | None,
    decision_id: UUID,
    automation: str,
    queue: str,
    question: str,
    choices: Sequence[str],
    due: timedelta,
    correlation_id: str,
    traceparent: str | None,
    now: datetime,
    action_id: UUID | None = None,
    blind: bool = False,
) -> None:
    """Open a review for a question of a procedure, about a call or an action, or of a rollout: exactly one per key.

    Whoever answers a `blind` one sees what the line saw, and neither its prediction nor its decision.
    """
    review = ReviewTask(
        id=uuid7(now),
        decision_id=decision_id,
        automation=automation,
        queue=queue,
        rule="",
        reasons=(),
        outcomes=tuple(choices),
        actions={},
        correlation_id=correlation_id,
        traceparent=traceparent,
        opened_at=now,
        due_at=now + due,
        asked_by=key,
        procedure_id=procedure_id,
        question=question,
        action_id=action_id,
        blind=blind,
    )
    store.add(tx, [review])


def withdraw(tx: Tx, keys: Sequence[UUID], *, actor: Actor, reason: str, now: datetime) -> int:
    """Withdraw the questions with these keys, which were settled elsewhere. Return how many of them waited."""
    return _withdraw(tx, store.waiting_for_update(tx, keys=keys), actor, reason, now)


def answers_of(tx: Tx, keys: Sequence[UUID]) -> Mapping[UUID, Verdict]:
    """Return the answers to questions, by the keys under which they were asked; those that wait are left out."""
    return store.answers_of(tx, keys)


def withdraw_about(tx: Tx, action_ids: Sequence[UUID], *, actor: Actor, reason: str, now: datetime) -> int:
    """Withdraw the questions about actions that were settled elsewhere. Return how many there were."""
    return _withdraw(tx, store.waiting_for_update(tx, action_ids=action_ids), actor, reason, now)


def _withdraw(tx: Tx, found: Sequence[ReviewTask], actor: Actor, reason: str, now: datetime) -> int:
    for held in found:
        store.save(tx, held.withdrawn(reason, actor, now))
        audit.record(
            tx,
            actor=actor,
            action="review.withdraw",
            subject=f"review:{held.id}",
            at=now,
            reason=reason,
            before={"state": held.state(now).value},
            after={"state": ReviewState.WITHDRAWN.value, "decision": str(held.decision_id)},
            rows=[WITHDRAWALS.row(held.id)],
        )
    return len(found)


def find_question(tx: Tx, key: UUID) -> ReviewTask | None:
    """Return the review of a question, by the key under which it was asked, or None."""
    return store.find_question(tx, key)


def get(tx: Tx, review_id: UUID) -> ReviewTask:
    """Return one review. Raises ReviewNotFound."""
    found = store.find(tx, review_id)
    if found is None:
        raise ReviewNotFound(f"No review {review_id}")
    return found


def of_decision(tx: Tx, decision_id: UUID) -> ReviewTask | None:
    """Return the review of one decision, or None; questions of its procedures do not count."""
    return store.find_of_decision(tx, decision_id)


def blind_held(tx: Tx, decision_id: UUID, holder: str, *, now: datetime) -> ReviewTask | None:
    """Return the blind review of a decision that somebody holds, and so must not see the decision; None if none."""
    return store.find_blind_held(tx, decision_id, holder, now)


def decision_of(tx: Tx, review: ReviewTask) -> Mapping[str, Any]:
    """Return the decision that a review is about, as it is sent outside. Raises DecisionNotFound.

    For a question of a procedure that follows a person's verdict, the decision has that outcome. While a blind review
    is undecided, only what the line saw is shown. For an action that follows no decision, nothing is shown.
    """
    if review.action_id == review.decision_id:
        return {}
    record = decisions.get(tx, review.decision_id)
    if review.hidden:
        return {"id": str(review.decision_id), "automation": review.automation} | _seen(record)
    asked_before = None if review.question is None else store.find_of_decision(tx, review.decision_id)
    verdict = None if asked_before is None or asked_before.blind else asked_before.verdict
    return decisions.content_of(record, None if verdict is None else verdict.outcome)


def cases_of(tx: Tx, found: Sequence[ReviewTask]) -> Mapping[UUID, str]:
    """Return a line on each review's case by the review's id: the first fields of its input."""
    records = decisions.records_of(tx, [review.decision_id for review in found])
    return {
        review.id: case_line(records[review.decision_id].record["input"])
        for review in found
        if review.decision_id in records
    }


def page(
    tx: Tx, wanted: ReviewFilter, *, now: datetime, limit: int = 50, after: tuple[datetime, UUID] | None = None
) -> list[ReviewTask]:
    """Return waiting reviews, earliest due first; for the state `decided` or `withdrawn`, those reviews, newest first.

    `after` is `place_of` the last review of the previous page.
    """
    return store.page(tx, wanted, now=now, limit=limit, after=after)


def place_of(review: ReviewTask) -> tuple[datetime, UUID]:
    """Return the place of a review in its list, after which the next page begins."""
    ended = review.verdict or review.withdrawal
    return (review.due_at if ended is None else ended.at, review.id)


def count(tx: Tx, wanted: ReviewFilter, *, now: datetime) -> int:
    """Return how many reviews there are of a kind."""
    return store.count(tx, wanted, now=now)


def backlogs(tx: Tx, *, automations: Sequence[str] | None, now: datetime) -> dict[str, Backlog]:
    """Count the reviews that wait for a verdict, by automation, without empty ones; None stands for all automations."""
    return store.backlogs(tx, automations, now=now)


def audit_counts(tx: Tx, automation: str | None = None) -> dict[str, AuditCounts]:
    """Count blind verdicts that agreed and disagreed with the line, by automation; None stands for all."""
    return store.audit_counts(tx, automation)


def pace(tx: Tx, automation: str, *, newest: int = 1000) -> ReviewPace:
    """Return the time that people take from claim to verdict, from the newest reviews of an automation."""
    return store.pace(tx, automation, newest)


def claim(tx: Tx, review_id: UUID, *, actor: Actor, now: datetime) -> ReviewTask:
    """Claim a review, or keep it for longer.

    Raises ReviewNotFound, ReviewDecided, ReviewWithdrawn, ReviewHeld (with the holder).
    """
    before = store.get_for_update(tx, review_id)
    review = before.claimed(actor, now)
    store.save(tx, review)
    if before.holder(now) is None:
        _record(tx, "review.claim", review, actor, now)
    return review


def release(tx: Tx, review_id: UUID, *, actor: Actor, now: datetime) -> ReviewTask:
    """Give a review back. Raises ReviewNotFound, ReviewDecided, ReviewWithdrawn, ReviewHeld, ReviewNotClaimed."""
    review = store.get_for_update(tx, review_id).released(actor, now)
    store.save(tx, review)
    _record(tx, "review.release", review, actor, now)
    return review


def give_verdict(
    tx: Tx,
    review_id: UUID,
    *,
    outcome: str,
    reason: str,
    actor: Actor,
    events: Events,
    now: datetime,
    label: str | None = None,
) -> ReviewTask:
    """Decide a review that `actor` holds. Verdict, label, audit entry and the outcome's action are one transaction.

    `label` is the true class, where the outcome does not determine it; the subscriber checks it. The outcome of a blind
    review is itself a class; that of a question answers only who asked. Raises ReviewNotFound, ReviewDecided,
    ReviewWithdrawn, ReviewHeld, ReviewNotClaimed, VerdictInvalid.
    """
    held = store.get_for_update(tx, review_id)
    verdict = held.judge(outcome, reason, actor, now)
    if label is not None and (held.blind or held.asked_by is not None):
        asked = "The outcome of a blind review is the class" if held.blind else "An answer to a question has no class"
        raise VerdictInvalid(asked, faults=[Fault("label", asked)])
    audited = decisions.get(tx, held.decision_id).row if held.blind else None
    review = held.decided(verdict, None if audited is None else audited.label)
    store.save(tx, review)
    action = review.actions.get(outcome)
    if action is not None:
        outbox.add(tx, [_delivery(review, action, outcome, now)])
    audit.record(
        tx,
        actor=actor,
        action="review.verdict",
        subject=f"review:{review.id}",
        at=now,
        reason=verdict.reason,
        before={"state": ReviewState.CLAIMED.value},
        after={"state": ReviewState.DECIDED.value, "outcome": outcome, "decision": str(review.decision_id)},
        rows=[VERDICTS.row(review.id)],
    )
    if audited is not None and review.asked_by is None:
        events.publish(tx, _audited(review, verdict, audited))
    else:
        events.publish(tx, _published(review, verdict, label))
    return review


def _published(review: ReviewTask, verdict: Verdict, label: str | None) -> VerdictGiven | QuestionAnswered:
    of, said = (review.decision_id, review.automation), (verdict.outcome, verdict.by, verdict.reason)
    if review.asked_by is None:
        return VerdictGiven(review.id, *of, *said, label, at=verdict.at)
    about = review.asked_by, review.procedure_id
    return QuestionAnswered(review.id, *about, *of, *said, review.action_id, at=verdict.at)


def _seen(record: DecisionRecord) -> dict[str, Any]:
    """Return what the line saw, without its prediction or decision."""
    return {part: record.record[part] for part in ("input", "features")}


def _audited(review: ReviewTask, verdict: Verdict, row: DecisionRow) -> BlindAuditDecided:
    return BlindAuditDecided(
        review.id,
        review.decision_id,
        review.automation,
        verdict.outcome,
        str(row.label),
        verdict.outcome == row.label,
        row.audit_probability,
        verdict.by,
        verdict.reason,
        at=verdict.at,
    )


def _delivery(review: ReviewTask, action: Mapping[str, Any], outcome: str, now: datetime) -> outbox.Message:
    return outbox.Message(
        id=uuid7(now),
        topic=DELIVER_ACTION,
        scope=review.automation,
        subject=review.decision_id,
        payload={**action, "outcome": outcome, "verdict": outcome},
        correlation_id=review.correlation_id,
        traceparent=review.traceparent,
        created_at=now,
        due_at=now,
    )


def _record(tx: Tx, action: str, review: ReviewTask, actor: Actor, now: datetime) -> None:
    audit.record(tx, actor=actor, action=action, subject=f"review:{review.id}", at=now)
