"""`andon features`: features, the reasons for their values, and training sets by the same definitions."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from andon import decisions, features
from andon.authoring import Feature, Lookup, Window
from andon.bootstrap import training
from andon.bootstrap.explained import Explained, explained
from andon.bootstrap.frames import check_parquet, library, words_of, write_parquet
from andon.bootstrap.installation import settings_here
from andon.bootstrap.project import chosen, load_automations
from andon.bootstrap.training import Span, Told
from andon.cli.context import project
from andon.cli.moments import MomentInvalid, moment_of
from andon.cli.printing import Plain
from andon.kernel.errors import Conflict

app = typer.Typer(
    help="Show what an automation sees and why, and write training sets by the same definitions.", no_args_is_help=True
)

Name = Annotated[str | None, typer.Option("--automation", help="The automation; required if there are several.")]
AnyName = Annotated[str | None, typer.Option("--automation", help="The automation; default: all.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
From = Annotated[str, typer.Option("--from", help="The first moment, ISO 8601; UTC if it has no zone.")]
To = Annotated[str | None, typer.Option("--to", help="The end, exclusive; default: now.")]
Output = Annotated[Path | None, typer.Option(help="The Parquet file to write; default: AUTOMATION.parquet.")]
HistoryFile = Annotated[
    str | None,
    typer.Option(
        "--history",
        help="Compute the features again from a CSV or Parquet file with the contract's fields, or from `ledger`, "
        "the recorded inputs.",
    ),
]
TimeColumn = Annotated[str, typer.Option("--time", help="The column of the history with the time of each row.")]
Labels = Annotated[
    bool, typer.Option("--labels", help="Add the class that currently counts as true, and how far it can be trusted.")
]
Force = Annotated[bool, typer.Option("--overwrite", help="Replace the output if it exists.")]
Key = Annotated[str, typer.Argument(help="The value whose windows are explained, such as an account.")]
At = Annotated[str | None, typer.Option("--at", help="The moment, ISO 8601; default: now.")]
Since = Annotated[str | None, typer.Option("--since", help="The first moment, ISO 8601; default: a day ago.")]
File = Annotated[Path, typer.Argument(help="A Parquet file, such as one that `andon features dataset` wrote.")]

LEDGER = "ledger"
LATELY = timedelta(days=1)


class DatasetExists(Conflict):
    """The output already exists."""


class ExpectationsBreached(Conflict):
    """Some values do not meet the automation's expectations."""


@app.command("list")
def list_(automation: Name = None, as_json: AsJson = False) -> None:
    """List the features of an automation, with the source of each and its expectations."""
    declared = chosen(load_automations(settings_here()), automation)
    expected = {one.name: words_of(one) for one in declared.expect}
    shown = [
        {"feature": name, "from": told, "expected": expected.get(name)}
        for feature in declared.features
        for name, told in _described(feature)
    ]
    shown += [
        {"feature": name, "from": "the input", "expected": told}
        for name, told in expected.items()
        if name in declared.contract.model_fields
    ]
    if as_json:
        typer.echo(json.dumps(shown, indent=2))
        return
    table = Plain("feature", "from", "expected")
    for row in shown:
        table.add_row(str(row["feature"]), str(row["from"]), row["expected"] or "")
    Console().print(table)


@app.command()
def show(key: Key, automation: Name = None, at: At = None, as_json: AsJson = False) -> None:
    """Show the contents of a key's windows at a moment, with their tiles and the decisions counted."""
    with project() as here:
        declared = chosen(load_automations(here.settings), automation)
        moment = here.clock.now() if at is None else moment_of(at)
        found = asyncio.run(explained(here.database, declared, key, moment))
    if as_json:
        typer.echo(json.dumps([_as_json(one) for one in found], indent=2, default=str))
        return
    for one in found:
        _show(one, key, moment)
    if not found:
        Console().print(f"{declared.name} has no windows")


@app.command()
def breaches(automation: AnyName = None, since: Since = None, as_json: AsJson = False) -> None:
    """List values in decisions that did not meet their automation's expectations."""
    with project() as here, here.database.begin() as tx:
        if automation is not None and automation not in decisions.automations(tx):
            raise decisions.AutomationNotFound(f"No automation {automation!r} was ever deployed here")
        first = here.clock.now() - LATELY if since is None else moment_of(since)
        found = features.breaches(tx, automations=None if automation is None else [automation], since=first)
    if as_json:
        typer.echo(json.dumps([one._asdict() for one in found], indent=2, default=datetime.isoformat))
        return
    table = Plain("automation", "value", "decisions", "last")
    for one in found:
        table.add_row(one.automation, one.name, f"{one.decisions:,}", one.last_at.isoformat(timespec="seconds"))
    Console().print(table if found else f"Nothing since {first.isoformat(timespec='seconds')}", highlight=False)


