"""`andon explain`: the contributions to the predicted class of a decision."""

import json
from typing import Annotated
from uuid import UUID

import typer
from rich.console import Console

from andon import decisions
from andon.bootstrap.explaining import explaining
from andon.cli.context import project
from andon.cli.printing import Plain, printable

Decision = Annotated[UUID, typer.Argument(help="The decision's id.")]
Last = Annotated[int, typer.Option("--last", min=1, max=10_000, help="At most this many contributions, largest first.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def explain(decision: Decision, last: Last = 20, as_json: Json = False) -> None:
    """Show what contributed to the predicted class of a decision, by column and word; below zero counts against it."""
    with project() as here:
        with here.database.begin() as tx:
            record = decisions.get(tx, decision)
        found = explaining(here.settings, here.database)(record)
    shown = found.strongest(last)
    if as_json:
        typer.echo(json.dumps([{"feature": c.feature, "word": c.word, "weight": c.weight} for c in shown], indent=2))
        return
    table = Plain("feature", "word", "weight")
    for one in shown:
        table.add_row(one.feature, one.word or "", f"{one.weight:+.3f}")
    typer.echo(f"For {printable(found.label)}, by {found.model} version {found.model_version}")
    Console().print(table)
