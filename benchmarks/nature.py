"""The promises under natural conditions: late verdicts, cases that belong together, weekends, unequal arms.

Each cell is a world of `nature_worlds`, `nature_arms`, `nature_features` or `nature_logs`, and a promise. The worlds
know nothing of Andon; `nature_gate`, `nature_trials`, `nature_drift` and `nature_intervals` connect them with it. A
cell fails when the exact one-sided 95% lower bound of its rate (Clopper and Pearson 1934) exceeds its promise. Every
run has its own seed, so a cell gives the same figures whatever else runs. The whole takes about an hour on two cores.

`--cell` takes the beginning of names: `--cell "false proof"`. `--against` runs the same worlds on another commit.
"""

import argparse
import json
import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks import goals
from benchmarks.goals import Goal, at_least, at_most
from benchmarks.nature_cells import CELLS, Cell, Kind

ROOT = Path(__file__).parent.parent
ADAPTERS = ("nature_gate.py", "nature_trials.py", "nature_drift.py", "nature_intervals.py")
SEED = 20_261_203
LEVEL = 0.05
PROCESSES = 2
UNITS = 40
"""The parts into which the runs of a cell are divided, at most."""

FIRST, AT_ONCE = 60, 20
"""The runs of a cell that may end early: before the first judgement (60 without an event tell 5%), and between two."""

RESAMPLED = 2_000


@dataclass(frozen=True, slots=True)
class CellFigures:
    """The result of a cell: runs that said something, its rate (or share, or ratio), bounds, and CPU seconds."""

    name: str
    kind: str
    promise: float
    runs: int
    silent: int
    measured: float | None
    low: float | None
    high: float | None
    seconds: float


def main() -> int:
    """Measure, print, and with --check report whether all promises were kept."""
    arguments = argparse.ArgumentParser(prog="script/bench nature", description=__doc__)
    arguments.add_argument("--check", action="store_true", help="exit 1 when a promise is broken")
    arguments.add_argument("--cell", action="append", help="only cells whose names begin so; may be repeated")
    arguments.add_argument("--runs", type=int, help="runs of each cell")
    arguments.add_argument("--against", help="another commit, which runs the same worlds")
    arguments.add_argument("--figures", action="store_true", help="print the figures alone, without judging them")
    options = arguments.parse_args()
    wanted = chosen(options.cell)
    if not wanted:
        arguments.error(f"no cell begins with {' or '.join(map(repr, options.cell))}")
    if options.runs is not None and options.runs < 1:
        arguments.error("--runs must be at least 1")
    found = measure(wanted, options.runs)
    if options.figures:
        print(json.dumps([asdict(one) for one in found]))
        return 0
    before = against(options.against, wanted, options.runs) if options.against else []
    judged = goals_of(found, before)
    Console().print(_table(found, judged, before))
    figures = {"cells": [asdict(one) for one in found], "before": [asdict(one) for one in before]}
    print(json.dumps({"benchmark": "nature", **figures, **goals.as_json(judged)}))
    return 1 if options.check and goals.missed(judged) else 0


def chosen(beginnings: Sequence[str] | None) -> list[Cell]:
    """Return the cells whose names begin with one of these; all without any."""
    return [one for one in CELLS.values() if not beginnings or one.name.startswith(tuple(beginnings))]