@app.command()
def dataset(
    since: From,
    until: To = None,
    automation: Name = None,
    output: Output = None,
    history: HistoryFile = None,
    time: TimeColumn = "at",
    labels: Labels = False,
    overwrite: Force = False,
) -> None:
    """Write a training set of what was known at the time of each row, from the ledger or from a history."""
    library()
    with project() as here:
        declared = chosen(load_automations(here.settings), automation)
        span = Span(moment_of(since), here.clock.now() if until is None else moment_of(until))
        if span.since >= span.until:
            raise MomentInvalid(f"{span.since.isoformat()} is not before {span.until.isoformat()}")
        target = output or Path(f"{declared.name}.parquet")
        if target.exists() and not overwrite:
            raise DatasetExists(f"{target} already exists; choose another --output, or use --overwrite")
        labels_at = here.clock.now() if labels else None
        with _progress("Reading") as told:
            if history is None:
                chunks = training.as_seen(here.database, declared, span, labels_at=labels_at, told=told)
            elif history == LEDGER:
                chunks = training.recomputed(here.database, declared, span, labels_at=labels_at, told=told)
            else:
                chunks = training.of_file(Path(history), declared, span, time=time, told=told)
            rows = write_parquet(chunks, target)
    Console().print(f"{rows:,} rows are in {target}", highlight=False, markup=False)


@app.command()
def check(file: File, automation: Name = None, as_json: AsJson = False) -> None:
    """Check a data set against the automation's expectations. Ends with status 5 if one does not hold."""
    declared = chosen(load_automations(settings_here()), automation)
    rows, breaches = check_parquet(file, declared)
    if as_json:
        typer.echo(json.dumps({"rows": rows, "breaches": [one._asdict() for one in breaches]}, indent=2))
    elif breaches:
        table = Plain("feature", "expected", "rows that differ", "the first")
        for one in breaches:
            table.add_row(one.name, one.expected, f"{one.rows:,}", ", ".join(map(str, one.first)))
        Console().print(table)
    if breaches:
        raise ExpectationsBreached(f"{len(breaches)} of {len(declared.expect)} expectations do not hold for {file}")
    if not as_json:
        Console().print(f"All {len(declared.expect)} expectations hold for {rows:,} rows", highlight=False)


def _described(feature: Feature) -> list[tuple[str, str]]:
    """Return each feature's name and its source."""
    if isinstance(feature, Window):
        return [(name, f"{a} of {feature.field} by {feature.by} over {span}") for name, span, a in feature.named]
    if isinstance(feature, Lookup):
        source = f"of {feature.table} by {feature.by}, at most {feature.fresh} old"
        return [(name, f"{column} {source}") for name, column in zip(feature.names, feature.columns, strict=True)]
    return [(feature.name, "a function of the input" if not feature.batch else "a function of the batch")]


def _show(one: Explained, key: str, moment: datetime) -> None:
    console = Console()
    console.print(f"{one.field} by {one.by} = {key!r} at {moment.isoformat()}", highlight=False, markup=False)
    values = Plain("feature", "value")
    for name, value in one.values.items():
        values.add_row(name, "missing" if value is None else str(value))
    console.print(values)
    for steps, tiles in one.tiles.items():
        widths = ", later of ".join(f"{step.width} s" for step in steps)
        table = Plain("from", "entries", "sum", "min", "max", title=f"Tiles of {widths}")
        for tile in tiles:
            begin = datetime.fromtimestamp(tile.start, tz=UTC).isoformat()
            table.add_row(begin, str(tile.entries), f"{tile.total:g}", f"{tile.least:g}", f"{tile.most:g}")
        console.print(table)
    events = Plain("decision", "at", one.field, title="Decisions counted, newest first", by_id=True)
    for event in one.events:
        events.add_row(str(event.decision_id), event.at.isoformat(), str(event.value))
    console.print(events)


def _as_json(one: Explained) -> dict[str, Any]:
    return {
        "field": one.field,
        "by": one.by,
        "values": one.values,
        "tiles": [
            {
                "widths": [step.width for step in steps],
                "start": tile.start,
                "entries": tile.entries,
                "total": tile.total,
            }
            for steps, tiles in one.tiles.items()
            for tile in tiles
        ],
        "events": [{"decision_id": e.decision_id, "at": e.at.isoformat(), "value": e.value} for e in one.events],
    }


@contextmanager
def _progress(what: str) -> Iterator[Told]:
    """Show a count of rows and the time elapsed."""
    columns = (SpinnerColumn(), TextColumn("{task.description}: {task.completed:,.0f} rows"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(what, total=None)
        yield lambda rows: progress.advance(task, rows)
