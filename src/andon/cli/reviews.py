"""`andon reviews`: the review queue, worked from a terminal."""

import json
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import typer
from rich.console import Console

from andon import reviews
from andon.cli.context import project
from andon.cli.printing import Facts, Plain
from andon.reviews import ReviewFilter, ReviewState, ReviewTask

app = typer.Typer(help="Work the review queue.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
ReviewId = Annotated[UUID, typer.Argument(help="The review.")]


@app.command("list")
def list_reviews(
    queue: Annotated[str | None, typer.Option(help="Limit to this queue.")] = None,
    state: Annotated[
        ReviewState | None, typer.Option(help="Limit to this state; default: all waiting reviews.")
    ] = None,
    overdue: Annotated[bool, typer.Option("--overdue", help="Only overdue reviews.")] = False,
    mine: Annotated[bool, typer.Option("--mine", help="Only reviews that you hold or have decided.")] = False,
    blind: Annotated[
        bool, typer.Option("--blind", help="Only blind audits; also print how many agreed with the line.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most this many.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List reviews, earliest due first."""
    with project() as here, here.database.begin() as tx:
        now = here.clock.now()
        holder = here.actor.name if mine else None
        wanted = ReviewFilter(queue=queue, state=state, overdue=overdue, mine=holder, blind=blind or None)
        found = reviews.page(tx, wanted, now=now, limit=limit)
        audited = reviews.audit_counts(tx) if blind else {}
        cases = reviews.cases_of(tx, found)
    if as_json:
        typer.echo(json.dumps([_summary(review, now) | {"case": cases.get(review.id)} for review in found], indent=2))
        return
    for automation, counts in sorted(audited.items()):
        typer.echo(f"{automation}: {counts.agreed} audits agreed with the line, {counts.disagreed} did not")
    if not found:
        typer.echo("No review found.")
        return
    table = Plain("review", "due", "standing", "case", "asked because", by_id=True)
    for review in found:
        due = _time(review.due_at) + (", late" if review.is_overdue(now) else "")
        table.add_row(
            str(review.id),
            due,
            _standing(review, now),
            cases.get(review.id),
            f"{', '.join(filter(None, (review.queue, review.automation)))}: {_why(review)}",
        )
    Console().print(table)


@app.command()
def show(review_id: ReviewId, as_json: AsJson = False) -> None:
    """Show a review and its decision."""
    with project() as here, here.database.begin() as tx:
        review = reviews.get(tx, review_id)
        summary = _summary(review, here.clock.now()) | {"decision": reviews.decision_of(tx, review)}
    if as_json:
        typer.echo(json.dumps(summary, indent=2))
        return
    table = Facts()
    for what, value in summary.items():
        text = value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
        table.add_row(what, "" if value is None else text)
    Console().print(table)


@app.command()
def claim(review_id: ReviewId) -> None:
    """Take a review; for a quarter of an hour, nobody else can decide it."""
    with project() as here, here.database.begin() as tx:
        reviews.claim(tx, review_id, actor=here.actor, now=here.clock.now())
    typer.echo(f"{review_id} is yours for the next {reviews.CLAIM.seconds // 60} minutes")


@app.command()
def release(review_id: ReviewId) -> None:
    """Return a review to the queue."""
    with project() as here, here.database.begin() as tx:
        reviews.release(tx, review_id, actor=here.actor, now=here.clock.now())
    typer.echo(f"{review_id} is back in the queue")


@app.command()
def verdict(
    review_id: ReviewId,
    outcome: Annotated[str, typer.Option(help="Your choice; in a blind audit, the true class.")],
    reason: Annotated[str, typer.Option(help="The reason, kept with the review and in the audit log.")],
    label: Annotated[str | None, typer.Option(help="The true class, if the outcome does not determine it.")] = None,
) -> None:
    """Decide a review that you hold; this starts whatever follows from the outcome."""
    with project() as here, here.database.begin() as tx:
        reviews.give_verdict(
            tx,
            review_id,
            outcome=outcome,
            reason=reason,
            label=label,
            actor=here.actor,
            events=here.events,
            now=here.clock.now(),
        )
    typer.echo(f"{review_id} is decided: {outcome}")


def _summary(review: ReviewTask, now: datetime) -> dict[str, Any]:
    verdict, withdrawal = review.verdict, review.withdrawal
    return {
        "id": str(review.id),
        "decision_id": str(review.decision_id),
        "automation": review.automation,
        "queue": review.queue,
        "state": review.state(now).value,
        "holder": review.holder(now),
        "rule": review.rule,
        "question": review.question,
        "action_id": None if review.action_id is None else str(review.action_id),
        "reasons": list(review.reasons),
        "outcomes": list(review.outcomes),
        "blind": review.blind,
        "predicted": review.predicted,
        "agrees": review.agrees,
        "opened_at": review.opened_at.isoformat(),
        "due_at": review.due_at.isoformat(),
        "overdue": review.is_overdue(now),
        "verdict": verdict
        and {"outcome": verdict.outcome, "reason": verdict.reason, "by": verdict.by, "at": verdict.at.isoformat()},
        "withdrawal": withdrawal
        and {"reason": withdrawal.reason, "by": withdrawal.by, "at": withdrawal.at.isoformat()},
    }


def _why(review: ReviewTask) -> str:
    """Return why a person is asked."""
    if review.blind:
        return "blind audit: which class is true?"
    return review.question or ", ".join(review.reasons) or review.rule


def _standing(review: ReviewTask, now: datetime) -> str:
    if review.verdict is not None:
        if review.agrees is False:
            return f"{review.verdict.outcome} by {review.verdict.by}; the line said {review.predicted}"
        return f"{review.verdict.outcome} by {review.verdict.by}"
    if review.withdrawal is not None:
        return f"withdrawn by {review.withdrawal.by}"
    holder = review.holder(now)
    return "open" if holder is None else f"held by {holder}"


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
