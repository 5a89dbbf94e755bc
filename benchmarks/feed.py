"""The speed of one consumer of the feed compared with one gateway with 64 callers, in turns on the same line.

The line is that of `script/bench decide`, run as `andon up`: key check, features with windows, model, policy, durable
record with its audit chain. In each round 64 callers send requests for some seconds; then one process reads the
decisions, as a monitor does: features and prediction of every decision, thousands in one transaction, in which its
position moves. Goal: twice the gateway's rate.
"""

import argparse
import json
import shutil
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from andon.decisions import Feed
from andon.kernel import config, postgres
from andon.kernel.db import Database
from andon_demo.line import Line
from benchmarks.decide import ONE_THREAD, PROJECT, _bodies
from benchmarks.loadgen import Load, measure

GOAL = 2.0
CALLERS = 64
ROUNDS = 3
SECONDS = 4.0
WARM_UP_SECONDS = 2.0


class Miscounted(RuntimeError):
    """The consumer did not read exactly the answered decisions."""


@dataclass(frozen=True, slots=True)
class Round:
    """The result of one round: decisions, the rates of deciding and reading, the reader's CPU time of each."""

    decisions: int
    decided_per_second: float
    read_per_second: float
    read_cpu_us: float


def main() -> int:
    """Measure, print, and with --check report whether the goal was reached."""
    arguments = argparse.ArgumentParser(prog="script/bench feed", description=__doc__)
    arguments.add_argument("--check", action="store_true", help="exit 1 when the goal is missed")
    check = arguments.parse_args().check
    with tempfile.TemporaryDirectory(prefix="andon-bench-") as name:
        Path(name).chmod(0o711)
        folder = Path(name) / "project"
        shutil.copytree(PROJECT, folder, ignore=shutil.ignore_patterns("__pycache__"))
        rounds = _measured(folder)
    figures = {name: _median(rounds, name) for name in ("decided_per_second", "read_per_second", "read_cpu_us")}
    ratio = round(statistics.median(one.read_per_second / one.decided_per_second for one in rounds), 2)
    _print(rounds, ratio)
    print(json.dumps({"benchmark": "feed", **figures, "ratio": ratio, "goal": GOAL, "reached": ratio >= GOAL}))
    return 0 if ratio >= GOAL or not check else 1


def _measured(folder: Path) -> list[Round]:
    with Line(folder, environment=ONE_THREAD) as line, Console(stderr=True).status("warming up") as status:
        line.up()
        headers = {"Authorization": f"Bearer {line.key('bench', 'caller')}"}
        url = f"{line.url}/v1/automations/bench/decisions"
        database, feed = Database(postgres.url_of(config.load(folder, {}))), Feed("bench")
        try:
            _round(Load(url, _bodies(windows=False), CALLERS, WARM_UP_SECONDS, '"outcome"', headers), database, feed)
            rounds = []
            for number in range(ROUNDS):
                status.update(f"round {number + 1} of {ROUNDS}")
                load = Load(url, _bodies(windows=False), CALLERS, SECONDS, '"outcome"', headers)
                rounds.append(_round(load, database, feed))
            return rounds
        finally:
            database.close()


def _round(load: Load, database: Database, feed: Feed) -> Round:
    """Decide, then read all decisions. Raises Miscounted."""
    decided = measure(load)
    began, cpu = time.perf_counter(), time.process_time()
    read = _read(database, feed)
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    if decided.failed or read != decided.answered:
        raise Miscounted(f"{decided.answered} were answered, {decided.failed} failed and {read} were read")
    return Round(read, decided.per_second, round(read / seconds, 1), round(cpu / read * 1e6, 2))


def _read(database: Database, feed: Feed) -> int:
    """Sum each decision's score and one of its features, and return the count."""
    read, scores, amounts = 0, 0.0, 0.0
    while True:
        with database.begin() as tx:
            taken = feed.take(tx)
            for item in taken.items:
                recorded = item.read()
                scores += 0.0 if recorded.prediction is None else recorded.prediction.score
                amounts += recorded.features["amount_sum_1h"]
        if not taken.passed:
            break
        read += len(taken.items)
    if not 0.0 < scores < read < amounts:
        raise Miscounted(f"{read} decisions have scores of {scores} and amounts of {amounts} in all")
    return read


def _median(rounds: list[Round], name: str) -> float:
    return round(float(statistics.median(getattr(one, name) for one in rounds)), 2)


def _print(rounds: list[Round], ratio: float) -> None:
    table = Table(title=f"Reading against deciding for {CALLERS} callers: {ratio:.1f} times", title_justify="left")
    for column in ("decisions", "decided a second", "read a second", "CPU µs of the reader a decision"):
        table.add_column(column, justify="right")
    for one in rounds:
        cells = (f"{one.decisions:,}", f"{one.decided_per_second:,.0f}", f"{one.read_per_second:,.0f}")
        table.add_row(*cells, f"{one.read_cpu_us:.1f}")
    Console(width=120).print(table)


if __name__ == "__main__":
    sys.exit(main())
