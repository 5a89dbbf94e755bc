"""`andon decide FILE`, or `--query QUERY`: decides each row once, even across kills, by the same line as calls."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Annotated

import typer
import uvloop
from pydantic_core import to_json
from rich.console import Console

from andon import datafile, scoring
from andon.bootstrap.project import deployed_alone
from andon.bootstrap.scoring import IntervalsOf, scorer
from andon.bootstrap.threads import one_thread
from andon.cli.context import Project, project
from andon.cli.progress import progress
from andon.cli.prospects import print_prospects
from andon.datafile import DataFileInvalid
from andon.decisions import Deployment
from andon.kernel.errors import Conflict, Invalid
from andon.kernel.ids import uuid7
from andon.kernel.plurals import plural
from andon.models import ModelVersion
from andon.scoring import Run, Scored, SourceRow, SourceRows

_REFUSED_SHOWN = 5

File = Annotated[
    Path | None,
    typer.Argument(
        help="A file in a format that andon init reads, or JSON; each row is one decision.", show_default=False
    ),
]
Query = Annotated[str | None, typer.Option("--query", help="Decide the rows of this query instead of a file.")]
UrlEnv = Annotated[
    str | None,
    typer.Option(
        help="Environment variable with the SQLAlchemy URL of the database for --query; default: Andon's own."
    ),
]
Name = Annotated[
    str | None, typer.Option("--automation", help="The automation that decides; required if there are several.")
]
Output = Annotated[
    Path | None,
    typer.Option(help="The file to write: .parquet, .csv or .ndjson; default: FILE with .decisions.parquet."),
]
Force = Annotated[bool, typer.Option("--overwrite", help="Replace the output if it exists.")]
Keep = Annotated[list[str] | None, typer.Option("--keep", help="A column to carry into the output; may be repeated.")]
Sheet = Annotated[
    str | None, typer.Option(help="The sheet of a workbook, or the file in a ZIP archive; default: the first.")
]
Header = Annotated[
    int | None, typer.Option(min=1, help="The line number of the header; found automatically if not given.")
]
Again = Annotated[
    bool, typer.Option("--again", help="Decide all rows from scratch instead of continuing a killed run.")
]


class RowsRefused(Invalid):
    """Some rows do not match the contract; they are in the output with the reason."""


class OutputExists(Conflict):
    """The output already exists."""


class SourceUnclear(Invalid):
    """The source of the rows is missing or given twice."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """The arguments of the command."""

    file: Path | None
    query: str | None
    url_env: str | None
    target: Path
    keep: tuple[str, ...]
    again: bool
    sheet: str | None = None
    header: int | None = None

    @property
    def shown(self) -> str:
        """The source in words that may be kept forever: no path, no text of a query."""
        if self.file is not None:
            return self.file.name
        return f"a query on {self.url_env or 'the database of Andon'}"


def decide(
    file: File = None,
    query: Query = None,
    url_env: UrlEnv = None,
    automation: Name = None,
    output: Output = None,
    overwrite: Force = False,
    keep: Keep = None,
    again: Again = False,
    sheet: Sheet = None,
    header: Header = None,
) -> None:
    """Decide every row of a file or a query and write the decisions. Restarted after a kill, it continues."""
    asked = _Asked(file, query, url_env, _target(file, query, output), tuple(keep or ()), again, sheet, header)
    if file is not None and not file.exists():
        raise DataFileInvalid(f"There is no file {file}")
    if asked.target.exists() and not overwrite:
        raise OutputExists(f"{asked.target} already exists; remove it, choose another --output, or use --overwrite")
    scoring.check(asked.target, asked.keep)
    one_thread()
    with project() as here:
        deployment = deployed_alone(here.settings, here.database, here.clock, automation)
        refused = _Command(here, deployment, asked).run()
    if refused:
        shown = "; ".join(f"row {row}: {why}" for row, why in refused.first)
        raise RowsRefused(
            f"{plural(refused.count, 'row')} {'does' if refused.count == 1 else 'do'} not match the contract: {shown}"
        )


def _target(file: Path | None, query: str | None, output: Path | None) -> Path:
    if (file is None) == (query is None):
        raise SourceUnclear("Name a file, or give a query with --query")
    if output is not None:
        return output
    if file is None:
        raise SourceUnclear("A query needs --output, such as --output decisions.parquet")
    return file.with_name(f"{file.stem}.decisions.parquet")


class _Refused:
    """The refused rows: their number, and the first few."""

    def __init__(self) -> None:
        self.count = 0
        self.first: list[tuple[int, str]] = []

    def __bool__(self) -> bool:
        return self.count > 0

    def add(self, row: Scored) -> None:
        """Add a row."""
        self.count += 1
        if len(self.first) < _REFUSED_SHOWN:
            self.first.append((row.row, row.error or ""))


class _Command:
    """One `andon decide`, from finding the run to its end."""

    def __init__(self, here: Project, deployment: Deployment, asked: _Asked) -> None:
        self._here, self._deployment, self._asked = here, deployment, asked
        ((self._automation, self._line),) = deployment.lines.items()
        self._outcomes: Counter[str] = Counter()
        self._refused = _Refused()
        self._began = monotonic()

    def run(self) -> _Refused:
        """Run the command and return the refused rows."""
        digest = self._digest()
        with self._here.database.alone(f"andon.scoring/{self._automation}/{digest}") as alone:
            if not alone:
                raise scoring.RunBusy(f"Another process is deciding {self._asked.shown}; wait for it, or stop it")
            unfinished = self._unfinished(digest)
            with self._rows(digest, unfinished) as rows:
                for notice in rows.notices:
                    _say(notice)
                if rows.left_out:
                    _say(f"Left out, not in the contract: {', '.join(rows.left_out)}")
                run = unfinished or self._begun(digest, rows.count())
                read_back = uvloop.run(self._decide(run, rows))
            with self._here.database.begin() as tx:
                scoring.end(tx, run, self._here.actor, now=self._here.clock.now(), refused=self._refused.count)
            if self._asked.query is not None:
                self._fetched(digest).unlink(missing_ok=True)
        self._tell(run, read_back)
        return self._refused

    async def _decide(self, run: Run, rows: SourceRows) -> int:
        """Decide all rows and write the output; return how many the ledger already had."""
        here, intervals = self._here, IntervalsOf(self._here.database)
        with (
            progress(f"Deciding {run.source}", run.rows, "rows") as advance,
            scoring.writing(self._asked.target, run.id, self._asked.keep) as output,
        ):

            def kept(scored: Sequence[Scored], given: Sequence[SourceRow]) -> None:
                complete = [intervals.add(row) for row in scored]
                output.add([(row, one.kept) for row, one in zip(complete, given, strict=True)])
                self._count(scored)
                advance(len(scored))

            async with scorer(here.settings, here.database, here.clock, self._deployment, run) as deciding:
                await deciding.run(rows, kept)
            return deciding.read_back

    def _count(self, scored: Sequence[Scored]) -> None:
        for row in scored:
            if row.outcome is None:
                self._refused.add(row)
            else:
                self._outcomes[row.outcome] += 1

    def _digest(self) -> str:
        """Return the digest that identifies these rows."""
        if self._asked.file is None:
            return hashlib.sha256(to_json([self._asked.url_env, self._asked.query])).hexdigest()
        size = self._asked.file.stat().st_size
        with progress(f"Reading {self._asked.file.name}", size, "bytes") as advance:
            digest = scoring.digest_of(self._asked.file, advance)
        if self._asked.sheet is None and self._asked.header is None:
            return digest
        return hashlib.sha256(to_json([digest, self._asked.sheet, self._asked.header])).hexdigest()

    def _unfinished(self, digest: str) -> Run | None:
        """Return the killed run over these rows, if it is to be continued."""
        here = self._here
        with here.database.begin() as tx:
            run = scoring.unfinished(tx, self._automation, digest)
            if run is None:
                return None
            if self._asked.again:
                scoring.give_up(tx, run, here.actor, now=here.clock.now())
                scoring.discard(self._asked.target, run.id)
                return None
        _say(
            f"Continuing the run of {run.begun_at:%Y-%m-%d %H:%M} UTC: no row is decided twice (--again decides "
            "all rows again)"
        )
        return run

    def _begun(self, digest: str, rows: int) -> Run:
        now = self._here.clock.now()
        run = Run(
            id=uuid7(now),
            automation=self._automation,
            source=self._asked.shown,
            digest=digest,
            rows=rows,
            part_rows=scoring.PART_ROWS,
            caller=self._here.actor.name,
            begun_at=now,
        )
        with self._here.database.begin() as tx:
            scoring.begin(tx, run, self._here.actor)
        return run

    @contextmanager
    def _rows(self, digest: str, unfinished: Run | None) -> Iterator[SourceRows]:
        wanted = [field.alias or name for name, field in self._line.contract.model.model_fields.items()]
        if self._asked.file is not None:
            with scoring.opened(
                self._asked.file, wanted, self._asked.keep, sheet=self._asked.sheet, header=self._asked.header
            ) as rows:
                yield rows
        else:
            yield self._rows_of_query(self._asked.query or "", wanted, self._fetched(digest), unfinished)

    def _rows_of_query(self, query: str, wanted: Sequence[str], into: Path, unfinished: Run | None) -> SourceRows:
        if unfinished is None:
            into.parent.mkdir(parents=True, exist_ok=True)
            with progress("Querying the database", 0, "rows") as advance:
                left_out = scoring.fetch(self._url(), query, wanted, self._asked.keep, into, advance)
            return scoring.Fetched(into, left_out)
        if not into.exists():
            raise scoring.RunLost(
                f"The rows of this query are no longer in {into}, so it is unknown which were decided; "
                "--again runs the query and decides all rows again"
            )
        rows = scoring.Fetched(into)
        if rows.keep != self._asked.keep:
            given = " ".join(f"--keep {name}" for name in rows.keep) or "no --keep"
            raise scoring.ColumnMissing(
                f"This run began with {given}: continue with the same, or decide all rows with --again"
            )
        return rows

    def _url(self) -> str:
        if self._asked.url_env is None:
            return self._here.database.url
        return datafile.address(self._asked.url_env)

    def _fetched(self, digest: str) -> Path:
        """Return the file that holds the rows of a query until they are decided."""
        return self._here.settings.data / "runs" / f"{self._automation}-{digest[:32]}.rows"

    def _tell(self, run: Run, read_back: int) -> None:
        seconds = monotonic() - self._began
        decided = sum(self._outcomes.values())
        outcomes = ", ".join(f"{count:,} {outcome}" for outcome, count in self._outcomes.most_common())
        before = f", {read_back:,} of them earlier" if read_back else ""
        rate = f"{(decided - read_back) / seconds:,.0f}/s"
        _say(f"Decided {decided:,} of {run.rows:,} rows{before} in {seconds:.1f} s ({rate}): {outcomes or 'none'}")
        _say(f"Decisions are in {self._asked.target}")
        print_prospects(Console(), self._champion().manifest, [self._line.automation])

    def _champion(self) -> ModelVersion:
        number = self._line.ref.model.version
        return next(one.version for one in self._deployment.loaded if one.version.number == number)


def _say(what: str) -> None:
    Console().print(what, highlight=False, markup=False, soft_wrap=True)
