"""All SQL about reviews. Takes and returns domain objects; never commits."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Row, and_, func, or_, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from andon.kernel import taking
from andon.kernel.db import Tx
from andon.kernel.ids import uuid7_sql
from andon.reviews.domain import (
    AuditCounts,
    Backlog,
    Claim,
    ReviewFilter,
    ReviewPace,
    ReviewState,
    ReviewTask,
    Verdict,
    Withdrawal,
)
from andon.reviews.errors import ReviewNotFound
from andon.reviews.tables import reviews

_ASKED = {
    "queue": "string",
    "due_seconds": "number",
    "rule": "string",
    "reasons": "strings",
    "outcomes": "strings",
    "actions": "objects",
    "blind": "flag",
}
"""The fields of a message that asks for a review, by type in JSON."""

_OPEN = text(f"""{taking.taken_sql(_ASKED)}, opened AS (
    INSERT INTO reviews (id, decision_id, automation, queue, state, rule, reasons, outcomes, actions, correlation_id,
        traceparent, opened_at, due_at, blind)
    SELECT {uuid7_sql("CAST(:now AS timestamptz)")}, subject, scope, queue #>> '{{}}', '{ReviewState.OPEN}',
        rule #>> '{{}}',
        ARRAY(SELECT json_array_elements_text(reasons)), ARRAY(SELECT json_array_elements_text(outcomes)), actions,
        correlation_id, traceparent, :now, created_at + due_seconds::text::float8 * interval '1 second',
        coalesce(blind::text = 'true', false)
    FROM taken WHERE wrong IS NULL ORDER BY id
    ON CONFLICT DO NOTHING
)
SELECT scope AS automation, queue #>> '{{}}' AS queue, traceparent, wrong FROM taken
""")


_WAITS: ColumnElement[bool] = reviews.c.state.in_([ReviewState.OPEN, ReviewState.CLAIMED])
_ENDED = (ReviewState.DECIDED, ReviewState.WITHDRAWN)


class ReviewMessage(NamedTuple):
    """The result of a message that asked for a review; `wrong` says why it cannot be read, or is None."""

    automation: str
    queue: str
    traceparent: str | None
    wrong: str | None


def open_asked(tx: Tx, topic: str, *, now: datetime, limit: int) -> list[ReviewMessage]:
    """Open a review for each message of the topic; a decision that has one keeps it."""
    rows = tx.execute(_OPEN, {"topic": topic, "now": now, "limit": limit})
    return [ReviewMessage(*row) for row in rows]


def add(tx: Tx, opened: Sequence[ReviewTask]) -> int:
    """Write new reviews; a decision or question that has one keeps it. Return how many were new."""
    if not opened:
        return 0
    statement = insert(reviews).on_conflict_do_nothing().returning(reviews.c.id)
    return len(tx.execute(statement, [_new(review) for review in opened]).all())


def find(tx: Tx, review_id: UUID) -> ReviewTask | None:
    """Return one review, or None."""
    row = tx.execute(select(reviews).where(reviews.c.id == review_id)).one_or_none()
    return None if row is None else _review(row)


def find_of_decision(tx: Tx, decision_id: UUID) -> ReviewTask | None:
    """Return the review of one decision, or None."""
    of_decision = (reviews.c.decision_id == decision_id, reviews.c.asked_by.is_(None))
    row = tx.execute(select(reviews).where(*of_decision)).one_or_none()
    return None if row is None else _review(row)


def find_blind_held(tx: Tx, decision_id: UUID, holder: str, now: datetime) -> ReviewTask | None:
    """Return the blind review of a decision that a person holds, or None."""
    held = (reviews.c.state == ReviewState.CLAIMED, reviews.c.claimed_by == holder, reviews.c.claimed_until > now)
    query = select(reviews).where(reviews.c.decision_id == decision_id, reviews.c.blind, *held)
    row = tx.execute(query.order_by(reviews.c.id).limit(1)).one_or_none()
    return None if row is None else _review(row)


def find_question(tx: Tx, key: UUID) -> ReviewTask | None:
    """Return the review of a procedure's question, or None."""
    row = tx.execute(select(reviews).where(reviews.c.asked_by == key)).one_or_none()
    return None if row is None else _review(row)