def measure(cells: Sequence[Cell], runs: int | None = None, processes: int = PROCESSES) -> list[CellFigures]:
    """Run cells, on several processes."""
    results: dict[str, list[Any]] = {one.name: [] for one in cells}
    seconds = dict.fromkeys(results, 0.0)
    if processes == 1:
        for one in cells:
            while units := _next_units(one, results[one.name], runs):
                for unit in units:
                    _take(unit, _run(*unit), results, seconds)
    else:
        # Before a process starts numpy: two processes on two cores need no further threads.
        os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
        spawn = multiprocessing.get_context("spawn")
        with (
            ProcessPoolExecutor(processes, mp_context=spawn) as pool,
            Progress(console=Console(stderr=True)) as progress,
        ):
            task = progress.add_task("worlds", total=0)
            waiting: dict[Future[tuple[list[Any], float]], tuple[str, int, int]] = {}
            idle = set(results)
            while idle or waiting:
                for name in idle:
                    waiting |= {
                        pool.submit(_run, *unit): unit for unit in _next_units(CELLS[name], results[name], runs)
                    }
                done, _ = wait(waiting, return_when=FIRST_COMPLETED)
                for part in done:
                    _take(waiting[part], part.result(), results, seconds)
                finished = {waiting.pop(part)[0] for part in done}
                idle = finished - {unit[0] for unit in waiting.values()}
                progress.update(task, advance=len(done), total=progress.tasks[0].completed + len(done) + len(waiting))
    return [figures_of(one, results[one.name], seconds[one.name]) for one in cells]


def figures_of(cell: Cell, results: Sequence[Any], seconds: float) -> CellFigures:
    """Summarise the runs of a cell with one-sided 95% bounds."""
    said = [one for one in results if one is not None]
    measured, low, high = _summary(cell.kind, said) if said else (None, None, None)
    return CellFigures(
        cell.name,
        cell.kind.value,
        cell.promise,
        len(said),
        len(results) - len(said),
        measured,
        low,
        high,
        round(seconds, 1),
    )


def goals_of(found: Sequence[CellFigures], before: Sequence[CellFigures] = ()) -> list[Goal]:
    """Judge each cell: the lower bound of a rate or a ratio, and a share against that of the version before.

    A cell that says nothing fails, unless silence is right there.
    """
    shares_before = {one.name: one.measured for one in before}
    judged = []
    for one in found:
        cell = CELLS[one.name]
        if not one.runs and not cell.silence_is_right:
            judged.append(at_least(f"{one.name}, runs that say anything", 0.0, 1.0))
        elif one.kind == Kind.SHARE:
            known = shares_before.get(one.name) or cell.before
            part = None if one.measured is None or not known else one.measured / known
            judged.append(at_least(f"{one.name}, part of the share before", part, one.promise))
        else:
            judged.append(at_most(f"{one.name}, lower bound", one.low, one.promise))
    return judged


def against(revision: str, cells: Sequence[Cell], runs: int | None) -> list[CellFigures]:
    """Run the same worlds on another commit, with the adapters it has, or those for versions before there were any."""
    with tempfile.TemporaryDirectory(prefix="andon-nature-") as name:
        folder = Path(name)
        packed = _git("archive", "--format=tar", revision, "src").stdout
        subprocess.run(["tar", "-x", "-C", name], input=packed, check=True)
        shutil.copytree(ROOT / "benchmarks", folder / "benchmarks", ignore=shutil.ignore_patterns("__pycache__"))
        for adapter in ADAPTERS:
            own = _git("show", f"{revision}:benchmarks/{adapter}", check=False)
            former = (ROOT / "benchmarks" / "nature_before" / adapter).read_bytes()
            (folder / "benchmarks" / adapter).write_bytes(former if own.returncode else own.stdout)
        command = [sys.executable, "-m", "benchmarks", "nature", "--figures"]
        command += [argument for one in cells for argument in ("--cell", one.name)]
        command += [] if runs is None else ["--runs", str(runs)]
        environment = os.environ | {"PYTHONPATH": f"{folder / 'src'}{os.pathsep}{folder}"}
        done = subprocess.run(command, cwd=folder, env=environment, stdout=subprocess.PIPE, check=True)
    return [CellFigures(**one) for one in json.loads(done.stdout)]


def _git(*arguments: str, check: bool = True) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, check=check, timeout=120)


