"""Routes of reviews: list the queue, claim, release, give a verdict."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from andon import reviews
from andon.access import Permission, Principal
from andon.gateway.dependencies import Bus, Caller, Db, Now
from andon.gateway.errors import RequestInvalid
from andon.gateway.reasons import Reason
from andon.kernel.db import Tx
from andon.kernel.errors import Fault
from andon.reviews import ReviewFilter, ReviewNotFound, ReviewState, ReviewTask

router = APIRouter(prefix="/v1/reviews", tags=["reviews"])

_CURSOR = "^[0-9]{8}T[0-9]{6}[.][0-9]{6}[p-][0-9]{4}_[0-9a-f-]{36}$"
"""The `next` of a page."""


class VerdictOut(BaseModel):
    """The outcome that a person chose, and why."""

    outcome: str
    reason: str
    by: str
    at: datetime


class WithdrawalOut(BaseModel):
    """Who settled the question elsewhere, and how."""

    reason: str
    by: str
    at: datetime


class ReviewOut(BaseModel):
    """A person's task on one decision."""

    id: UUID
    decision_id: UUID = Field(description="The decision; the action's own id if the action follows none.")
    automation: str
    queue: str
    state: ReviewState
    rule: str
    question: str | None = Field(
        description="What a procedure asks, or is asked about a call or an action with an unknown outcome; null if it "
        "is the decision that waits."
    )
    action_id: UUID | None = Field(description="The action whose outcome is unknown, if it is about one.")
    reasons: list[str]
    outcomes: list[str] = Field(description="The possible verdicts; for a blind review, classes.")
    blind: bool = Field(
        description="Whether it audits an automatic decision that the reviewer does not see before the verdict."
    )
    predicted: str | None = Field(
        description="The class that the line predicted; null unless it is a blind review with a verdict."
    )
    agrees: bool | None = Field(description="Whether a blind verdict agrees; null if there is none.")
    opened_at: datetime
    due_at: datetime
    overdue: bool
    claimed_by: str | None
    claimed_until: datetime | None
    verdict: VerdictOut | None
    withdrawal: WithdrawalOut | None = Field(
        description="Why a question that was settled elsewhere needs no answer; null unless it was withdrawn."
    )


class ReviewDetail(ReviewOut):
    """A review with its decision. A blind review without a verdict shows only the input of the line."""

    decision: dict[str, Any] = Field(description="Empty if the review is about an action that follows no decision.")


class ReviewsOut(BaseModel):
    """A page of reviews; `next` is the `after` of the following page."""

    reviews: list[ReviewOut]
    next: str | None


class VerdictIn(BaseModel):
    """The chosen outcome, and why. The reason is kept with the review and in the audit log."""

    model_config = ConfigDict(extra="forbid")

    outcome: str = Field(
        min_length=1,
        max_length=200,
        description="One of the review's outcomes; for a blind review, the true class.",
    )
    reason: Reason
    label: str | None = Field(
        default=None,
        max_length=200,
        description="The true class, if the outcome does not determine it.",
    )


@router.get("", operation_id="list_reviews")
def index(
    caller: Caller,
    db: Db,
    now: Now,
    queue: Annotated[str | None, Query(max_length=200)] = None,
    state: Annotated[ReviewState | None, Query(description="Default: all that wait for a verdict.")] = None,
    overdue: bool = False,
    blind: Annotated[bool | None, Query(description="True for blind audits only, false for all others.")] = None,
    mine: Annotated[bool, Query(description="Only those that the caller holds (or has decided).")] = False,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    after: Annotated[str | None, Query(max_length=100, json_schema_extra={"pattern": _CURSOR})] = None,
) -> ReviewsOut:
    """List the reviews that the caller may see: waiting by due time, `decided` and `withdrawn` newest first."""
    scopes = caller.scopes(Permission.READ_REVIEWS)
    wanted = ReviewFilter(
        automations=None if scopes is None else tuple(scopes),
        queue=queue,
        state=state,
        overdue=overdue,
        mine=caller.name if mine else None,
        blind=blind,
    )
    with db.begin() as tx:
        found = reviews.page(tx, wanted, now=now, limit=limit, after=None if after is None else _place(after))
    return ReviewsOut(
        reviews=[ReviewOut(**_shown(review, now)) for review in found],
        next=_cursor(found[-1]) if len(found) == limit else None,
    )


