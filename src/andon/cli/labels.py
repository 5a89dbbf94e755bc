"""`andon labels`: the true class of a decision, as reported by people and other systems."""

import json
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import typer
from rich.console import Console

from andon import decisions, labels
from andon.cli.context import project
from andon.cli.label_import import import_labels
from andon.cli.printing import Plain
from andon.kernel.moments import in_utc
from andon.labels import DecisionLabels, Label, LabelInvalid, LabelSource, ValidLabel

app = typer.Typer(help="Record and show the true class of a decision.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
DecisionId = Annotated[UUID, typer.Argument(help="The decision.")]
Class = Annotated[str, typer.Argument(help="The true class.")]
KnownAt = Annotated[
    str | None, typer.Option(help="The time at which it became known, ISO 8601; UTC if it has no zone; default: now.")
]


@app.command("list")
def list_labels(decision_id: DecisionId, as_json: AsJson = False) -> None:
    """Show all labels of a decision, oldest first, and the one that currently counts."""
    with project() as here, here.database.begin() as tx:
        known = labels.known_of(tx, decisions.get(tx, decision_id).row, here.clock.now())
    if as_json:
        typer.echo(json.dumps(_summary(known), indent=2))
        return
    table = Plain("label", "class", "source", "known", "by", by_id=True)
    for label in known.labels:
        table.add_row(str(label.id), _said(label), label.source.value, _time(label.known_at), label.by)
    if known.labels:
        Console().print(table)
    typer.echo(_valid(known))


@app.command()
def add(
    decision_id: DecisionId,
    value: Class,
    source: Annotated[
        LabelSource, typer.Option(help="The source; the label of a review is recorded with its verdict.")
    ] = (LabelSource.EVENT),
    probability: Annotated[float, typer.Option(help="The probability with which somebody checked the decision.")] = 1.0,
    known_at: KnownAt = None,
) -> None:
    """Record the true class of a decision. A later label from the same source corrects the earlier one."""
    if source is LabelSource.REVIEW:
        raise LabelInvalid("The label of a review is recorded with its verdict: `andon reviews verdict`")
    with project() as here, here.database.begin() as tx:
        label = labels.record(
            tx,
            decision_id=decision_id,
            value=value,
            source=source,
            probability=probability,
            known_at=_moment(known_at),
            actor=here.actor,
            events=here.events,
            now=here.clock.now(),
        )
    typer.echo(f"{label.id}: {decision_id} was {label.value}")


@app.command()
def correct(
    decision_id: DecisionId,
    label_id: Annotated[UUID, typer.Argument(help="The label that is wrong.")],
    value: Class,
    reason: Annotated[str, typer.Option(help="The reason it is wrong, kept in the audit log.")],
    known_at: KnownAt = None,
) -> None:
    """Replace the class of a label. The old label stays in the history."""
    with project() as here, here.database.begin() as tx:
        label = labels.correct(
            tx,
            label_id,
            decision_id=decision_id,
            value=value,
            reason=reason,
            known_at=_moment(known_at),
            actor=here.actor,
            events=here.events,
            now=here.clock.now(),
        )
    typer.echo(f"{label.id}: {decision_id} was {label.value}")


app.command("import")(import_labels)


def _said(label: Label) -> str:
    shown = label.value or f"none: it is unknown which class {label.said!r} stands for"
    return shown if label.reason is None else f"{shown} (corrects {label.corrects}: {label.reason})"


def _valid(known: DecisionLabels) -> str:
    valid = known.valid
    if valid is None:
        return f"Nothing counts as true yet; mature at {_time(known.matures_at)}."
    source = "nothing else was reported" if valid.source is None else f"by {valid.source.value}"
    state = "mature" if valid.mature else f"not mature until {_time(known.matures_at)}"
    against = f"; contradicted by {', '.join(map(str, valid.contradicted_by))}" if valid.contradicted_by else ""
    return f"Counts as true: {valid.value} ({source}, {state}{against})"


def _summary(known: DecisionLabels) -> dict[str, Any]:
    return {
        "labels": [_shown(label) for label in known.labels],
        "valid": None if known.valid is None else _shown_valid(known.valid),
        "matures_at": known.matures_at.isoformat(),
    }


def _shown(label: Label) -> dict[str, Any]:
    return {
        "id": str(label.id),
        "value": label.value,
        "said": label.said,
        "source": label.source.value,
        "probability": label.probability,
        "by": label.by,
        "known_at": label.known_at.isoformat(),
        "recorded_at": label.recorded_at.isoformat(),
        "corrects": None if label.corrects is None else str(label.corrects),
        "reason": label.reason,
    }


def _shown_valid(valid: ValidLabel) -> dict[str, Any]:
    return {
        "value": valid.value,
        "source": None if valid.source is None else valid.source.value,
        "probability": valid.probability,
        "mature": valid.mature,
        "label_id": None if valid.label_id is None else str(valid.label_id),
        "contradicted_by": [str(one) for one in valid.contradicted_by],
    }


def _moment(text: str | None) -> datetime | None:
    """Read a moment. Raises LabelInvalid."""
    if text is None:
        return None
    try:
        return in_utc(datetime.fromisoformat(text))
    except ValueError:
        raise LabelInvalid(f"{text!r} is not a moment; write 2026-11-24 or 2026-11-24T12:00:00Z") from None


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
