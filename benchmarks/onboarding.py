"""Anybody's data: `andon init`, the project's training and its deciding, on data sets of every kind.

The data sets are those that scikit-learn carries or draws, and generated files with the oddities of real ones
(`onboarding_sets.py`). Each one becomes a project by the command line, is trained by the project's own script, and its
line decides rows that the project never saw. Judged: how many data sets work, whether
a line is wrong more often than its target beyond chance, and whether a line automates nothing although its own evidence
proves the target. Seconds and memory are printed. Two data sets run at a time, in about five minutes.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks import goals
from benchmarks.onboarding_formats import URL_VARIABLE
from benchmarks.onboarding_judging import Onboarded, goals_of, problem_of
from benchmarks.onboarding_sets import SETS
from benchmarks.peers.running import ONE_THREAD

LIMIT = 600.0
"""Seconds after which a step of one data set counts as hung."""

_ROOT = Path(__file__).parent.parent
_SHOWN = 300


class StepFailed(Exception):
    """A step of a data set failed; the message holds the end of what it printed."""


@dataclass(slots=True)
class Spent:
    """Seconds of all steps of a data set, and the largest memory of one."""

    seconds: float = 0.0
    peak_mb: float = 0.0


class Steps:
    """Runs the steps of data sets as processes of their own, and ends the running ones when it is closed."""

    def __init__(self) -> None:
        self._running: set[subprocess.Popen[bytes]] = set()

    def run(
        self, words: Sequence[str], folder: Path, environment: Mapping[str, str], spent: Spent | None = None
    ) -> str:
        """Run a Python command and return what it printed. Raises StepFailed."""
        began = time.perf_counter()
        with tempfile.TemporaryFile() as output:
            process = subprocess.Popen(
                [sys.executable, *words],
                cwd=folder,
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
            self._running.add(process)
            limit = threading.Timer(LIMIT, process.kill)
            limit.start()
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            limit.cancel()
            self._running.discard(process)
            if spent is not None:
                spent.seconds += time.perf_counter() - began
                spent.peak_mb = max(spent.peak_mb, used.ru_maxrss / 1e3)
            output.seek(0)
            text = output.read().decode(errors="replace")
        if process.returncode != 0:
            raise StepFailed(f"{words[-1]} ended with {process.returncode}: {' '.join(text[-_SHOWN:].split())}")
        return text

    def close(self) -> None:
        """End the running steps."""
        for process in list(self._running):
            process.kill()


def main() -> int:
    """Measure, print, and with --check report whether all goals were reached."""
    arguments = argparse.ArgumentParser(prog="script/bench onboarding", description=__doc__)
    arguments.add_argument("--check", action="store_true", help="exit 1 when a goal is missed")
    arguments.add_argument("--sets", nargs="+", choices=sorted(SETS), metavar="NAME", help="only these data sets")
    arguments.add_argument("--jobs", type=int, default=2, help="data sets at a time")
    arguments.add_argument("--keep", type=Path, metavar="FOLDER", help="leave the files and projects there")
    given = arguments.parse_args()
    chosen = given.sets or list(SETS)
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="andon-bench-") as name:
        found = _measured(chosen, given.keep or Path(name), given.jobs)
    Console(width=None if sys.stdout.isatty() else 160).print(_table(found))
    judged = goals_of(found)
    Console().print(goals.table_of(judged))
    figures = {"seconds": round(time.perf_counter() - began, 1), "sets": [asdict(one) for one in found]}
    print(json.dumps({"benchmark": "onboarding", **figures, **goals.as_json(judged)}))
    return 1 if given.check and goals.missed(judged) else 0


def _measured(names: Sequence[str], folder: Path, jobs: int) -> list[Onboarded]:
    steps, pool = Steps(), ThreadPoolExecutor(jobs)
    try:
        running = [pool.submit(_onboard, steps, name, folder / name) for name in names]
        return [one.result() for one in running]
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        steps.close()
        pool.shutdown()


def _onboard(steps: Steps, name: str, folder: Path) -> Onboarded:
    """Take one data set from its file to decisions on held-out rows."""
    folder.mkdir(parents=True)
    spent, side = Spent(), ("-m", "benchmarks.onboarding_side")
    environment = {
        **ONE_THREAD,
        URL_VARIABLE: f"sqlite:///{folder / 'rows.sqlite'}",
        "PYTHONPATH": f"{_ROOT}{os.pathsep}{_ROOT / 'src'}",
        "COLUMNS": "160",
    }
    found: dict[str, Any] = {}
    try:
        words = json.loads(steps.run([*side, "write", name, str(folder)], _ROOT, environment))["words"]
        steps.run(["-m", "andon", "init", "project", *words], folder, environment, spent)
        steps.run(["train.py"], folder / "project", environment, spent)
        printed = steps.run([*side, "decide", name, str(folder)], _ROOT, environment, spent)
        found = json.loads(printed.splitlines()[-1])
        problem = problem_of(found)
    except StepFailed as error:
        problem = str(error)
    print(f"{name}: {problem or 'works'} ({spent.seconds:.1f} s)", file=sys.stderr, flush=True)
    kept = ("rows", "automatic", "errors", "target", "confidence", "evidence")
    measured = {field: found[field] for field in kept if field in found}
    return Onboarded(name, problem, round(spent.seconds, 1), round(spent.peak_mb, 1), **measured)


def _table(found: Sequence[Onboarded]) -> Table:
    table = Table(
        "data set", "works", "rows", "automatic", "wrong of these", "target", "could", "seconds", "peak MB", ""
    )
    for one in found:
        error = f"{100 * one.errors / one.automatic:.2f}%" if one.automatic else ""
        remark = "BREAKS ITS TARGET" if one.breaks(len(found)) else "AUTOMATES NOTHING" if one.idle else ""
        table.add_row(
            one.name,
            "yes" if one.problem is None else "NO",
            f"{one.rows:,}",
            f"{one.share:.0%}",
            error,
            f"{100 * one.target:.3g}%",
            "yes" if one.could else "no",
            f"{one.seconds:.1f}",
            f"{one.peak_mb:,.0f}",
            remark or (one.problem or "")[:_SHOWN],
        )
    return table


if __name__ == "__main__":
    sys.exit(main())
