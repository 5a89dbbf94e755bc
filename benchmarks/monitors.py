"""The cost of all default monitors: CPU of a decision with monitors on and off, in pairs on the same line.

The line is that of `script/bench decide`, run as `andon up`. In each pair 64 callers send requests for some seconds
while a process of this benchmark does the worker's chores of the stream of decisions, without the tally of monitors
(off), and for as long with it and with the chores of monitors (on), in turns of order. CPU is that of all processes,
PostgreSQL's included, until all decisions are read. Goal: at most 5% more.
"""

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table
from sqlalchemy import text

from andon import decisions
from andon.evidence import CONSUMER
from andon.kernel import config, postgres
from andon.kernel.db import Database
from andon_demo.line import Line, cpu_of
from benchmarks import goals
from benchmarks.decide import ONE_THREAD, PROJECT, _bodies
from benchmarks.goals import Goal, at_most, none_of
from benchmarks.loadgen import Load, measure

GOAL = 0.05
CALLERS = 64
PAIRS = 10
SECONDS = 4.0
WARM_UP_SECONDS = 3.0
SETTLED_SECONDS = 8.0
"""The time after each load, in which the worker reads the rest.

The same for both halves, because idle lines use CPU too.
"""

_HOLD = text("""
UPDATE chores SET holder = 'benchmark', lease_until = clock_timestamp() + interval '2 hours'
WHERE name LIKE 'monitors%' OR name IN ('collect_evidence', 'count_again')
""")


class NotRead(RuntimeError):
    """The stream did not read the decisions in time."""


@dataclass(frozen=True, slots=True)
class Half:
    """Decisions of one half of a pair, failures, and CPU microseconds of each: of all processes, and of the stream."""

    decisions: int
    failed: int
    cpu_us: float
    stream_us: float


@dataclass(frozen=True, slots=True)
class Pair:
    """The same load with monitors off and on."""

    off: Half
    on: Half

    @property
    def share(self) -> float:
        """The fraction that monitors add to the CPU of a decision."""
        return self.on.cpu_us / self.off.cpu_us - 1


def main() -> int:
    """Measure, print, and with --check report whether the goal was reached."""
    arguments = argparse.ArgumentParser(prog="script/bench monitors", description=__doc__)
    arguments.add_argument("--check", action="store_true", help="exit 1 when the goal is missed")
    arguments.add_argument("--pairs", type=int, default=PAIRS, help="pairs of off and on")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="andon-bench-") as name:
        Path(name).chmod(0o711)
        folder = Path(name) / "project"
        shutil.copytree(PROJECT, folder, ignore=shutil.ignore_patterns("__pycache__"))
        pairs = _measured(folder, given.pairs)
    judged = goals_of(pairs)
    _print(pairs, judged)
    figures = {"pairs": [asdict(one) for one in pairs]}
    print(json.dumps({"benchmark": "monitors", **figures, **goals.as_json(judged)}))
    return 1 if given.check and goals.missed(judged) else 0


def goals_of(pairs: Sequence[Pair]) -> list[Goal]:
    """Judge the median of the pairs."""
    added = statistics.median(one.share for one in pairs)
    failed = sum(one.off.failed + one.on.failed for one in pairs)
    return [
        at_most("CPU that monitors add to that of a decision", added, GOAL),
        none_of("requests that failed", failed),
    ]


def _measured(folder: Path, count: int) -> list[Pair]:
    with Line(folder, environment=ONE_THREAD) as line, Console(stderr=True).status("warming up") as status:
        line.up()
        headers = {"Authorization": f"Bearer {line.key('bench', 'caller')}"}
        url = f"{line.url}/v1/automations/bench/decisions"
        database_url = postgres.url_of(config.load(folder, {}))
        database = Database(database_url)
        bodies = _bodies(windows=False)
        try:
            with database.begin() as tx:
                tx.execute(_HOLD)
            with _stream(database_url) as stream:
                side = _Side(line, database, stream)
                for on in (False, True):
                    side.half(Load(url, bodies, CALLERS, WARM_UP_SECONDS, '"outcome"', headers), on=on)
                pairs = []
                for number in range(count):
                    status.update(f"pair {number + 1} of {count}")
                    halves = {}
                    for on in (False, True) if number % 2 else (True, False):
                        halves[on] = side.half(Load(url, bodies, CALLERS, SECONDS, '"outcome"', headers), on=on)
                    pairs.append(Pair(halves[False], halves[True]))
                return pairs
        finally:
            database.close()


class _Side:
    """A line whose stream of decisions is read by a process of this benchmark."""

    def __init__(self, line: Line, database: Database, stream: subprocess.Popen[str]) -> None:
        self._line, self._database, self._stream = line, database, stream

    def half(self, load: Load, *, on: bool) -> Half:
        """Send load for this long, and wait until everything is read. Raises NotRead."""
        assert self._stream.stdin is not None
        assert self._stream.stdout is not None
        print("on" if on else "off", file=self._stream.stdin, flush=True)
        self._stream.stdout.readline()
        before = self._cpu()
        decided = measure(load)
        time.sleep(SETTLED_SECONDS)
        after = self._cpu()
        self._require_all_read()
        each = 1e6 / max(decided.answered, 1)
        used = [
            sum(max(now - then.get(key, 0.0), 0.0) for key, now in some.items())
            for some, then in zip(after, before, strict=True)
        ]
        return Half(decided.answered, decided.failed, round(used[0] * each, 2), round(used[1] * each, 2))

    def _require_all_read(self) -> None:
        with self._database.begin() as tx:
            unread = dict(decisions.oldest_unread(tx)).get(CONSUMER)
        if unread is not None:
            raise NotRead(f"{SETTLED_SECONDS:.0f} s after the load not everything had been read")

    def _cpu(self) -> tuple[dict[tuple[int, float], float], dict[tuple[int, float], float]]:
        stream = psutil.Process(self._stream.pid)
        return _used([*self._line.processes(), stream]), _used([stream])


@contextmanager
def _stream(url: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "benchmarks.monitors_stream", url]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def _used(processes: Sequence[psutil.Process]) -> dict[tuple[int, float], float]:
    found: dict[tuple[int, float], float] = {}
    for one in processes:
        with suppress(psutil.NoSuchProcess):
            found[one.pid, one.create_time()] = cpu_of(one)
    return found


def _print(pairs: Sequence[Pair], judged: Sequence[Goal]) -> None:
    table = Table(title=f"CPU of a decision in µs, {CALLERS} callers", title_justify="left")
    for column in ("decisions off", "on", "all processes off", "on", "stream off", "on", "added"):
        table.add_column(column, justify="right")
    for one in pairs:
        counts = (f"{one.off.decisions:,}", f"{one.on.decisions:,}")
        cpu = (f"{one.off.cpu_us:.1f}", f"{one.on.cpu_us:.1f}", f"{one.off.stream_us:.1f}", f"{one.on.stream_us:.1f}")
        table.add_row(*counts, *cpu, f"{one.share:+.1%}")
    Console(width=120).print(table)
    Console(width=120).print(goals.table_of(judged))


if __name__ == "__main__":
    sys.exit(main())
