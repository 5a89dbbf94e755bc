"""`andon incidents`: problems that people work on until the line has recovered and the cause is known."""

import json
from typing import Annotated, Any
from uuid import UUID

import typer
from rich.console import Console

from andon import alerts
from andon.alerts import AlertSelection, Incident
from andon.cli.alerts import timeline_of
from andon.cli.context import project
from andon.cli.printing import Facts, Plain

app = typer.Typer(help="Work on incidents: own them, comment, end them with a cause.", no_args_is_help=True)

Id = Annotated[UUID, typer.Argument(metavar="INCIDENT", help="The incident's id.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("list")
def list_incidents(
    automation: Annotated[str | None, typer.Option(help="Limit to this automation.")] = None,
    ended: Annotated[bool, typer.Option("--ended", help="Include those that have ended.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most this many.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List incidents, newest first."""
    which = None if automation is None else [automation]
    with project() as here, here.database.begin() as tx:
        found = alerts.list_incidents(tx, which, is_open=None if ended else True, limit=limit)
    if as_json:
        typer.echo(json.dumps([_plain(one) for one in found], indent=2))
        return
    if not found:
        typer.echo("No incident is open." if not ended else "There has been no incident yet.")
        return
    table = Plain("id", "automation", "what", "detected", "owner", "recovery", "cause", by_id=True)
    for one in found:
        detected = f"{one.detected_at:%Y-%m-%d %H:%M} UTC"
        table.add_row(
            str(one.id), one.automation, one.title, detected, one.owner or "nobody", _recovery(one), one.cause
        )
    Console().print(table)


@app.command()
def show(incident: Id, as_json: AsJson = False) -> None:
    """Show one incident: its alerts, and everything that happened in order."""
    with project() as here, here.database.begin() as tx:
        found, notes = alerts.get_incident(tx, incident), alerts.notes_of_incident(tx, incident)
        joined = alerts.page(tx, AlertSelection(incident=incident), limit=200)
    if as_json:
        timeline = [{"at": n.at.isoformat(), "kind": n.kind, "by": n.by, "message": n.message} for n in notes]
        shown = _plain(found) | {"alerts": [str(one.id) for one in joined], "timeline": timeline}
        typer.echo(json.dumps(shown, indent=2))
        return
    table = Facts(title=f"{found.automation}: {found.title}")
    table.add_row("detected", f"{found.detected_at:%Y-%m-%d %H:%M:%S} UTC")
    table.add_row("owner", found.owner or "nobody")
    table.add_row("recovery", _recovery(found))
    table.add_row("cause", found.cause or "not stated yet")
    for one in joined:
        table.add_row(f"alert ({one.state})", f"{one.id} {one.title}")
    Console().print(table)
    Console().print(timeline_of(notes))


@app.command("open")
def open_incident(
    automation: Annotated[str, typer.Argument(metavar="AUTOMATION", help="The automation.")],
    title: Annotated[str, typer.Option(help="A title that names the problem.")],
) -> None:
    """Open an incident by hand; critical alerts open one automatically."""
    with project() as here, here.database.begin() as tx:
        made = alerts.open_by_hand(tx, automation, title=title, actor=here.actor, now=here.clock.now())
    typer.echo(f"Incident {made.id} of {automation} is open")


@app.command()
def own(incident: Id, owner: Annotated[str | None, typer.Option(help="The owner; default: you.")] = None) -> None:
    """Set the owner of an incident."""
    with project() as here, here.database.begin() as tx:
        done = alerts.own(tx, incident, owner=owner or here.actor.name, actor=here.actor, now=here.clock.now())
    typer.echo(f"{done.owner} works on it")


@app.command()
def comment(incident: Id, message: Annotated[str, typer.Argument(help="A finding, an attempt or a question.")]) -> None:
    """Add a comment to the timeline."""
    with project() as here, here.database.begin() as tx:
        alerts.comment(tx, incident, message=message, actor=here.actor, now=here.clock.now())
    typer.echo("Added to the timeline")


@app.command()
def end(incident: Id, cause: Annotated[str, typer.Option(help="Why it happened.")]) -> None:
    """End an incident and state its cause."""
    with project() as here, here.database.begin() as tx:
        done = alerts.end(tx, incident, cause=cause, actor=here.actor, now=here.clock.now())
    typer.echo(f"The incident has ended; recovery: {_recovery(done)}")


def _recovery(one: Incident) -> str:
    recovery = one.recovery
    if recovery is None:
        return "still held" if one.ended_at else "under way"
    minutes, seconds = divmod(round(recovery.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds} s"


def _plain(one: Incident) -> dict[str, Any]:
    recovery = one.recovery
    return {
        "id": str(one.id),
        "automation": one.automation,
        "title": one.title,
        "detected_at": one.detected_at.isoformat(),
        "opened_by": one.opened_by,
        "owner": one.owner,
        "held": one.held,
        "recovered_at": None if one.recovered_at is None else one.recovered_at.isoformat(),
        "recovery_seconds": None if recovery is None else recovery.total_seconds(),
        "cause": one.cause,
        "ended_by": one.ended_by,
        "ended_at": None if one.ended_at is None else one.ended_at.isoformat(),
    }