@router.get("/{review_id}", operation_id="get_review")
def show(review_id: UUID, caller: Caller, db: Db, now: Now) -> ReviewDetail:
    """Show one review with its decision."""
    with db.begin() as tx:
        return _detail(tx, _visible(tx, review_id, caller), now)


@router.post("/{review_id}/claim", operation_id="claim_review")
def claim(review_id: UUID, caller: Caller, db: Db, now: Now) -> ReviewDetail:
    """Claim a review for a quarter of an hour, or extend the claim by another."""
    with db.begin() as tx:
        _workable(tx, review_id, caller)
        return _detail(tx, reviews.claim(tx, review_id, actor=caller.actor, now=now), now)


@router.post("/{review_id}/release", operation_id="release_review")
def release(review_id: UUID, caller: Caller, db: Db, now: Now) -> ReviewDetail:
    """Give a review back to the queue."""
    with db.begin() as tx:
        _workable(tx, review_id, caller)
        return _detail(tx, reviews.release(tx, review_id, actor=caller.actor, now=now), now)


@router.post("/{review_id}/verdict", operation_id="give_verdict")
def give_verdict(review_id: UUID, said: VerdictIn, caller: Caller, db: Db, now: Now, bus: Bus) -> ReviewDetail:
    """Decide a review that the caller has claimed. What follows from the outcome starts in the same transaction."""
    with db.begin() as tx:
        _workable(tx, review_id, caller)
        review = reviews.give_verdict(
            tx,
            review_id,
            outcome=said.outcome,
            reason=said.reason,
            label=said.label,
            actor=caller.actor,
            events=bus,
            now=now,
        )
        return _detail(tx, review, now)


def _visible(tx: Tx, review_id: UUID, caller: Principal) -> ReviewTask:
    """Return a review that the caller may see. Raises ReviewNotFound for any other."""
    review = reviews.get(tx, review_id)
    if not caller.may(Permission.READ_REVIEWS, review.automation):
        raise ReviewNotFound(f"No review {review_id}")
    return review


def _workable(tx: Tx, review_id: UUID, caller: Principal) -> None:
    caller.require(Permission.WORK_REVIEWS, _visible(tx, review_id, caller).automation)


def _shown(review: ReviewTask, now: datetime) -> dict[str, Any]:
    claim = review.claim if review.holder(now) is not None else None
    verdict, withdrawal = review.verdict, review.withdrawal
    return {
        "id": review.id,
        "decision_id": review.decision_id,
        "automation": review.automation,
        "queue": review.queue,
        "state": review.state(now),
        "rule": review.rule,
        "question": review.question,
        "action_id": review.action_id,
        "reasons": list(review.reasons),
        "outcomes": list(review.outcomes),
        "blind": review.blind,
        "predicted": review.predicted,
        "agrees": review.agrees,
        "opened_at": review.opened_at,
        "due_at": review.due_at,
        "overdue": review.is_overdue(now),
        "claimed_by": claim and claim.by,
        "claimed_until": claim and claim.until,
        "verdict": verdict and VerdictOut(outcome=verdict.outcome, reason=verdict.reason, by=verdict.by, at=verdict.at),
        "withdrawal": withdrawal and WithdrawalOut(reason=withdrawal.reason, by=withdrawal.by, at=withdrawal.at),
    }


def _detail(tx: Tx, review: ReviewTask, now: datetime) -> ReviewDetail:
    return ReviewDetail(**_shown(review, now), decision=dict(reviews.decision_of(tx, review)))


def _cursor(review: ReviewTask) -> str:
    at, review_id = reviews.place_of(review)
    return f"{at:%Y%m%dT%H%M%S.%f}{at:%z}_{review_id}".replace("+", "p")


def _place(cursor: str) -> tuple[datetime, UUID]:
    at, _, review_id = cursor.partition("_")
    try:
        return datetime.strptime(at.replace("p", "+"), "%Y%m%dT%H%M%S.%f%z"), UUID(review_id)
    except ValueError as error:
        raise RequestInvalid(faults=[Fault("query.after", "is not the `next` of a previous page")]) from error
