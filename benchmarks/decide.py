"""Decisions per second compared with a plain endpoint: the same estimator, the same rows, the same machine, in turns.

Andon runs as `andon up` with everything on: key check, features with windows, model, policy, durable record with its
audit chain. The peer is benchmarks/peer.py, which predicts and nothing else. Both get one OpenMP thread: with more,
scikit-learn's threads compete for the cores with everything else, and the peer collapses to a hundredth of its
throughput. Goal: 3 times the peer's throughput at 64 connections.
"""

import argparse
import contextlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import psutil
from rich.console import Console
from rich.table import Table

from andon_demo.line import Line, free_ports, wait_for
from benchmarks import goals
from benchmarks.goals import Goal, at_least, none_of
from benchmarks.loadgen import Load
from benchmarks.side import Round, Side

PROJECT = Path(__file__).parent / "decide-project"
CONNECTIONS = (1, 16, 64)
ROUNDS = 3
SECONDS = 4.0
ONE_THREAD = {"OMP_NUM_THREADS": "1"}
GOAL = 3.0
GOAL_AT = 64
INPUTS = ("amount", *(f"v{i}" for i in range(1, 17)))
SHOWN = ("per_second", "p50", "p95", "p99", "cpu_us")
WINDOWS = ("amount_count_1h", "amount_sum_1h", "amount_max_1h")


def main() -> int:
    """Measure, print, and with --check report whether the goal was reached."""
    arguments = argparse.ArgumentParser(prog="script/bench decide", description=__doc__)
    arguments.add_argument("--check", action="store_true", help="exit 1 when the goal is missed")
    check = arguments.parse_args().check
    with tempfile.TemporaryDirectory(prefix="andon-bench-") as name:
        Path(name).chmod(0o711)
        folder = Path(name) / "project"
        shutil.copytree(PROJECT, folder, ignore=shutil.ignore_patterns("__pycache__"))
        figures = _measured(folder)
    judged = goals_of(figures)
    Console().print(goals.table_of(judged))
    print(json.dumps({"benchmark": "decide", **figures, **goals.as_json(judged)}))
    return 1 if check and goals.missed(judged) else 0


def goals_of(figures: Mapping[str, Any]) -> list[Goal]:
    """Judge the throughput against the peer."""
    return [
        at_least(f"throughput at {GOAL_AT} against the plain endpoint's", figures["ratio"][str(GOAL_AT)], GOAL),
        none_of("requests that failed", figures["failed"]),
    ]


Results: TypeAlias = dict[tuple[str, int], list[Round]]


def _measured(folder: Path) -> dict[str, Any]:
    with Line(folder, environment=ONE_THREAD) as line:
        line.up()
        headers = {"Authorization": f"Bearer {line.key('bench', 'caller')}"}
        model = next((folder / ".andon" / "models").glob("**/*.skops"))
        with _peer(model) as (peer_url, peer):
            url = f"{line.url}/v1/automations/bench/decisions"
            andon = Load(url, _bodies(windows=False), 1, 1.0, '"outcome"', headers)
            plain = Load(peer_url, _bodies(windows=True), 1, 1.0, '"score"')
            sides = {
                "andon": Side(andon, lambda: {"andon": line.processes()}),
                "peer": Side(plain, lambda: {"peer": [peer]}),
            }
            results = _rounds(sides)
    _print(results)
    return _summary(results)


def _rounds(sides: Mapping[str, Side]) -> Results:
    """Measure both sides in turns, so that any other load hits both; a short round warms each up."""
    results: Results = {}
    with Console(stderr=True).status("warming up") as status:
        for side in sides.values():
            side.measure(GOAL_AT, 1.0)
        for turn, n, (name, side) in product(range(ROUNDS), CONNECTIONS, sides.items()):
            status.update(f"round {turn + 1} of {ROUNDS}: {name} at {n} connections")
            results.setdefault((name, n), []).append(side.measure(n, SECONDS))
    return results


def _summary(results: Results) -> dict[str, Any]:
    figures = {
        side: {name: {str(n): _median(results[side, n], name) for n in CONNECTIONS} for name in SHOWN}
        for side in ("andon", "peer")
    }
    andon, peer = figures["andon"]["per_second"], figures["peer"]["per_second"]
    failures = [failure for rounds in results.values() for one in rounds for failure in one.failures]
    return {
        **figures,
        "ratio": {n: round(andon[n] / max(peer[n], 0.1), 2) for n in andon},
        "failed": sum(one.failed for rounds in results.values() for one in rounds),
        "failures": failures[:3],
    }


def _print(results: Results) -> None:
    title = f"Median of {ROUNDS} rounds of {SECONDS:.0f} s; latencies in ms, CPU of all processes in µs a decision"
    table = Table(title=title, title_justify="left")
    for column in ("", "at", "a second", "p50", "p95", "p99", "CPU", "failed", "load CPU"):
        table.add_column(column, justify="right" if column else "left")
    for (side, n), rounds in sorted(results.items(), key=lambda item: (item[0][1], item[0][0])):
        cells = [f"{_median(rounds, name):,.2f}" for name in ("p50", "p95", "p99")]
        cells += [f"{_median(rounds, 'cpu_us'):,.0f}", str(sum(one.failed for one in rounds))]
        load = f"{_median(rounds, 'generator_cpu'):.0%}"
        table.add_row(side, str(n), f"{_median(rounds, 'per_second'):,.0f}", *cells, load)
    Console().print(table)


def _median(rounds: Sequence[Round], name: str) -> float:
    return round(float(statistics.median(getattr(one, name) for one in rounds)), 3)


def _bodies(*, windows: bool) -> list[str]:
    """Return rows of many accounts; the peer receives the windows, which Andon computes."""
    rng = np.random.default_rng(11)
    rows = []
    for number in range(2_000):
        row: dict[str, Any] = {
            name: round(float(value), 4) for name, value in zip(INPUTS, rng.standard_normal(len(INPUTS)), strict=True)
        }
        row["amount"] = round(float(rng.lognormal(4, 1)), 2)
        if windows:
            row |= dict(zip(WINDOWS, (1.0, row["amount"], row["amount"]), strict=True))
        else:
            row["account_id"] = f"account-{number}"
        rows.append(json.dumps(row))
    return rows


@contextlib.contextmanager
def _peer(model: Path) -> Iterator[tuple[str, psutil.Process]]:
    """Run the plain endpoint as a process of its own."""
    (port,) = free_ports(1)
    command = [sys.executable, "-m", "uvicorn", "benchmarks.peer:app", "--port", str(port), "--log-level", "warning"]
    environment = {**os.environ, **ONE_THREAD, "PEER_MODEL": str(model), "PEER_FEATURES": ",".join((*INPUTS, *WINDOWS))}
    process = subprocess.Popen(command, cwd=PROJECT.parent.parent, env=environment, stdin=subprocess.DEVNULL)
    try:
        wait_for(port, process)
        yield f"http://127.0.0.1:{port}/predict", psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(10)


if __name__ == "__main__":
    sys.exit(main())
