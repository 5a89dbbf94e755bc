"""`andon monitors`: the monitored series and their findings."""

import json
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Annotated, Any

import typer
from rich.console import Console

from andon import monitors
from andon.cli.context import project
from andon.cli.moments import moment_of
from andon.cli.printing import Plain
from andon.monitors import MonitorState, SeriesStatus, TrendPoint

app = typer.Typer(help="Show what is monitored for an automation, and what was found.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="AUTOMATION", help="The automation.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]

_STYLES = {MonitorState.CRITICAL: "bold red", MonitorState.WARNING: "yellow", MonitorState.SILENT: "dim"}


@app.command("list")
def list_monitors(automation: Name, as_json: AsJson = False) -> None:
    """List every monitored series, worst first. A silent one gives the reason why it cannot judge."""
    with project() as here, here.database.begin() as tx:
        found = monitors.status(tx, automation, here.clock.now())
    if as_json:
        typer.echo(json.dumps([_plain(asdict(one)) for one in found], indent=2))
        return
    Console().print(_table(found))


@app.command()
def show(
    automation: Name,
    monitor: Annotated[str, typer.Argument(help="The monitor, as `andon monitors list` shows it.")],
    since: Annotated[str | None, typer.Option(help="The start of the trend, ISO 8601; default: two weeks ago.")] = None,
    by_day: Annotated[bool, typer.Option("--by-day", help="Show one point per day instead of one per hour.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show one monitor: its series, and their values over time."""
    begin = None if since is None else moment_of(since)
    span = timedelta(days=1) if by_day else timedelta(hours=1)
    with project() as here, here.database.begin() as tx:
        now = here.clock.now()
        found = monitors.status(tx, automation, now, monitor)
        points = monitors.trend(tx, automation, monitor, now=now, since=begin, by=span)
    if as_json:
        series, trend = ([_plain(asdict(one)) for one in some] for some in (found, points))
        typer.echo(json.dumps({"series": series, "trend": trend}, indent=2))
        return
    Console().print(_table(found))
    if points:
        Console().print(_trend(points))


def _table(found: list[SeriesStatus]) -> Plain:
    table = Plain("monitor", "series", "state", "since", "observed", "expected", "what is seen")
    several = len({one.arm for one in found if one.arm}) > 1
    for one in found:
        segment = ", ".join(f"{name}={value}" for name, value in one.segment.items())
        table.add_row(
            one.monitor,
            " ".join(filter(None, (one.series, segment, f"({one.arm})" if several and one.arm else ""))),
            f"{one.state}?" if one.provisional else one.state,
            "" if one.state is MonitorState.SILENT else f"{one.since:%Y-%m-%d %H:%M}",
            _number(one.observed, one.unit),
            _number(one.expected, one.unit),
            one.reason,
            style=_STYLES.get(one.state),
        )
    return table


def _trend(points: list[TrendPoint]) -> Plain:
    names = sorted({name for one in points for name in one.values})
    table = Plain("from", "arm", "decisions", *names)
    for one in points:
        values = [f"{one.values[name]:.4g}" if name in one.values else "" for name in names]
        table.add_row(f"{one.starts_at:%Y-%m-%d %H:%M}", one.arm, f"{one.decisions:,}", *values)
    return table


def _number(value: float | None, unit: str) -> str:
    if value is None:
        return ""
    return f"{value:.2%}" if unit == "share" else f"{value:.3g} {unit}".strip()


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in values.items()}
