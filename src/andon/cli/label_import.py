"""`andon labels import FILE`: true classes from a file of any length. Importing the same file again adds nothing."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Annotated

import typer
from pydantic_core import to_json
from rich.console import Console

from andon import labels
from andon.cli.context import Project, project
from andon.cli.label_file import Given, Staged, staged
from andon.cli.progress import progress
from andon.kernel.errors import AndonError, Invalid
from andon.kernel.plurals import plural
from andon.labels import Fate, LabelInvalid, Settled, TruthReport, report_of

_REFUSED_SHOWN = 5


class LabelsRefused(Invalid):
    """Some rows of a file were refused; they are in a file next to it, with the reasons."""


def import_labels(
    file: Annotated[
        Path, typer.Argument(help="A CSV, Parquet or NDJSON file; each row is one label.", show_default=False)
    ],
) -> None:
    """Record the labels of a file. Refused rows are written next to it; importing the same file again adds nothing."""
    with project() as here, staged(file) as rows:
        run = _Import(here, file)
        run.all(rows)
    _say(", ".join(f"{run.counts[fate]:,} {fate}" for fate in Fate))
    if run.first:
        shown = "; ".join(run.first)
        raise LabelsRefused(f"{plural(run.counts[Fate.REFUSED], 'row')} refused, see {run.beside}: {shown}")


class _Import:
    """One import, chunk after chunk, each in a transaction of its own."""

    def __init__(self, here: Project, file: Path) -> None:
        self.beside = file.with_name(f"{file.stem}.refused.ndjson")
        self.counts: Counter[Fate] = Counter()
        self.first: list[str] = []
        self._here, self._file = here, file
        self._written = datetime.fromtimestamp(file.stat().st_mtime, UTC)

    def all(self, rows: Staged) -> None:
        """Record all rows."""
        self.beside.unlink(missing_ok=True)
        with progress(f"Importing {self._file.name}", rows.count(), "rows") as advance:
            for chunk in rows.chunks():
                self._add(chunk)
                advance(len(chunk))

    def _add(self, chunk: Sequence[Given]) -> None:
        read = [_read(given) for given in chunk]
        good = [one for one in read if isinstance(one, TruthReport)]
        with self._here.database.begin() as tx:
            recorded = iter(
                labels.record_all(
                    tx,
                    good,
                    actor=self._here.actor,
                    events=self._here.events,
                    now=self._here.clock.now(),
                    undated=self._written,
                )
            )
        ends = [next(recorded) if isinstance(one, TruthReport) else Settled(Fate.REFUSED, error=one) for one in read]
        self.counts.update(end.fate for end in ends)
        refused = [(given, end.error) for given, end in zip(chunk, ends, strict=True) if end.error is not None]
        if refused:
            with self.beside.open("ab") as out:
                self._refuse(out, refused)

    def _refuse(self, out: IO[bytes], refused: Sequence[tuple[Given, AndonError]]) -> None:
        for given, error in refused:
            values = given.values
            shown = {"given": given.raw.decode(errors="replace")} if values is None else values
            out.write(to_json({**shown, "row": given.number, "refused": str(error)}) + b"\n")
            if len(self.first) < _REFUSED_SHOWN:
                self.first.append(f"row {given.number}: {error}")


def _read(given: Given) -> TruthReport | LabelInvalid:
    values = given.values
    try:
        return report_of(given.raw if values is None else values)
    except LabelInvalid as error:
        return error


def _say(what: str) -> None:
    Console().print(what, highlight=False, markup=False, soft_wrap=True)
