"""`andon silences`: keeps alerts from being sent for a while."""

import re
from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

import typer
from rich.console import Console

from andon import alerts
from andon.alerts import Silence, Silenced, shown_segment
from andon.cli.context import project
from andon.cli.moments import moment_of
from andon.cli.printing import Plain
from andon.cli.segments import SegmentParts, read_segment
from andon.kernel.errors import Invalid

app = typer.Typer(help="Keep alerts from being sent for a while.", no_args_is_help=True)

_SPAN = re.compile(r"([0-9]+)([mhd])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


@app.command("list")
def list_silences(
    ended: Annotated[bool, typer.Option("--ended", help="Include those that have ended.")] = False,
) -> None:
    """List silences, newest first."""
    with project() as here, here.database.begin() as tx:
        now = here.clock.now()
        found = [one for one in alerts.list_silences(tx) if ended or one.holds(now)]
    if not found:
        typer.echo("Nothing is silenced.")
        return
    table = Plain("id", "which", "until", "who", "why", by_id=True)
    for one in found:
        until = f"{one.ended_at or one.ends_at:%Y-%m-%d %H:%M} UTC"
        table.add_row(str(one.id), _which(one), until, one.made_by, one.reason)
    Console().print(table)


@app.command()
def make(
    until: Annotated[str, typer.Option(help="A moment (2026-12-24T08:00Z), or a span from now: 30m, 4h, 7d.")],
    reason: Annotated[str, typer.Option(help="The reason, kept in the audit log.")],
    automation: Annotated[str | None, typer.Option(help="Alerts of this automation.")] = None,
    monitor: Annotated[str | None, typer.Option(help="Alerts of this monitor.")] = None,
    series: Annotated[str | None, typer.Option(help="Alerts of this series: a feature, a rule, a destination.")] = None,
    segment: SegmentParts = None,
) -> None:
    """Silence alerts. They are still raised and shown, and still pull the cord."""
    if segment and automation is None:
        raise Invalid("--segment needs --automation, whose contract defines the fields")
    with project() as here, here.database.begin() as tx:
        now = here.clock.now()
        part = read_segment(tx, automation, segment) if segment and automation is not None else None
        which = Silenced(automation, monitor, series, part)
        made = alerts.silence(tx, which, until=_moment(until, now), reason=reason, actor=here.actor, now=now)
    typer.echo(f"{made.id}: {_which(made)} silenced until {made.ends_at:%Y-%m-%d %H:%M} UTC")


@app.command()
def end(
    silence: Annotated[UUID, typer.Argument(metavar="SILENCE", help="The silence's id.")],
    reason: Annotated[str, typer.Option(help="The reason, kept in the audit log.")],
) -> None:
    """End a silence early. Alerts that it held back and that are still open are sent now."""
    with project() as here, here.database.begin() as tx:
        ended = alerts.end_silence(tx, silence, actor=here.actor, reason=reason, now=here.clock.now())
    typer.echo(f"{_which(ended)} is no longer silenced")


def _moment(text: str, now: datetime) -> datetime:
    span = _SPAN.fullmatch(text)
    return moment_of(text) if span is None else now + timedelta(**{_UNITS[span[2]]: int(span[1])})


def _which(one: Silence) -> str:
    which = one.which
    segment = None if which.segment is None else shown_segment(which.segment) or "the whole line"
    parts = {"automation": which.automation, "monitor": which.monitor, "series": which.series, "segment": segment}
    return ", ".join(f"{name} {value}" for name, value in parts.items() if value is not None)
