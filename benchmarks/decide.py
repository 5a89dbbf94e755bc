"""Decisions a second beside a plain endpoint: the same estimator, the same rows, the same machine, in turns.

Andon runs as `andon up` with everything on: key check, features with windows, model, policy, durable record with its audit
chain. The peer is benchmarks/peer.py, which predicts and nothing else. Goal: 3 times its throughput at 64 connections.
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
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.line import Line, free_ports, wait_for
from benchmarks.loadgen import Figures, Load, measure

PROJECT = Path(__file__).parent / "decide-project"
CONNECTIONS = (1, 16, 64)
ROUNDS = 3
SECONDS = 4.0
GOAL = 3.0
GOAL_AT = 64
INPUTS = ("amount", *(f"v{i}" for i in range(1, 17)))
WINDOWS = ("amount_count_1h", "amount_sum_1h", "amount_max_1h")


def main() -> int:
    """Measure, print, and with --check say whether the goal was reached."""
    arguments = argparse.ArgumentParser(prog="script/bench decide", description=__doc__)
    arguments.add_argument("--check", action="store_true", help="exit 1 when the goal is missed")
    check = arguments.parse_args().check
    with tempfile.TemporaryDirectory(prefix="andon-bench-") as name:
        Path(name).chmod(0o711)
        folder = Path(name) / "project"
        shutil.copytree(PROJECT, folder, ignore=shutil.ignore_patterns("__pycache__"))
        figures = _measured(folder)
    reached = figures["ratio"][str(GOAL_AT)] >= GOAL and not figures["failed"]
    print(json.dumps({"benchmark": "decide", **figures, "goal": GOAL, "reached": reached}))
    return 0 if reached or not check else 1


def _measured(folder: Path) -> dict[str, Any]:
    with Line(folder) as line:
        line.up(until="/livez")
        line.register("train.py")
        key = line.key("bench", "caller")
        line.wait_until_ready()
        model = next((folder / ".andon" / "models").glob("**/*.skops"))
        with _peer(model) as peer_url:
            return _rounds(line, key, peer_url)


def _rounds(line: Line, key: str, peer_url: str) -> dict[str, Any]:
    """Both sides in turns, so that whatever else the machine does hits both."""
    sides = {
        "andon": Load(
            f"{line.url}/v1/automations/bench/decisions",
            _bodies(windows=False),
            1,
            1.0,
            '"outcome"',
            {"Authorization": f"Bearer {key}"},
        ),
        "peer": Load(peer_url, _bodies(windows=True), 1, 1.0, '"score"'),
    }
    for load in sides.values():
        measure(load)
    results: dict[tuple[str, int], list[Figures]] = {(side, n): [] for side in sides for n in CONNECTIONS}
    console = Console(stderr=True)
    with console.status("measuring") as status:
        for turn in range(ROUNDS):
            for n in CONNECTIONS:
                for side, load in sides.items():
                    status.update(f"round {turn + 1} of {ROUNDS}: {side} at {n} connections")
                    results[side, n].append(measure(Load(load.url, load.bodies, n, SECONDS, load.expect, load.headers)))
    _print(results)
    return _summary(results)


def _summary(results: dict[tuple[str, int], list[Figures]]) -> dict[str, Any]:
    def of(side: str, name: str) -> dict[str, float]:
        return {str(n): _median(results[side, n], name) for n in CONNECTIONS}

    names = ("per_second", "p50", "p95", "p99")
    figures = {side: {name: of(side, name) for name in names} for side in ("andon", "peer")}
    ratio = {
        n: round(figures["andon"]["per_second"][n] / max(figures["peer"]["per_second"][n], 0.1), 2)
        for n in map(str, CONNECTIONS)
    }
    failures = [failure for rounds in results.values() for one in rounds for failure in one.failures]
    failed = sum(one.failed for rounds in results.values() for one in rounds)
    return {**figures, "ratio": ratio, "failed": failed, "failures": failures[:3]}


def _print(results: dict[tuple[str, int], list[Figures]]) -> None:
    table = Table(title=f"Median of {ROUNDS} rounds of {SECONDS:.0f} s", title_justify="left")
    for column in ("", "connections", "decisions/s", "p50 ms", "p95 ms", "p99 ms", "failed", "generator CPU"):
        table.add_column(column, justify="left" if not column else "right")
    for (side, n), rounds in sorted(results.items(), key=lambda item: (item[0][1], item[0][0])):
        cells = [f"{_median(rounds, name):,.2f}" for name in ("p50", "p95", "p99")]
        failed = sum(one.failed for one in rounds)
        table.add_row(
            side,
            str(n),
            f"{_median(rounds, 'per_second'):,.0f}",
            *cells,
            str(failed),
            f"{_median(rounds, 'generator_cpu'):.0%}",
        )
    Console().print(table)


def _median(rounds: Sequence[Figures], name: str) -> float:
    return round(float(statistics.median(getattr(one, name) for one in rounds)), 3)


def _bodies(*, windows: bool) -> list[str]:
    """Rows of many accounts; the peer is given the windows, which Andon computes."""
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
def _peer(model: Path) -> Iterator[str]:
    """The plain endpoint as a process of its own."""
    (port,) = free_ports(1)
    command = [sys.executable, "-m", "uvicorn", "benchmarks.peer:app", "--port", str(port), "--log-level", "warning"]
    environment = {**os.environ, "PEER_MODEL": str(model), "PEER_FEATURES": ",".join((*INPUTS, *WINDOWS))}
    process = subprocess.Popen(command, cwd=PROJECT.parent.parent, env=environment, stdin=subprocess.DEVNULL)
    try:
        wait_for(port, process)
        yield f"http://127.0.0.1:{port}/predict"
    finally:
        process.terminate()
        process.wait(10)


if __name__ == "__main__":
    sys.exit(main())
