"""`andon alerts`: alerts with their start and certainty; acknowledging and resolving them."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import typer
from rich.console import Console

from andon import alerts
from andon.alerts import Alert, AlertSelection, AlertState, Note
from andon.bootstrap.alerting import console_url
from andon.cli.context import project
from andon.cli.printing import Facts, Plain
from andon.kernel.db import Tx
from andon.monitors import Level

app = typer.Typer(help="List, acknowledge and resolve alerts.", no_args_is_help=True)

Id = Annotated[UUID, typer.Argument(metavar="ALERT", help="The alert's id.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("list")
def list_alerts(
    automation: Annotated[str | None, typer.Option(help="Limit to this automation.")] = None,
    level: Annotated[Level | None, typer.Option(help="Limit to this level.")] = None,
    monitor: Annotated[str | None, typer.Option(help="Limit to this monitor.")] = None,
    resolved: Annotated[bool, typer.Option("--resolved", help="Include resolved alerts.")] = False,
    drills: Annotated[bool, typer.Option("--drills", help="Include alerts of drills.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most this many.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List alerts, newest first; by default only open ones."""
    states = tuple(AlertState) if resolved else alerts.UNRESOLVED
    which = AlertSelection(
        automation=automation, states=states, level=level, monitors=(monitor,) if monitor else None, drills=drills
    )
    with project() as here, here.database.begin() as tx:
        now, url = here.clock.now(), console_url(here.settings)
        found = alerts.page(tx, which, limit=limit)
        if as_json:
            typer.echo(json.dumps([alerts.shown_alert(one, url, now) for one in found], indent=2))
            return
        if not found:
            typer.echo("No alert is open." if not resolved else "There is no alert.")
            return
        silences = alerts.silenced(tx, found, now)
        table = Plain("id", "level", "state", "what", "since", "seen", "message", by_id=True)
        for one in found:
            marks = [*(["provisional"] if one.provisional else []), *(["silenced"] if one.id in silences else [])]
            state = ", ".join([one.state.value, *marks])
            what = f"drill: {one.title}" if one.drill else one.title
            since = f"{one.since:%Y-%m-%d %H:%M} UTC"
            table.add_row(str(one.id), one.level.value, state, what, since, str(one.count), one.message)
        Console().print(table)


@app.command()
def show(alert: Id, as_json: AsJson = False) -> None:
    """Show one alert: what changed, how certain that is, what Andon has done, and its timeline."""
    with project() as here, here.database.begin() as tx:
        found, now, url = alerts.get(tx, alert), here.clock.now(), console_url(here.settings)
        notes = alerts.notes_of(tx, alert)
        if as_json:
            findings = [alerts.shown_finding(one) | {"detail": dict(one.detail)} for one in found.findings]
            shown = alerts.shown_alert(found, url, now) | {"findings": findings, "timeline": _plain(notes)}
            typer.echo(json.dumps(shown, indent=2))
            return
        Console().print(_facts(tx, found, url, now))
        Console().print(_findings(found))
        Console().print(timeline_of(notes))


@app.command()
def acknowledge(alert: Id, comment: Annotated[str, typer.Option(help="An optional comment.")] = "") -> None:
    """Acknowledge an alert that you are handling. It is not sent again unless its level rises."""
    with project() as here, here.database.begin() as tx:
        now = here.clock.now()
        done = alerts.acknowledge(tx, alert, actor=here.actor, events=here.events, now=now, comment=comment)
    typer.echo(f"{done.title} is acknowledged by {done.acknowledged_by}")


@app.command()
def resolve(
    alert: Id, reason: Annotated[str, typer.Option(help="The reason for ending it, kept in the audit log.")]
) -> None:
    """Resolve an alert by hand. If the problem is seen again, a new alert is raised."""
    with project() as here, here.database.begin() as tx:
        done = alerts.resolve(tx, alert, actor=here.actor, reason=reason, events=here.events, now=here.clock.now())
    typer.echo(f"{done.title} is resolved")


def timeline_of(notes: Sequence[Note]) -> Plain:
    """Return a timeline as a table."""
    table = Plain("when", "what", "who", "words")
    for note in notes:
        table.add_row(f"{note.at:%Y-%m-%d %H:%M:%S} UTC", note.kind.value, note.by, note.message)
    return table


def _facts(tx: Tx, alert: Alert, url: str, now: datetime) -> Facts:
    table = Facts(title=("Drill: " if alert.drill else "") + alert.title)
    silence = alerts.silenced(tx, [alert], now).get(alert.id)
    rows = {
        "what": alert.message,
        "level": "provisional" if alert.provisional else alert.level.value,
        "state": alert.state.value,
        "since": f"{alert.since:%Y-%m-%d %H:%M} UTC; raised {alert.raised_at:%H:%M:%S}, seen {alert.count} times",
        "arm": alert.arm,
        "done by Andon": "; ".join(alert.done),
        "acknowledged": alert.acknowledged_by or "",
        "silenced": "" if silence is None else f"until {silence.ends_at:%Y-%m-%d %H:%M} UTC: {silence.reason}",
        "resolved": "" if alert.resolved_at is None else f"{alert.resolved_at:%Y-%m-%d %H:%M} UTC: {alert.resolution}",
        "incident": "" if alert.incident is None else str(alert.incident),
        "decisions": url + alerts.decisions_path(alert, now),
    }
    for name, value in rows.items():
        if value:
            table.add_row(name, value)
    return table


def _findings(alert: Alert) -> Plain:
    """Return the findings as a table, the worst first and those that recovered last."""
    table = Plain("found", "level", "expected", "observed", "decisions", "certainty", "state")
    standing = alert.standing
    for one in (*standing, *(other for other in alert.findings if other not in standing)):
        table.add_row(
            one.message,
            "provisional" if one.provisional else one.level.value,
            _figure(one.expected, one.unit),
            _figure(one.observed, one.unit),
            f"{one.decisions:,}" if one.decisions else "",
            alerts.sure(one),
            "" if one.ended_at is None else f"recovered {one.ended_at:%Y-%m-%d %H:%M} UTC",
        )
    return table


def _figure(value: float | None, unit: str) -> str:
    return "" if value is None else f"{value:.4g} {unit}".rstrip()


def _plain(notes: Sequence[Note]) -> list[dict[str, Any]]:
    return [
        {"at": note.at.isoformat(), "kind": note.kind.value, "by": note.by, "message": note.message} for note in notes
    ]
