"""Reviews: the queue, and one review on which a person claims, decides with a reason, or gives back."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form
from starlette.responses import Response

from andon import decisions, labels, reviews
from andon.access import Permission
from andon.console import notices
from andon.console.attachments import attachments_of
from andon.console.context import Console, Visitor
from andon.console.dependencies import Acting, Db, Here, Signed
from andon.console.errors import status_of
from andon.console.paging import PAGE, link
from andon.kernel.db import Tx
from andon.kernel.errors import AndonError, Conflict, Invalid
from andon.reviews import ReviewFilter, ReviewState, ReviewTask

router = APIRouter(prefix="/reviews")


class PlaceInvalid(Invalid):
    """The address does not name a place in this list."""


@router.get("")
def show_list(
    here: Here, visitor: Signed, tx: Db, show: str = "waiting", automation: str = "", after: str = "", done: str = ""
) -> Response:
    """Show the queue, earliest due first; or what was decided, newest first."""
    scopes = visitor.scopes(Permission.READ_REVIEWS)
    now = here.clock.now()
    seen = ReviewFilter(automations=None if scopes is None else tuple(scopes))
    tabs = {
        "waiting": seen,
        "overdue": replace(seen, overdue=True),
        "mine": replace(seen, mine=visitor.principal.name),
        "decided": replace(seen, state=ReviewState.DECIDED),
        "audited": replace(seen, state=ReviewState.DECIDED, blind=True),
        "withdrawn": replace(seen, state=ReviewState.WITHDRAWN),
    }
    wanted = tabs.get(show, seen)
    if automation:
        wanted = replace(wanted, automations=(automation,) if scopes is None or automation in scopes else ())
    found = reviews.page(tx, wanted, now=now, limit=PAGE, after=_place(after) if after else None)
    kept = {"show": show} | ({"automation": automation} if automation else {})
    return here.pages.html(
        "reviews.html",
        visitor=visitor,
        section="/reviews",
        notice=notices.text(done),
        now=now,
        show=show,
        automation=automation,
        counts={
            name: reviews.count(tx, kind, now=now)
            for name, kind in tabs.items()
            if name in ("waiting", "overdue", "mine")
        },
        reviews=found,
        cases=reviews.cases_of(tx, found),
        scores=decisions.scores_of(tx, [review.decision_id for review in found if not review.hidden]),
        may_work=lambda review: visitor.may(Permission.WORK_REVIEWS, review.automation),
        more=link("/reviews", kept | {"after": _cursor(found[-1])}) if len(found) == PAGE else None,
        first=link("/reviews", kept) if after else None,
    )


@router.get("/{review_id}")
def show(here: Here, visitor: Signed, tx: Db, review_id: UUID, done: str = "") -> Response:
    """One review. Out of the visitor's scope it does not exist."""
    return _page(here, visitor, tx, _seen(visitor, tx, review_id), notice=notices.text(done))


@router.post("/{review_id}/claim")
def claim(here: Here, visitor: Acting, review_id: UUID) -> Response:
    """Take the review."""

    def act(tx: Tx, now: datetime) -> None:
        reviews.claim(tx, review_id, actor=visitor.principal.actor, now=now)

    return _work(here, visitor, review_id, act) or notices.back_to(f"/reviews/{review_id}", "claimed")


@router.post("/{review_id}/release")
def release(here: Here, visitor: Acting, review_id: UUID) -> Response:
    """Give the review back to the queue."""

    def act(tx: Tx, now: datetime) -> None:
        reviews.release(tx, review_id, actor=visitor.principal.actor, now=now)

    return _work(here, visitor, review_id, act) or notices.back_to("/reviews", "released")


@router.post("/{review_id}/verdict")
def give_verdict(
    here: Here,
    visitor: Acting,
    review_id: UUID,
    outcome: Annotated[str, Form()] = "",
    reason: Annotated[str, Form()] = "",
    label: Annotated[str, Form()] = "",
) -> Response:
    """Decide, and return to the queue; after a blind audit, show the line's decision."""
    decided: list[ReviewTask] = []

    def act(tx: Tx, now: datetime) -> None:
        review = reviews.give_verdict(
            tx,
            review_id,
            outcome=outcome,
            reason=reason,
            label=label or None,
            actor=visitor.principal.actor,
            events=here.events,
            now=now,
        )
        decided.append(review)

    refused = _work(here, visitor, review_id, act, outcome=outcome, reason=reason, label=label)
    if refused is not None:
        return refused
    if decided[0].blind:
        return notices.back_to(f"/reviews/{review_id}", "audited")
    return notices.back_to("/reviews", "verdict")


def _work(
    here: Console, visitor: Visitor, review_id: UUID, act: Callable[[Tx, datetime], None], **typed: str
) -> Response | None:
    """Do something to a review; None if it went well, otherwise its page with what was wrong and what was typed."""
    with here.database.begin() as tx:
        review = _seen(visitor, tx, review_id)
    visitor.principal.require(Permission.WORK_REVIEWS, review.automation)
    try:
        with here.database.begin() as tx:
            act(tx, here.clock.now())
    except (Invalid, Conflict) as error:
        with here.database.begin() as tx:
            return _page(here, visitor, tx, _seen(visitor, tx, review_id), problem=error, **typed)
    return None


def _seen(visitor: Visitor, tx: Tx, review_id: UUID) -> ReviewTask:
    visitor.scopes(Permission.READ_REVIEWS)
    review = reviews.get(tx, review_id)
    if not visitor.may(Permission.READ_REVIEWS, review.automation):
        raise reviews.ReviewNotFound(f"No review {review_id}")
    return review


def _page(here: Console, visitor: Visitor, tx: Tx, review: ReviewTask, **said: Any) -> Response:
    now = here.clock.now()
    may_work = visitor.may(Permission.WORK_REVIEWS, review.automation)
    holder = review.holder(now)
    problem: AndonError | None = said.get("problem")
    found = None if review.action_id == review.decision_id else decisions.get(tx, review.decision_id)
    truth = decisions.truth_of(tx, review.automation)
    undetermined = [one for one in review.choices if truth is None or truth.outcomes.get(one) is None]
    asks_class = undetermined and not review.question and not review.blind
    return here.pages.html(
        "review.html",
        status=status_of(problem) if problem else 200,
        visitor=visitor,
        section="/reviews",
        now=now,
        review=review,
        state=review.state(now),
        holder=holder,
        is_mine=may_work and holder == visitor.principal.name,
        may_claim=may_work and review.waits and holder is None,
        choices=review.choices,
        classes=labels.classes_of(tx, found.row) if found is not None and asks_class else (),
        undetermined=undetermined,
        record=None if found is None else found.record,
        attachments=None if found is None else attachments_of(here, visitor, tx, found.row),
        **({"outcome": "", "reason": "", "label": ""} | said),
    )


def _cursor(review: ReviewTask) -> str:
    at, review_id = reviews.place_of(review)
    return f"{at.isoformat()}~{review_id}"


def _place(cursor: str) -> tuple[datetime, UUID]:
    at, _, review_id = cursor.partition("~")
    try:
        return datetime.fromisoformat(at), UUID(review_id)
    except ValueError:
        raise PlaceInvalid from None
