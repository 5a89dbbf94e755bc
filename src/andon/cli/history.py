"""`andon history`: everything in force on a line at a moment, with the author and reason of each."""

import json
from datetime import datetime
from typing import Annotated

import typer
from pydantic_core import to_jsonable_python
from rich.console import Console

from andon import changes
from andon.changes import LineMoment
from andon.cli.context import project
from andon.cli.moments import moment_of
from andon.cli.printing import Facts, Plain


def show(
    automation: Annotated[str, typer.Argument(metavar="AUTOMATION", help="The automation.")],
    at: Annotated[
        str | None, typer.Option(help='The moment, such as "2026-03-03 14:00"; UTC if it has no zone; default: now.')
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show what was in force on a line at a moment, who set it and why, and the changes before and after."""
    wanted = None if at is None else moment_of(at)
    with project() as here, here.database.begin() as tx:
        now = here.clock.now()
        found = changes.moment_of_line(tx, automation, wanted or now, now=now)
    if as_json:
        typer.echo(json.dumps(to_jsonable_python(changes.document_of_moment(found)), indent=2))
        return
    typer.echo(f"{automation} at {_when(found.line.at)}")
    console = Console(highlight=False)
    table = Facts()
    for name, text, part in found.line.facts:
        table.add_row(name, text if part is None else f"{text}, by {part.by} {_when(part.at)}: {part.reason}")
    console.print(table)
    console.print(_timeline(found))


def _timeline(found: LineMoment) -> Plain:
    table = Plain("when", "kind", "what", "who and why")
    for one in found.before:
        table.add_row(_when(one.at), one.kind, one.what, f"{one.by}: {one.reason}")
    table.add_row(_when(found.line.at), "", "the state shown above", style="bold")
    for one in found.after:
        table.add_row(_when(one.at), one.kind, one.what, f"{one.by}: {one.reason}")
    return table


def _when(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"