def answers_of(tx: Tx, keys: Sequence[UUID]) -> dict[UUID, Verdict]:
    """Return the answers to questions, by their keys."""
    query = select(reviews).where(reviews.c.asked_by.in_(keys), reviews.c.state == ReviewState.DECIDED)
    found = [_review(row) for row in tx.execute(query)]
    return {one.asked_by: one.verdict for one in found if one.asked_by is not None and one.verdict is not None}


def waiting_for_update(
    tx: Tx, *, keys: Sequence[UUID] | None = None, action_ids: Sequence[UUID] | None = None
) -> list[ReviewTask]:
    """Return and lock the waiting questions with these keys, or about these actions, in the order of their ids."""
    query = select(reviews).where(_WAITS)
    if keys is not None:
        query = query.where(reviews.c.asked_by.in_(keys))
    if action_ids is not None:
        query = query.where(reviews.c.action_id.in_(action_ids))
    return [_review(row) for row in tx.execute(query.order_by(reviews.c.id).with_for_update())]


def get_for_update(tx: Tx, review_id: UUID) -> ReviewTask:
    """Load and lock one review until the transaction ends. Raises ReviewNotFound."""
    row = tx.execute(select(reviews).where(reviews.c.id == review_id).with_for_update()).one_or_none()
    if row is None:
        raise ReviewNotFound(f"No review {review_id}")
    return _review(row)


def save(tx: Tx, review: ReviewTask) -> None:
    """Write the claim and the verdict, or the withdrawal, of a review over its row."""
    claim, verdict = review.claim, review.verdict
    ended = verdict or review.withdrawal
    begun = {"claimed_at": claim and claim.at} if ended is None else {}  # an ended one keeps the time of its claim
    tx.execute(
        update(reviews)
        .where(reviews.c.id == review.id)
        .values(
            state=_stored_state(review),
            claimed_by=claim and claim.by,
            **begun,
            claimed_until=claim and claim.until,
            outcome=verdict and verdict.outcome,
            reason=ended and ended.reason,
            decided_by=ended and ended.by,
            decided_at=ended and ended.at,
            predicted=review.predicted,
        )
    )


def page(
    tx: Tx, wanted: ReviewFilter, *, now: datetime, limit: int, after: tuple[datetime, UUID] | None
) -> list[ReviewTask]:
    """Return waiting reviews by due time, or ended ones newest first, after the place `after`."""
    query = select(reviews).where(*_conditions(wanted, now)).limit(limit)
    if wanted.state in _ENDED:
        place = tuple_(reviews.c.decided_at, reviews.c.id)
        query = query.order_by(reviews.c.decided_at.desc(), reviews.c.id.desc())
        query = query if after is None else query.where(place < after)
    else:
        query = query.order_by(reviews.c.due_at, reviews.c.id)
        query = query if after is None else query.where(tuple_(reviews.c.due_at, reviews.c.id) > after)
    return [_review(row) for row in tx.execute(query)]


def count(tx: Tx, wanted: ReviewFilter, *, now: datetime) -> int:
    """Return how many reviews there are of a kind."""
    return tx.execute(select(func.count()).select_from(reviews).where(*_conditions(wanted, now))).scalar_one()


def backlogs(tx: Tx, automations: Sequence[str] | None, *, now: datetime) -> dict[str, Backlog]:
    """Count the waiting reviews, and the overdue ones, by automation."""
    overdue = func.count().filter(reviews.c.due_at < now).label("overdue")
    query = select(reviews.c.automation, func.count().label("waiting"), overdue)
    query = query.where(*_conditions(ReviewFilter(None if automations is None else tuple(automations)), now))
    rows = tx.execute(query.group_by(reviews.c.automation))
    return {row.automation: Backlog(row.waiting, row.overdue) for row in rows}


def audit_counts(tx: Tx, automation: str | None) -> dict[str, AuditCounts]:
    """Count the decided blind reviews, by automation."""
    agreed = func.count().filter(reviews.c.predicted == reviews.c.outcome).label("agreed")
    query = select(reviews.c.automation, func.count().label("decided"), agreed)
    query = query.where(reviews.c.blind, reviews.c.asked_by.is_(None), reviews.c.state == ReviewState.DECIDED)
    if automation is not None:
        query = query.where(reviews.c.automation == automation)
    rows = tx.execute(query.group_by(reviews.c.automation))
    return {row.automation: AuditCounts(row.agreed, row.decided - row.agreed) for row in rows}


