"""`andon measures`: the value of decisions to the business."""

import json
from typing import Annotated

import typer
from rich.console import Console

from andon import decisions, measures
from andon.authoring import span_of
from andon.cli.context import project
from andon.cli.printing import Plain
from andon.measures import Grouping, MeasureSum


def show(
    automation: Annotated[str, typer.Argument(help="The automation.")],
    since: Annotated[
        str, typer.Option(help="How far back to look, such as 7d or 24h; whole UTC days are summed.")
    ] = "30d",
    by: Annotated[Grouping | None, typer.Option(help="The grouping of the sums.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show what decisions were worth, by the measures that an automation declares."""
    with project() as here, here.database.begin() as tx:
        decisions.newest_version(tx, automation)
        now = here.clock.now()
        first, last = (now - span_of(since)).date(), now.date()
        found = measures.sums(tx, automation, first, last, by)
    if as_json:
        rows = [_document(one) for one in found]
        typer.echo(json.dumps({"since": str(first), "until": str(last), "measures": rows}, indent=2))
        return
    typer.echo(f"{first} to {last}, UTC")
    if not found:
        typer.echo("Nothing was measured: the versions that decided declare no measures.")
        return
    table = Plain("measure", *([] if by is None else [by.value]), "total", "unit", "decisions", "with a value")
    for one in found:
        group = [] if by is None else [", ".join(f"{name}={value}" for name, value in one.group.items())]
        if by is not None and by is not Grouping.SEGMENT:
            group = [str(one.group[by.value])]
        table.add_row(one.measure, *group, f"{one.total:,.2f}", one.unit, f"{one.decisions:,}", f"{one.counted:,}")
    Console().print(table)


def _document(one: MeasureSum) -> dict[str, object]:
    return {
        "measure": one.measure,
        "unit": one.unit,
        "group": dict(one.group),
        "decisions": one.decisions,
        "counted": one.counted,
        "total": float(one.total),
    }
