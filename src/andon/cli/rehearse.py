"""`andon rehearse`: recorded traffic sent to another gateway, and invented rows."""

import asyncio
import json
import os
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer
from pydantic_core import to_json
from rich.console import Console

from andon import decisions, rehearsals
from andon.access import KeyRing, Unauthenticated
from andon.authoring import Automation, span_of
from andon.bootstrap.project import chosen, load_automations
from andon.cli.context import Project, project
from andon.cli.printing import Facts, Plain
from andon.cli.progress import progress
from andon.decisions import Contract
from andon.kernel.ids import time_of, uuid7
from andon.rehearsals import (
    RecordedCall,
    RowSource,
    SyntheticRows,
    TargetRecorded,
    TargetUnusable,
    TrafficReport,
    TrafficTarget,
)

app = typer.Typer(help="Send recorded traffic to a staging gateway, and invent rows.", no_args_is_help=True)

Name = Annotated[str | None, typer.Argument(help="The automation; optional if there is only one.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]

PAGE = 500
LOOKED_AT = 5_000
"""The number of newest recorded inputs that shape the invented rows."""


@app.command()
def traffic(
    to: Annotated[str, typer.Option(help="The gateway that receives the calls, such as http://127.0.0.1:8090.")],
    automation: Name = None,
    since: Annotated[str, typer.Option(help="How far back the recorded calls begin, such as 1h or 7d.")] = "1h",
    pace: Annotated[
        float, typer.Option(min=0.01, max=10_000, help="The speed, as a multiple of the recorded speed.")
    ] = 1.0,
    key_file: Annotated[Path | None, typer.Option(help="A file that holds the key of that gateway.")] = None,
    key_env: Annotated[str | None, typer.Option(help="The environment variable that holds the key instead.")] = None,
    even_here: Annotated[
        bool,
        typer.Option("--even-here", help="Allow sending to this installation, which then decides every call again."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Send recorded calls to another gateway at their recorded pace, and compare its decisions."""
    key = _key(key_file, key_env)
    with project() as here:
        name = chosen(load_automations(here.settings), automation).name
        if not even_here:
            _refuse_own(here, key)
        now = here.clock.now()
        first, last = now - span_of(since), now
        with here.database.begin() as tx:
            count = decisions.stats(tx, first, last, [name]).decisions
        if count == 0:
            raise rehearsals.NothingRecorded(f"{name} decided nothing in the last {since}")
        target, run = TrafficTarget(to, name, key), f"rehearsal-{uuid7(now)}"
        with progress(f"Sending to {target.url}", count, "calls") as advance:
            pages = _pages(here, name, first, last)
            report = asyncio.run(rehearsals.send_traffic(pages, target, run=run, pace=pace, sent=advance))
    if as_json:
        typer.echo(json.dumps(_document(report), indent=2))
    else:
        _show(report, name)


@app.command()
def rows(
    out: Annotated[Path, typer.Option(help="The file to write: .jsonl, .csv or .parquet.")],
    automation: Name = None,
    count: Annotated[int, typer.Option("--rows", min=0, max=10_000_000, help="The number of rows.")] = 1_000,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same rows.")] = 0,
    edges: Annotated[
        bool, typer.Option("--edges", help="Add rows at the edges of the contract: bounds, missing values, odd texts.")
    ] = False,
) -> None:
    """Invent rows that the contract accepts, spread like the model's training data and recorded inputs."""
    with project() as here:
        declared = chosen(load_automations(here.settings), automation)
        contract = Contract(declared.contract)
        fields = rehearsals.fields_of(contract.schema())
        rehearsals.check_rows_file(out, fields, edges=edges)
        source = _source(here, declared, contract)
        drawing = SyntheticRows(contract, source, seed=seed, now=here.clock.now())
    added = 0

    def every() -> Iterator[dict[str, Any]]:
        nonlocal added
        with progress(f"Writing {out.name}", count, "rows") as advance:
            for row in drawing.take(count):
                advance(1)
                yield row
        if edges:
            (typical,) = drawing.take(1)
            for row in rehearsals.edge_rows(typical, fields, seed=seed):
                if drawing.is_valid(row):
                    added += 1
                    yield row

    written = rehearsals.write_rows(out, every(), fields)
    _show_source(source, declared)
    more = f", {added:,} of them at the edges" if edges else ""
    typer.echo(f"{written:,} rows are in {out}{more}; the contract refused {drawing.refused:,}")


def _key(file: Path | None, variable: str | None) -> str:
    """Read the key of the gateway that receives the calls. Raises TargetUnusable."""
    if (file is None) == (variable is None):
        raise TargetUnusable("Give the gateway's key with --key-file or --key-env")
    if file is not None:
        if not file.is_file():
            raise TargetUnusable(f"There is no file {file} with a key")
        return file.read_text(encoding="utf-8").strip()
    key = os.environ.get(str(variable), "").strip()
    if not key:
        raise TargetUnusable(f"The environment variable {variable} (of --key-env) is not set")
    return key


def _refuse_own(here: Project, key: str) -> None:
    """Refuse a key of this installation, which would record the same calls once more. Raises TargetRecorded."""
    ring, now = KeyRing(here.pepper), here.clock.now()
    with here.database.begin() as tx:
        ring.refresh(tx, now)
    try:
        ring.authenticate(key, now)
    except Unauthenticated:
        return
    raise TargetRecorded(
        "This key belongs to the installation that recorded these calls, which would decide and act again; "
        "use a key of the other installation, or add --even-here"
    )


def _pages(here: Project, name: str, first: datetime, last: datetime) -> Iterator[Sequence[RecordedCall]]:
    """Read the recorded calls of a span, oldest first."""
    after: UUID | None = None
    while True:
        with here.database.begin() as tx:
            found = decisions.following(tx, name, first, last, limit=PAGE, after=after)
        if not found:
            return
        after = found[-1].row.id
        yield [
            RecordedCall(one.row.id, time_of(one.row.id), to_json(one.record["input"]), one.row.outcome)
            for one in found
        ]


def _source(here: Project, declared: Automation, contract: Contract) -> RowSource:
    """Read the spreads of the automation's inputs: from its champion's profile and its newest recorded inputs."""
    with here.database.begin() as tx:
        champion = decisions.champion_of(tx, declared)
        recorded = [one.record["input"] for one in decisions.newest(tx, declared.name, LOOKED_AT)]
    return rehearsals.source_of(
        contract.schema(),
        champion.manifest.signature.features,
        champion.manifest.profile,
        recorded,
    )


def _show_source(source: RowSource, declared: Automation) -> None:
    origins: dict[str, list[str]] = {}
    for one in source.fields:
        origins.setdefault(one.origin.value, []).append(one.field.name)
    table = Plain("from", "fields")
    words = {
        "profile": f"profile of {declared.model}",
        "recorded": f"{source.recorded:,} recorded inputs",
        "contract": "the contract alone",
    }
    for origin, names in origins.items():
        table.add_row(words[origin], ", ".join(names))
    Console().print(table)
    how = (
        f"as in {source.recorded:,} recorded inputs" if source.dependent else "not at all: too few inputs are recorded"
    )
    typer.echo(f"Fields depend on each other {how}")


def _show(report: TrafficReport, name: str) -> None:
    facts = Facts(f"Recorded calls of {name}")
    rates = f"{report.rate:,.1f}/s of {report.planned_rate:,.1f}/s planned, at worst {report.late_seconds:.1f} s late"
    facts.add_row("sent", f"{report.sent:,} in {report.seconds:.1f} s")
    facts.add_row("rate", rates)
    quantiles = ", ".join(f"{word} {1000 * report.latency(share):.1f}" for word, share in _SHARES.items())
    facts.add_row("latency in ms", quantiles)
    facts.add_row("decided", f"{report.answered:,}, {report.same:,} of them as recorded")
    failed = ", ".join(f"{count:,} {what}" for what, count in report.failures.most_common())
    facts.add_row("not decided", failed or "none")
    Console().print(facts)
    changed = [(pair, count) for pair, count in report.outcomes.most_common() if pair[0] != pair[1]]
    if changed:
        table = Plain("recorded", "now", "calls")
        for (recorded, now), count in changed:
            table.add_row(recorded, now, f"{count:,}")
        Console().print(table)


_SHARES = {"half": 0.5, "95%": 0.95, "99%": 0.99, "slowest": 1.0}


def _document(report: TrafficReport) -> dict[str, Any]:
    return {
        "sent": report.sent,
        "seconds": round(report.seconds, 3),
        "rate": round(report.rate, 3),
        "planned_rate": round(report.planned_rate, 3),
        "late_seconds": round(report.late_seconds, 3),
        "latency_ms": {word: round(1000 * report.latency(share), 3) for word, share in _SHARES.items()},
        "answered": report.answered,
        "same": report.same,
        "failures": dict(report.failures),
        "outcomes": [
            {"recorded": recorded, "now": now, "calls": count}
            for (recorded, now), count in report.outcomes.most_common()
        ],
    }