def _next_units(cell: Cell, results: Sequence[Any], runs: int | None) -> list[tuple[str, int, int]]:
    """Divide the next runs of a cell into parts that processes take; none when its result is there.

    A cell that may end early does so once its upper bound is under the promise. At 10% instead of 5% this happens with
    a probability of 0.3%, so nearly no broken promise ends early.
    """
    made, end = len(results), runs or cell.runs
    if cell.may_end_early and runs is None:
        figures = figures_of(cell, results, 0.0)
        if figures.high is not None and figures.high < cell.promise:
            return []
        end = min(end, max(made + AT_ONCE, FIRST))
    edges = np.linspace(made, end, min(end - made, UNITS) + 1).astype(int).tolist()
    return [(cell.name, first, last) for first, last in pairwise(edges)]


def _run(name: str, start: int, end: int) -> tuple[list[Any], float]:
    """Run a part of a cell. Return its results and its CPU seconds."""
    began, cell = time.process_time(), CELLS[name]
    results = [cell.run(np.random.default_rng([SEED, crc32(name.encode()), run])) for run in range(start, end)]
    return results, time.process_time() - began


def _take(
    unit: tuple[str, int, int],
    done: tuple[list[Any], float],
    results: dict[str, list[Any]],
    seconds: dict[str, float],
) -> None:
    results[unit[0]] += done[0]
    seconds[unit[0]] += done[1]


def _summary(kind: Kind, said: Sequence[Any]) -> tuple[float, float, float]:
    """Compute the figure of a cell with its lower and its upper bound."""
    if kind is Kind.RATE:
        count = sum(map(bool, said))
        return count / len(said), *exact_bounds(count, len(said))
    rng = np.random.default_rng(SEED)
    values = np.array(said, dtype=float)
    drawn = values[rng.integers(len(values), size=(RESAMPLED, len(values)))]
    if kind is Kind.SHARE:
        figure, resampled = values.mean(), drawn.mean(axis=1)
    else:
        figure, resampled = _ratio(np.median(values, axis=0)), _ratio(np.median(drawn, axis=1))
    low, high = np.quantile(resampled, (LEVEL, 1.0 - LEVEL))
    return float(figure), float(low), float(high)


def _ratio(pairs: Any) -> Any:
    return pairs[..., 0] / np.maximum(pairs[..., 1], 1.0)


def exact_bounds(count: int, runs: int) -> tuple[float, float]:
    """Return the exact one-sided 95% bounds of a rate, each for itself."""
    from scipy.stats import beta

    low = 0.0 if count == 0 else float(beta.ppf(LEVEL, count, runs - count + 1))
    high = 1.0 if count == runs else float(beta.ppf(1.0 - LEVEL, count + 1, runs - count))
    return low, high


def _table(found: Sequence[CellFigures], judged: Sequence[Goal], before: Sequence[CellFigures]) -> Table:
    title = "Promises under natural conditions, with one-sided 95% bounds"
    table = Table(
        "cell", "promise", "runs", "measured", "before", "verdict", "CPU s", title=title, title_justify="left"
    )
    known = {one.name: one for one in before}
    for one, goal in zip(found, judged, strict=True):
        verdict = {True: "kept", False: "BROKEN", None: "silent"}[goal.reached]
        runs = f"{one.runs}" if not one.silent else f"{one.runs}, {one.silent} silent"
        earlier = _shown(known[one.name]) if one.name in known else _recorded(one)
        table.add_row(one.name, _percent(one, one.promise), runs, _shown(one), earlier, verdict, f"{one.seconds:.0f}")
    return table


def _recorded(one: CellFigures) -> str:
    before = CELLS[one.name].before
    return "" if before is None else _percent(one, before)


def _shown(one: CellFigures) -> str:
    if one.measured is None or one.low is None or one.high is None:
        return "silent"
    return f"{_percent(one, one.measured)} [{_percent(one, one.low)}, {_percent(one, one.high)}]"


def _percent(one: CellFigures, value: float) -> str:
    return f"{value:.2f}" if one.kind == Kind.RATIO else f"{value:.1%}"


if __name__ == "__main__":
    sys.exit(main())
