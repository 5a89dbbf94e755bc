"""`andon gates`: the confidence above which the arms of an automation act by themselves."""

import json
from dataclasses import asdict
from datetime import datetime
from typing import Annotated

import typer
from rich.console import Console

from andon import decisions, gates, proofs
from andon.authoring import span_of
from andon.cli.context import project
from andon.cli.printing import Plain

app = typer.Typer(help="Show what risk gates let through and why, and require more confidence.", no_args_is_help=True)

Arm = Annotated[
    str | None, typer.Option(help="The arm; default: the champion's with the most decisions in the last 14 days.")
]
Value = Annotated[str | None, typer.Option(help="A value of the field by which the automation has gates.")]
Predicted = Annotated[str, typer.Option(help="A predicted class that has a gate of its own.")]
Name = Annotated[str, typer.Argument(metavar="AUTOMATION", help="The automation.")]

_WHAT = ("revision", "arm", "threshold", "target", "origin", "segment", "predicted", "sentence")
_WHO = ("by", "reason", "at", "expires_at")


@app.command("list")
def list_gates(automation: Name, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """List an automation's gate revisions, newest first; those of a version that was rolled back have no effect."""
    with project() as here, here.database.begin() as tx:
        decisions.newest_version(tx, automation)
        now = here.clock.now()
        found, living = gates.page(tx, automation), decisions.gates_in_force(tx, automation, now)
    rows = [
        {**{name: getattr(one, name) for name in (*_WHAT, *_WHO)}, "in_force": one.revision in living} for one in found
    ]
    if as_json:
        typer.echo(json.dumps(rows, indent=2, default=datetime.isoformat))
        return
    table = Plain("no.", "arm", "for", "confidence from", "target", "holds", "from", "why", "until")
    for one, row in zip(found, rows, strict=True):
        until = "" if one.expires_at is None else f"{one.expires_at:%Y-%m-%d %H:%M} UTC"
        threshold = "nothing" if one.threshold > 1 else f"{one.threshold:.4f}"
        holds, origin = "yes" if row["in_force"] else "", _origin(one)
        table.add_row(
            str(one.revision), one.arm, one.where, threshold, f"{one.target:g}", holds, origin, one.sentence, until
        )
    Console().print(table)


@app.command()
def explain(automation: Name, arm: Arm = None) -> None:
    """Show the gate in force for each part of a line, its proof, and the gate that follows if it is not renewed."""
    with project() as here, here.database.begin() as tx:
        found = proofs.explain(tx, automation, now=here.clock.now(), arm=arm)
    for one in found:
        held, after = one.in_force, one.otherwise
        typer.echo(f"{one.key.arm}{f', {held.where}' if held.where else ''}")
        typer.echo(f"  holds     revision {held.revision}: {_from(held.threshold)}, made by {_origin(held)}")
        typer.echo(f"  because   {one.sentence}")
        if after.revision != held.revision:
            typer.echo(f"  otherwise revision {after.revision}: {_from(after.threshold)}, if this one is not renewed")
        if one.proof is not None:
            last = "never" if one.labelled_at is None else f"{one.labelled_at:%Y-%m-%d %H:%M} UTC"
            typer.echo(f"  labels    {one.proof.labels:,} above it, last {last}; suspicion {one.proof.suspicion:.0%}")


@app.command()
def curve(
    automation: Name,
    target: Annotated[float | None, typer.Option(help="Show what the same labels prove for another target.")] = None,
    arm: Arm = None,
    value: Value = None,
    predicted: Predicted = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show the automatic share against the risk, threshold by threshold."""
    with project() as here, here.database.begin() as tx:
        now = here.clock.now()
        part = proofs.part_named(tx, automation, value, predicted, arm=arm, now=now)
        found = proofs.curve(tx, automation, now=now, arm=arm, part=part, target=target)
    if as_json:
        typer.echo(json.dumps(asdict(found), indent=2))
        return
    table = Plain("confidence from", "automatic", "error", "near the gate", "at most", "labels", "proven")
    for point in found.points:
        mark = "in force" if point.threshold == found.threshold else "yes" if point.proven else f"no: {point.stop}"
        if target is not None:
            mark = mark.replace("in force", "widest")
        table.add_row(
            f"{point.threshold:.6f}",
            f"{point.share:.1%}",
            f"{point.error:.2%}" if found.highest == 1 else f"{point.error:.3g}",
            f"{point.local_error:.2%}" if found.highest == 1 else f"{point.local_error:.3g}",
            f"{point.bound:.2%}" if found.highest == 1 else f"{point.bound:.3g}",
            f"{point.labels:,}",
            mark,
        )
    Console().print(table)
    typer.echo(found.sentence)


@app.command()
def forecast(
    automation: Name,
    arm: Arm = None,
    value: Value = None,
    predicted: Predicted = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Estimate how many labels, and how many days at the present rate, it takes to prove more."""
    with project() as here, here.database.begin() as tx:
        now = here.clock.now()
        part = proofs.part_named(tx, automation, value, predicted, arm=arm, now=now)
        found = proofs.forecast(tx, automation, now=now, arm=arm, part=part)
    if as_json:
        typer.echo(json.dumps(asdict(found), indent=2))
        return
    typer.echo(found.sentence)
    typer.echo(found.looks_sentence)
    if found.steps:
        table = Plain("confidence from", "automatic", "error so far", "labels needed", "labels a day", "days")
        for step in found.steps:
            needed = "too many errors" if step.labels_needed is None else f"{step.labels_needed:,}"
            days = "" if step.days is None else f"{step.days:,.1f}"
            table.add_row(
                f"{step.threshold:.4f}",
                f"{step.share:.1%}",
                f"{step.error:.3g}",
                needed,
                f"{step.labels_a_day:,.1f}",
                days,
            )
        Console().print(table)


@app.command()
def narrow(
    automation: Name,
    arm: Annotated[str, typer.Argument(help="The arm, as `andon gates list` shows it.")],
    threshold: Annotated[float, typer.Option(min=0, max=2, help="The required confidence; 2 makes nothing automatic.")],
    reason: Annotated[str, typer.Option(help="The reason, kept in the audit log.")],
    expires: Annotated[
        str | None, typer.Option("--for", help="The duration, such as 12h or 30d; default: permanently.")
    ] = None,
    value: Value = None,
    predicted: Predicted = "",
) -> None:
    """Require more confidence than is proven necessary. Running gateways follow within a second."""
    with project() as here, here.database.begin() as tx:
        now = here.clock.now()
        there = gates.arm_revisions(tx, automation, arm, now)
        made = gates.narrow(
            tx,
            automation,
            arm,
            threshold=threshold,
            actor=here.actor,
            reason=reason,
            events=here.events,
            now=now,
            expires_at=None if expires is None else now + span_of(expires),
            part=(there.value_of(value), predicted),
        )
    typer.echo(f"{automation}: {arm} requires a confidence of {made.threshold:g} (revision {made.revision})")


def _origin(one: gates.GateRevision) -> str:
    """Name the origin of a revision."""
    return {gates.Origin.HELD_OUT: "held-out rows", gates.Origin.LIVE: "labels"}.get(one.origin, one.source or one.by)


def _from(threshold: float) -> str:
    return "nothing is automatic" if threshold > 1 else f"automatic from a confidence of {threshold:.4f}"
