"""`andon cord`: makes a line more careful, and less careful again."""

import json
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from rich.console import Console

from andon import alerts, cord, decisions
from andon.cli import cord_rules
from andon.cli.context import project
from andon.cli.printing import Plain
from andon.cli.segments import SegmentParts, read_segment
from andon.cord import LineState, LineStateChange, Segment

app = typer.Typer(help="Pull the cord of a line, release it, and set the rules that pull it.", no_args_is_help=True)
app.add_typer(cord_rules.app, name="rules")

Name = Annotated[str, typer.Argument(metavar="AUTOMATION", help="The automation.")]
Reason = Annotated[str, typer.Option(help="The reason, kept in the audit log.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]

_MEANING = {
    LineState.AUTOMATIC: "decides by its policy",
    LineState.SUPERVISED: "sends everything to a person",
    LineState.STOPPED: "gives only its owner's fallback outcome",
}


@app.command()
def pull(
    automation: Name,
    reason: Reason,
    state: Annotated[
        LineState, typer.Option(help="supervised: everything goes to a person. stopped: only the fallback outcome.")
    ] = (LineState.SUPERVISED),
    segment: SegmentParts = None,
) -> None:
    """Make a line or a segment of it more careful. Running gateways follow within a second."""
    with project() as here, here.database.begin() as tx:
        change = cord.pull(
            tx,
            automation,
            state=state,
            segment=read_segment(tx, automation, segment or []),
            actor=here.actor,
            reason=reason,
            events=here.events,
            now=here.clock.now(),
        )
    _tell(change)


@app.command()
def release(
    automation: Name,
    reason: Reason,
    state: Annotated[LineState, typer.Option("--to", help="The state to return to.")] = LineState.AUTOMATIC,
    segment: SegmentParts = None,
    done: Annotated[
        list[str] | None,
        typer.Option(
            help="A completed item of the checklist; repeat for each item. Required if a rule pulled the cord."
        ),
    ] = None,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Release even while the alert that pulled the cord is open.")
    ] = False,
) -> None:
    """Make a line or a segment of it less careful again.

    If a rule pulled the cord, each item of the checklist must be done, and the alert resolved unless --anyway is given.
    """
    with project() as here, here.database.begin() as tx:
        change = alerts.release(
            tx,
            automation,
            state=state,
            segment=read_segment(tx, automation, segment or []),
            actor=here.actor,
            reason=reason,
            events=here.events,
            now=here.clock.now(),
            done=done or (),
            anyway=anyway,
        )
    _tell(change)


@app.command()
def show(automation: Name, as_json: AsJson = False) -> None:
    """Show the state of a line and its segments, with the last changes."""
    with project() as here, here.database.begin() as tx:
        decisions.newest_version(tx, automation)
        found, changes = cord.in_force(tx, automation), cord.history(tx, automation)
    whole = next((change.after for change in found if not change.segment), LineState.AUTOMATIC)
    if as_json:
        typer.echo(json.dumps({"automation": automation, "state": whole, "in_force": _plain(found)}, indent=2))
        return
    typer.echo(f"{automation} is {whole}: it {_MEANING[whole]}")
    for change in found:
        if change.segment:
            typer.echo(f"  {_shown(change.segment)} is {change.after}: it {_MEANING[change.after]}")
    if changes:
        table = Plain("no.", "when", "segment", "from", "to", "who", "why")
        for one in changes:
            when = f"{one.at:%Y-%m-%d %H:%M:%S} UTC"
            table.add_row(str(one.number), when, _shown(one.segment), one.before, one.after, one.by, one.reason)
        Console().print(table)


def _tell(change: LineStateChange) -> None:
    what = f" for {_shown(change.segment)}" if change.segment else ""
    typer.echo(f"{change.automation} is {change.after}{what} (was {change.before}): it {_MEANING[change.after]}")


def _shown(segment: Segment) -> str:
    return ", ".join(f"{field}={value}" for field, value in segment.items()) or "the line"


def _plain(changes: Sequence[LineStateChange]) -> list[dict[str, Any]]:
    return [
        {
            "number": one.number,
            "segment": dict(one.segment),
            "before": one.before,
            "state": one.after,
            "by": one.by,
            "reason": one.reason,
            "at": one.at.isoformat(),
        }
        for one in changes
    ]
