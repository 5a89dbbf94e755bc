"""`andon decide FILE`: the rows of a file through the same line as every call, the decisions beside the file."""

import asyncio
import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from time import perf_counter_ns
from typing import Annotated, Any

import typer
from pydantic_core import to_json
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from andon import datafile
from andon.bootstrap.project import opened_line
from andon.cli.context import Project, project
from andon.datafile import DataFile
from andon.decisions import Decider, Decision, DecisionRequest, InputInvalid, InputMalformed, Line, Unwatched
from andon.kernel.errors import Conflict, Invalid
from andon.kernel.ids import uuid7

BATCH = 256
_REFUSED_SHOWN = 5
COLUMNS = ("row", "decision_id", "outcome", "score", "confidence", "rule", "reasons", "model_version", "error")

File = Annotated[Path, typer.Argument(help="A CSV or Parquet file; one row, one decision.")]
Name = Annotated[str | None, typer.Option("--automation", help="Which automation decides, if there are several.")]
Output = Annotated[Path | None, typer.Option(help="Where the decisions go; FILE with .decisions.csv if not given.")]
Force = Annotated[bool, typer.Option("--overwrite", help="Replace the output if it is there.")]


class RowsRefused(Invalid):
    """Some rows do not fit the contract; they stand in the output with the reason."""


class OutputExists(Conflict):
    """The output is there already."""


def decide(file: File, automation: Name = None, output: Output = None, overwrite: Force = False) -> None:
    """Decide every row of a file and write the decisions beside it."""
    target = output or file.with_name(f"{file.stem}.decisions.csv")
    if target.exists() and not overwrite:
        raise OutputExists(f"{target} is there already; remove it, choose another --output, or say --overwrite")
    with (
        project() as here,
        datafile.reading(file) as data,
        opened_line(here.settings, here.database, here.clock, automation) as line,
    ):
        left_out = sorted(set(data.names) - _wanted(line))
        if left_out:
            Console().print(f"Left out, not in the contract: {', '.join(left_out)}", highlight=False, markup=False)
        refused = asyncio.run(_decide_file(here, line, data, target))
    Console().print(f"Decisions are in {target}", highlight=False, markup=False)
    if refused:
        shown = "; ".join(f"row {row}: {why}" for row, why in refused[:_REFUSED_SHOWN])
        raise RowsRefused(f"{len(refused)} rows do not fit the contract: {shown}")


async def _decide_file(here: Project, line: Line, data: DataFile, target: Path) -> list[tuple[int, str]]:
    refused: list[tuple[int, str]] = []
    decider = Decider(here.database, lambda: {line.ref.automation: line}, clock=here.clock, watcher=Unwatched())
    draft = target.with_name(f"{target.name}.part")
    try:
        with draft.open("w", encoding="utf-8", newline="") as out, _progress() as progress:
            task = progress.add_task(f"Deciding {data.path.name}", total=data.count())
            writer = csv.writer(out)
            writer.writerow(COLUMNS)
            for batch in _batches(enumerate(data.rows(), start=1)):
                requests = dict(_read(here, line, batch, refused))
                decided = await decider.decide_batch(list(requests.values()))
                why = dict(refused[-len(batch) :])
                for number, _ in batch:
                    request = requests.get(number)
                    writer.writerow(_row(number, None if request is None else decided[request.id], why.get(number)))
                progress.advance(task, len(batch))
        draft.replace(target)
    finally:
        await decider.close()
        draft.unlink(missing_ok=True)
    return refused


def _read(
    here: Project, line: Line, batch: Sequence[tuple[int, Mapping[str, Any]]], refused: list[tuple[int, str]]
) -> Iterator[tuple[int, DecisionRequest]]:
    wanted = _wanted(line)
    for number, row in batch:
        raw = to_json({name: value for name, value in row.items() if name in wanted})
        now = here.clock.now()
        try:
            given = line.contract.read(raw)
        except (InputInvalid, InputMalformed) as error:
            refused.append((number, "; ".join(f"{f.where}: {f.message}" for f in error.faults) or str(error)))
            continue
        identifier = uuid7(now)
        yield (
            number,
            DecisionRequest(
                id=identifier,
                automation=line.ref.automation,
                raw=raw,
                input=given,
                caller=here.actor.name,
                correlation_id=str(identifier),
                asked_at=now,
                began_ns=perf_counter_ns(),
            ),
        )


def _wanted(line: Line) -> set[str]:
    """The names under which the contract takes its fields."""
    return {field.alias or name for name, field in line.contract.model.model_fields.items()}


def _row(number: int, decision: Decision | None, error: str | None) -> list[Any]:
    if decision is None:
        return [number, *[""] * (len(COLUMNS) - 2), error]
    prediction, ruling = decision.judgement.prediction, decision.judgement.ruling
    return [
        number,
        decision.request.id,
        ruling.outcome,
        "" if prediction is None else prediction.score,
        "" if prediction is None else prediction.confidence,
        ruling.rule,
        " ".join(ruling.reasons),
        decision.line.model.version,
        ruling.error or "",
    ]


def _batches(rows: Iterable[tuple[int, Mapping[str, Any]]]) -> Iterator[list[tuple[int, Mapping[str, Any]]]]:
    following = iter(rows)
    while batch := list(islice(following, BATCH)):
        yield batch


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
