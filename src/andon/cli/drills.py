"""`andon drills`: tests whether a rule pulls the cord, and how soon every process applies it."""

import time
from typing import Annotated

import typer
from rich.console import Console

from andon import alerts
from andon.alerts import Drill
from andon.cli.context import Project, project
from andon.cli.printing import Plain
from andon.kernel.errors import Conflict

app = typer.Typer(help="Test whether a rule pulls the cord, and how soon.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="AUTOMATION", help="The automation.")]
LOOKED_EVERY = 0.5


class DrillFailed(Conflict):
    """The drill failed."""


@app.command("list")
def list_drills(
    automation: Name, limit: Annotated[int, typer.Option(min=1, max=1000, help="At most this many.")] = 20
) -> None:
    """List the drills of an automation, newest first."""
    with project() as here, here.database.begin() as tx:
        found = alerts.list_drills(tx, automation, limit=limit)
    if not found:
        typer.echo("There has been no drill yet.")
        return
    table = Plain("began", "who", "why", "passed", "result")
    for one in found:
        passed = "under way" if one.passed is None else "yes" if one.passed else "no"
        table.add_row(f"{one.began_at:%Y-%m-%d %H:%M:%S} UTC", one.asked_by, one.reason, passed, one.result)
    Console().print(table)


@app.command()
def run(
    automation: Name,
    reason: Annotated[str, typer.Option(help="The reason, kept in the audit log.")] = "started by hand",
) -> None:
    """Raise a test alert, and wait until every process applies the cord that it pulls. No decision changes.

    Ends with status 5 if the drill fails.
    """
    with project() as here:
        with here.database.begin() as tx:
            drill = alerts.begin_drill(
                tx, automation, actor=here.actor, reason=reason, events=here.events, now=here.clock.now()
            )
        drill = _followed(here, drill)
    if not drill.passed:
        raise DrillFailed(f"The drill failed: {drill.result}")
    typer.echo(f"The drill passed: {drill.result}")


def _followed(here: Project, drill: Drill) -> Drill:
    """Return the drill when it has ended; either a worker or this command ends it."""
    while drill.passed is None:
        time.sleep(LOOKED_EVERY)
        with here.database.begin() as tx:
            alerts.advance_drills(tx, events=here.events, now=here.clock.now(), drill_id=drill.id)
            drill = alerts.get_drill(tx, drill.id)
    return drill
