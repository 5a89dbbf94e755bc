"""The speed of replaying decisions, compared with one gateway making them: the same line, in turns, in one run.

The line is that of `script/bench serving`, run as `andon up`. In each round 64 callers send requests for some seconds;
then its whole ledger goes through `andon replay`, with each prediction made again, timed as a user experiences it: from
the command to its report. The ledger is filled up to a million decisions with copies of recorded ones, a day earlier
each. At the end every decision of the gateway is decided again by the versions that made it, and the memory of a replay
of few decisions is compared with that of one of many.

Off-policy estimates are checked on simulated logs with known truth (`off_policy.py`), once everything else is measured.

Measuring the line gives up after fifteen minutes. Ten million decisions would fill some 20 GB, so memory is compared at
100,000 and at a million.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread

import psutil
from rich.console import Console
from rich.table import Table
from sqlalchemy import text

from andon.kernel import config, postgres
from andon.kernel.db import Database
from andon.kernel.ids import floor_of
from andon_demo.line import ANDON, Line, resident_of
from benchmarks import goals, off_policy
from benchmarks.goals import Goal, at_least, at_most, none_of, ratio
from benchmarks.loadgen import Load, measure
from benchmarks.off_policy import LogFigures
from benchmarks.peers.running import ONE_THREAD
from benchmarks.serving import _task, _train

TIMES = 3.0
"""The factor by which a replay should be faster than a gateway."""

GROWTH = 1.15
"""Peak memory with many decisions, relative to that with few."""

CALLERS = 64
ROUNDS = 3
SECONDS = 5.0
MANY = 1_000_000
FEW = 100_000
MODEL = "serving-model@1"
LIMIT = 900.0
"""Seconds for all measurements except the simulated logs."""

_COPY = """
INSERT INTO decisions (id, {columns})
SELECT (lpad(to_hex(('x' || left(replace(id::text, '-', ''), 12))::bit(48)::bigint - :earlier), 12, '0')
        || right(replace(id::text, '-', ''), 20))::uuid, {columns}
FROM (SELECT * FROM decisions WHERE id >= :first ORDER BY id LIMIT :rows) recorded
"""
_COLUMNS = text("""
SELECT string_agg(quote_ident(column_name), ', ') FROM information_schema.columns
WHERE table_name = 'decisions' AND table_schema = current_schema() AND column_name <> 'id'
""")
_DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Timed:
    """One replay: decisions, seconds from command to report, differences, and peak memory of all its processes."""

    decisions: int
    seconds: float
    apart: int
    peak_mb: float

    @property
    def per_second(self) -> float:
        """Decisions a second."""
        return self.decisions / self.seconds


@dataclass(frozen=True, slots=True)
class Outcome:
    """The measurements. `deciding` and `replaying` are decisions a second, by round; `verified` are the gateway's."""

    deciding: list[float]
    replaying: list[float]
    verified: Timed
    few: Timed
    many: Timed


def main() -> int:
    """Measure, print, and with --check report whether the goals were reached."""
    arguments = argparse.ArgumentParser(prog="script/bench replay", description=__doc__)
    arguments.add_argument("--rounds", type=int, default=ROUNDS, help="of load and replay in turns")
    arguments.add_argument("--decisions", type=int, default=MANY, help="in the ledger, once it is filled up")
    arguments.add_argument("--logs", type=int, default=off_policy.LOGS, help="simulated logs of each kind")
    arguments.add_argument("--check", action="store_true", help="exit 1 when a goal is missed")
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="andon-") as name:
        Path(name).chmod(0o711)
        outcome = _measured(Path(name), rounds=options.rounds, decisions=options.decisions)
    estimates = off_policy.figures(options.logs)
    judged = [*goals_of(outcome), *off_policy.goals(estimates)]
    _show(outcome)
    _show_estimates(estimates)
    Console().print(goals.table_of(judged))
    figures = {**asdict(outcome), "off_policy": [asdict(one) for one in estimates]}
    print(json.dumps({"benchmark": "replay", **figures, **goals.as_json(judged)}))
    return 1 if options.check and goals.missed(judged) else 0


def goals_of(outcome: Outcome) -> list[Goal]:
    """Judge a run."""
    times = ratio(statistics.median(outcome.replaying), statistics.median(outcome.deciding))
    return [
        at_least("decisions replayed per second, relative to those of one gateway", times, TIMES),
        none_of("decisions that the same versions make differently", outcome.verified.apart),
        at_most(
            f"peak memory with {outcome.many.decisions:,} decisions, relative to that with {outcome.few.decisions:,}",
            ratio(outcome.many.peak_mb, outcome.few.peak_mb),
            GROWTH,
        ),
    ]


