"""`andon gates`: from which confidence the arms of an automation act by themselves."""

import json
from typing import Annotated

import typer
from rich.console import Console

from andon import decisions, gates
from andon.authoring import span_of
from andon.cli.context import project
from andon.cli.printing import Plain

app = typer.Typer(help="See the revisions of risk gates, and ask for more confidence.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="AUTOMATION", help="The automation.")]


@app.command("list")
def list_gates(automation: Name, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """List the gate revisions of an automation, newest first."""
    with project() as here, here.database.begin() as tx:
        decisions.newest_version(tx, automation)
        now = here.clock.now()
        found, living = gates.page(tx, automation), gates.in_force_of(tx, automation, now)
    rows = [
        {
            "revision": one.revision,
            "arm": one.arm,
            "threshold": one.threshold,
            "target": one.target,
            "origin": one.origin.value,
            "segment": dict(one.segment),
            "predicted": one.predicted,
            "sentence": one.sentence,
            "by": one.by,
            "reason": one.reason,
            "at": one.at.isoformat(),
            "expires_at": None if one.expires_at is None else one.expires_at.isoformat(),
            "in_force": one.revision in living,
        }
        for one in found
    ]
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    table = Plain("no.", "arm", "for", "confidence from", "target", "holds", "from", "why", "until")
    for one, row in zip(found, rows, strict=True):
        until = "" if one.expires_at is None else f"{one.expires_at:%Y-%m-%d %H:%M} UTC"
        threshold = "nothing" if one.threshold > 1 else f"{one.threshold:.4f}"
        holds = "yes" if row["in_force"] else ""
        origin = one.by if one.origin is gates.Origin.PERSON else one.origin.value.replace("_", "-")
        table.add_row(
            str(one.revision), one.arm, one.where, threshold, f"{one.target:g}", holds, origin, one.sentence, until
        )
    Console().print(table)


@app.command()
def narrow(
    automation: Name,
    arm: Annotated[str, typer.Argument(help="The arm, as `andon gates list` shows it.")],
    threshold: Annotated[float, typer.Option(min=0, max=2, help="The confidence needed; 2 makes nothing automatic.")],
    reason: Annotated[str, typer.Option(help="Why; it stands in the audit log.")],
    expires: Annotated[
        str | None, typer.Option("--for", help="For how long, as 12h or 30d; for good if left out.")
    ] = None,
    value: Annotated[
        str | None, typer.Option(help="Only for this value of the field by which the automation has gates.")
    ] = None,
    predicted: Annotated[str, typer.Option(help="Only for predictions of this class, if it has a gate.")] = "",
) -> None:
    """Ask for more confidence than is proven to be needed. Running gateways follow within a second."""
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
    typer.echo(f"{automation}: {arm} needs a confidence of {made.threshold:g} (revision {made.revision})")
