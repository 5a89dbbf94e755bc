"""`andon feed`: the consumers of committed decisions, their positions, and an export."""

import json
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from andon import decisions
from andon.cli.context import project
from andon.cli.moments import moment_of
from andon.cli.printing import Plain
from andon.cli.progress import progress
from andon.decisions import AutomationNotFound, ConsumerStanding, Export, Start
from andon.kernel.plurals import plural
from andon.kernel.reasons import require

app = typer.Typer(help="Show who reads the committed decisions and how far, and export them.", no_args_is_help=True)

Consumer = Annotated[str, typer.Argument(help="The consumer, as `andon feed list` shows it.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Reason = Annotated[str, typer.Option(help="The reason, kept in the audit log.")]


@app.command("list")
def list_consumers(as_json: AsJson = False) -> None:
    """List the consumers of the feed: how many decisions each has read, how many wait, and since when."""
    with project() as here, here.database.begin() as tx:
        found = decisions.consumers(tx)
    if as_json:
        typer.echo(json.dumps([_as_json(one) for one in found], indent=2))
        return
    if not found:
        typer.echo("The feed has no consumers yet")
        return
    table = Plain("consumer", "read", "waiting", "oldest waiting", "last moved")
    for one in found:
        table.add_row(one.name, f"{one.taken:,}", f"{one.waiting:,}", _time(one.oldest), _time(one.moved_at))
    Console().print(table)


@app.command()
def export(
    automation: Annotated[str, typer.Argument(help="The automation whose decisions to export.")],
    to: Annotated[Path, typer.Option(help="The file to append to, one line of JSON for each decision.")],
    consumer: Annotated[
        str | None, typer.Option(help="The consumer's name, unique to each file; default: `export-AUTOMATION`.")
    ] = None,
    start: Annotated[
        str, typer.Option(help="The start of a new export: `beginning`, `now`, or a moment, ISO 8601.")
    ] = Start.BEGINNING.value,
    follow: Annotated[bool, typer.Option("--follow", help="Continue with new decisions until Ctrl-C.")] = False,
) -> None:
    """Append all decisions missing from a file, each exactly once, even if the export is killed and run again."""
    name = consumer or f"export-{automation}"
    writer = Export(name, automation, to, start=_start(start))
    with project() as here:
        with here.database.begin() as tx:
            if automation not in decisions.automations(tx):
                raise AutomationNotFound(f"No automation {automation!r} was ever deployed here")
            writer.begin(tx)
        with here.database.begin() as tx:
            waiting = sum(one.waiting for one in decisions.consumers(tx, name))
        written = 0
        with progress("Exporting", waiting, "decisions") as advance, suppress(KeyboardInterrupt):
            while True:
                with here.database.begin() as tx:
                    passed, appended = writer.append(tx)
                written += appended
                advance(passed)
                if not passed and not follow:
                    break
                if not passed:
                    time.sleep(writer.pause)
    typer.echo(f"{plural(written, 'decision')} of {automation} appended to {to}")


@app.command()
def reset(
    consumer: Consumer,
    reason: Reason,
    start: Annotated[
        str | None,
        typer.Option(
            help="The new start: `beginning`, `now`, or a moment, ISO 8601. Without it the consumer is forgotten."
        ),
    ] = None,
) -> None:
    """Restart a consumer at another place, or forget it: its next read begins as a new one. An export's file stays."""
    wanted = None if start is None else _start(start)
    with project() as here, here.database.begin() as tx:
        now = here.clock.now()
        decisions.reset_consumer(tx, consumer, wanted, actor=here.actor, reason=require(reason), now=now)
    typer.echo(f"{consumer} is forgotten" if start is None else f"{consumer} starts again at {start}")


def _start(text: str) -> Start | datetime:
    return Start(text) if text in set(Start) else moment_of(text)


def _time(at: datetime | None) -> str:
    return "" if at is None else f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _as_json(one: ConsumerStanding) -> dict[str, object]:
    return {
        "consumer": one.name,
        "begun_at": one.begun_at.isoformat(),
        "moved_at": one.moved_at and one.moved_at.isoformat(),
        "read": one.taken,
        "waiting": one.waiting,
        "oldest_waiting_at": one.oldest and one.oldest.isoformat(),
    }