def pace(tx: Tx, automation: str, newest: int) -> ReviewPace:
    """Average the time from claim to verdict of the newest reviews of an automation's own questions."""
    own = (
        reviews.c.automation == automation,
        reviews.c.state == ReviewState.DECIDED,
        reviews.c.claimed_at.is_not(None),
    )
    plain = (~reviews.c.blind, reviews.c.asked_by.is_(None))
    taken = (reviews.c.decided_at - reviews.c.claimed_at).label("taken")
    some = select(taken).where(*own, *plain).order_by(reviews.c.decided_at.desc()).limit(newest).subquery()
    minutes = func.coalesce(func.avg(func.extract("epoch", some.c.taken)) / 60, 0.0)
    count, average = tx.execute(select(func.count(), minutes).select_from(some)).one()
    return ReviewPace(count, float(average))


def _conditions(wanted: ReviewFilter, now: datetime) -> list[ColumnElement[bool]]:
    held = and_(reviews.c.state == ReviewState.CLAIMED, reviews.c.claimed_until > now)
    match wanted.state:
        case None:
            conditions = [_WAITS]
        case ReviewState.OPEN:
            conditions = [_WAITS, or_(reviews.c.state == ReviewState.OPEN, reviews.c.claimed_until <= now)]
        case ReviewState.CLAIMED:
            conditions = [_WAITS, held]
        case ReviewState.DECIDED | ReviewState.WITHDRAWN:
            conditions = [reviews.c.state == wanted.state]
    if wanted.automations is not None:
        conditions.append(reviews.c.automation.in_(wanted.automations))
    if wanted.queue is not None:
        conditions.append(reviews.c.queue == wanted.queue)
    if wanted.overdue:
        conditions.append(and_(_WAITS, reviews.c.due_at < now))
    if wanted.blind is not None:
        conditions.append(reviews.c.blind.is_(wanted.blind))
    if wanted.mine is not None:
        ended = wanted.state in _ENDED
        conditions.append(
            reviews.c.decided_by == wanted.mine if ended else and_(held, reviews.c.claimed_by == wanted.mine)
        )
    return conditions


def _stored_state(review: ReviewTask) -> ReviewState:
    """Return the state of a row; an expired claim still counts as a claim there."""
    if review.verdict is not None:
        return ReviewState.DECIDED
    if review.withdrawal is not None:
        return ReviewState.WITHDRAWN
    return ReviewState.OPEN if review.claim is None else ReviewState.CLAIMED


def _new(review: ReviewTask) -> dict[str, Any]:
    return {
        "id": review.id,
        "decision_id": review.decision_id,
        "automation": review.automation,
        "queue": review.queue,
        "state": ReviewState.OPEN,
        "rule": review.rule,
        "reasons": list(review.reasons),
        "outcomes": list(review.outcomes),
        "actions": dict(review.actions),
        "correlation_id": review.correlation_id,
        "traceparent": review.traceparent,
        "opened_at": review.opened_at,
        "due_at": review.due_at,
        "asked_by": review.asked_by,
        "procedure_id": review.procedure_id,
        "question": review.question,
        "blind": review.blind,
        "action_id": review.action_id,
    }


def _review(row: Row[Any]) -> ReviewTask:
    claimed, decided = row.claimed_by is not None, row.state == ReviewState.DECIDED
    withdrawn = row.state == ReviewState.WITHDRAWN
    return ReviewTask(
        id=row.id,
        decision_id=row.decision_id,
        automation=row.automation,
        queue=row.queue,
        rule=row.rule,
        reasons=tuple(row.reasons),
        outcomes=tuple(row.outcomes),
        actions=row.actions,
        correlation_id=row.correlation_id,
        traceparent=row.traceparent,
        opened_at=row.opened_at,
        due_at=row.due_at,
        claim=Claim(row.claimed_by, row.claimed_at, row.claimed_until) if claimed else None,
        verdict=Verdict(row.outcome, row.reason, row.decided_by, row.decided_at) if decided else None,
        asked_by=row.asked_by,
        procedure_id=row.procedure_id,
        question=row.question,
        blind=row.blind,
        predicted=row.predicted,
        action_id=row.action_id,
        withdrawal=Withdrawal(row.reason, row.decided_by, row.decided_at) if withdrawn else None,
    )