def _measured(folder: Path, *, rounds: int, decisions: int) -> Outcome:
    _train(folder)
    _, bodies = _task(folder)
    until = time.monotonic() + LIMIT
    with Line(folder / "project", environment=ONE_THREAD) as line, Console(stderr=True).status("starting") as status:
        line.up()
        began = datetime.now(UTC)
        url, authorization = f"{line.url}/v1/automations/serving/decisions", f"Bearer {line.key('bench', 'caller')}"
        load = Load(url, bodies, CALLERS, SECONDS, '"outcome"', {"Authorization": authorization})
        measure(replace(load, seconds=2.0))
        deciding, replaying = list[float](), list[float]()
        for number in range(rounds):
            status.update(f"round {number + 1} of {rounds}: deciding")
            deciding.append(measure(load).per_second)
            if number == 0:
                status.update("filling the ledger")
                _fill(line, began, decisions, until)
            status.update(f"round {number + 1} of {rounds}: replaying")
            many = _replayed(line, until, "--since", "1970-01-01", "--model", MODEL)
            replaying.append(many.per_second)
        status.update("deciding again by the same versions")
        verified = _replayed(line, until, "--since", began.isoformat())
        status.update("replaying few")
        few = _replayed(line, until, "--last", str(FEW), "--model", MODEL)
    return Outcome([round(one, 1) for one in deciding], [round(one, 1) for one in replaying], verified, few, many)


class TooSlow(Exception):
    """The limit of the run passed."""


def _left(until: float) -> float:
    """Return the remaining seconds of the run. Raises TooSlow."""
    left = until - time.monotonic()
    if left <= 0:
        raise TooSlow(f"{LIMIT:.0f} seconds passed; try a smaller --decisions or --rounds")
    return left


def _fill(line: Line, began: datetime, decisions: int, until: float) -> None:
    """Copy the decisions since `began`, a day earlier each time, until there are this many. Raises TooSlow."""
    settings = config.load(line.folder)
    database = Database(postgres.url_of(settings))
    first = floor_of(began)
    try:
        with database.begin() as tx:
            columns = tx.execute(_COLUMNS).scalar_one()
            count = text("SELECT count(*) FROM decisions")
            made: int = tx.execute(count).scalar_one()
        if not made:
            raise RuntimeError("The gateway decided nothing that could be copied")
        there, days = made, 0
        while there < decisions:
            days += 1
            rows = min(made, decisions - there)
            with database.begin() as tx:
                tx.execute(text(f"SET LOCAL statement_timeout = {1000 * _left(until):.0f}"))
                wanted = {"earlier": days * _DAY_MS, "first": first, "rows": rows}
                there += tx.execute(text(_COPY.format(columns=columns)), wanted).rowcount
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE decisions"))
    finally:
        database.close()


def _replayed(line: Line, until: float, *arguments: str) -> Timed:
    """Run `andon replay` to its report, as a user does. Raises TooSlow."""
    report = line.folder / "report.json"
    command = [ANDON, "replay", "serving", *arguments, "--json", str(report)]
    began = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=line.folder, env=line.environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    try:
        with _Peak(process.pid) as peak:
            code = process.wait(_left(until))
    except subprocess.TimeoutExpired as error:
        raise TooSlow("`andon replay` took longer than the remaining time of the run") from error
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(30)
    seconds = time.perf_counter() - began
    if code != 0:
        raise RuntimeError(f"`andon replay` ended with {code}")
    found = json.loads(report.read_text(encoding="utf-8"))
    apart = found["decisions"] - found["identical"]
    return Timed(found["decisions"], round(seconds, 2), apart, round(peak.bytes / 1e6, 1))


class _Peak:
    """The peak memory of a process and its children together, sampled twenty times a second."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self._ended = Event()
        self._watching = Thread(target=self._watch)
        self.bytes = 0

    def __enter__(self) -> "_Peak":
        self._watching.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._watching.join()

    def _watch(self) -> None:
        while not self._ended.wait(0.05):
            with suppress(psutil.NoSuchProcess):
                family = [self._process, *self._process.children(recursive=True)]
                self.bytes = max(self.bytes, sum(map(resident_of, family)))


def _show(outcome: Outcome) -> None:
    table = Table("", "decisions", "seconds", "a second", "peak memory", title="Replays", title_justify="left")
    for name, one in (
        ("predicted again, all", outcome.many),
        ("predicted again, few", outcome.few),
        ("the same versions, all of the gateway's", outcome.verified),
    ):
        table.add_row(
            name, f"{one.decisions:,}", f"{one.seconds:,.1f}", f"{one.per_second:,.0f}", f"{one.peak_mb:,.0f} MB"
        )
    Console().print(table)
    rates = ", ".join(f"{one:,.0f}" for one in outcome.deciding)
    Console().print(f"One gateway with {CALLERS} callers: {rates} decisions a second", highlight=False)


def _show_estimates(estimates: Sequence[LogFigures]) -> None:
    table = Table("", "logs", "covered", "silent", "median width", title="Off-policy estimates", title_justify="left")
    for one in estimates:
        covered, width = ("–" if value is None else f"{value:.3f}" for value in (one.covered, one.width))
        table.add_row(one.name, f"{one.logs:,}", covered, f"{one.silent:.3f}", width)
    Console().print(table)


if __name__ == "__main__":
    sys.exit(main())
