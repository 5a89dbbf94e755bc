"""Fluctuating load on one isolated version: how its processes follow, the waits of batches, and cold starts.

Batches arrive at random (a Poisson process) to a real pool. Its model waits 15 ms for each without using a core, so the
figures show the pool and not the machine. Goals: no more changes of direction than the load has edges; three seconds
after an edge the 95th percentile of the wait is under the target, and stays there; nothing fails after that; the
processes return to the minimum, or one more by chance. Cold starts from zero are shown and not judged.
"""

import argparse
import asyncio
import itertools
import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import uvloop

from andon import serving
from andon.models import FeatureKind, FeatureSpec, ModelVersion, PythonModel, open_package, pack
from andon.serving import Hosting, LoadedVersion, PoolStatus, PredictionFailed
from benchmarks.timeline import Line, timeline

ROOT = Path(__file__).parents[1]
SERVICE_SECONDS = 0.0155
"""The time of one batch in a free process."""

LOW, HIGH = 0.2, 2.6
"""The number of processes that the load keeps busy."""

WAVE = ((LOW, 6.0), (HIGH, 10.0), (LOW, 10.0), (HIGH, 10.0), (LOW, 10.0))
"""Each load and its duration in seconds."""

BOUNDS = {"processes_min": 1, "processes_max": 4, "idle_seconds": 3.0, "wait_target_ms": 20.0}
SETTLED_SECONDS = 3.0
COLD_STARTS = 5


@dataclass
class Seen:
    """The observations: (at, seconds waited) of answers, (at, why) of failures, (at, processes) over time."""

    waits: list[tuple[float, float]] = field(default_factory=list)
    failures: list[tuple[float, str]] = field(default_factory=list)
    processes: list[tuple[float, int]] = field(default_factory=list)


def main() -> int:
    """Measure, print, and with --check report whether the goals were reached."""
    arguments = argparse.ArgumentParser(prog="script/bench scaling", description=__doc__)
    arguments.add_argument("--check", action="store_true", help="exit 1 when a goal is missed")
    arguments.add_argument("--write", action="store_true", help="write docs/images/scaling.svg")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="andon-bench-") as name:
        version, package = _packed(Path(name))
        hosting = Hosting(isolated=True, environments=Path(name) / "environments", **BOUNDS)  # type: ignore[arg-type]
        seen = uvloop.run(_follow(serving.load(version, package, hosting)))
        none = Hosting(isolated=True, environments=hosting.environments, processes_min=0, idle_seconds=0.5)
        cold = uvloop.run(_cold_starts(serving.load(version, package, none)))
    figures, missed = _judged(seen, cold)
    _print(seen, cold)
    if given.write:
        (ROOT / "docs/images/scaling.svg").write_text(_plot(seen), encoding="utf-8")
    print(json.dumps({"benchmark": "scaling", **figures, "missed": missed}))
    return 1 if given.check and missed else 0


def _packed(folder: Path) -> tuple[ModelVersion, Path]:
    rng = random.Random(1)
    rows = [{"x": rng.gauss(0, 1)} for _ in range(200)]
    labels = ["yes" if row["x"] > 0 else "no" for row in rows]
    package = pack(
        folder / "package",
        name="waiting",
        model=PythonModel("waiting_model:Waiting", code=[Path(__file__).parent / "scaling-model/waiting_model.py"]),
        features=[FeatureSpec("x", FeatureKind.NUMBER)],
        classes=("no", "yes"),
        training=(rows[:100], labels[:100]),
        held_out=(rows[100:], labels[100:]),
        split="the first half",
    )
    manifest = open_package(package).manifest
    return ModelVersion("waiting", 1, manifest.digest, manifest, "bench", "", datetime.now(UTC), trusted=True), package


async def _follow(loaded: LoadedVersion) -> Seen:
    """Run the whole wave against a started pool."""
    await loaded.start()
    seen, began, rng = Seen(), time.perf_counter(), random.Random(7)
    asked: set[asyncio.Task[None]] = set()
    watching = asyncio.create_task(_watch(loaded, seen, began))
    until = 0.0
    for load, seconds in WAVE:
        until, due = until + seconds, time.perf_counter() - began
        while (due := due + rng.expovariate(load / SERVICE_SECONDS)) < until:
            await asyncio.sleep(max(0.0, due - (time.perf_counter() - began)))
            task = asyncio.create_task(_ask(loaded, seen, began))
            asked.add(task)
            task.add_done_callback(asked.discard)
        await asyncio.sleep(max(0.0, until - (time.perf_counter() - began)))
    await asyncio.gather(*asked)
    watching.cancel()
    await loaded.close()
    return seen


async def _ask(loaded: LoadedVersion, seen: Seen, began: float) -> None:
    at = time.perf_counter()
    try:
        await loaded.predict_soon([{"x": 1.0}], within=2.0)
    except PredictionFailed as error:
        seen.failures.append((at - began, type(error).__name__))
        return
    seen.waits.append((at - began, max(0.0, time.perf_counter() - at - SERVICE_SECONDS)))


async def _watch(loaded: LoadedVersion, seen: Seen, began: float) -> None:
    while True:
        status = _status(loaded)
        seen.processes.append((time.perf_counter() - began, status.ready + status.starting))
        await asyncio.sleep(0.05)


async def _cold_starts(loaded: LoadedVersion) -> list[float]:
    """Measure the seconds from a request to an empty pool to its answer; it empties by itself each time."""
    times = []
    await loaded.start()
    for _ in range(COLD_STARTS):
        async with asyncio.timeout(30):
            while _status(loaded).ready:  # noqa: ASYNC110 - until the pool has ended its process
                await asyncio.sleep(0.05)
        began = time.perf_counter()
        await loaded.predict_soon([{"x": 1.0}], within=60.0)
        times.append(time.perf_counter() - began)
    await loaded.close()
    return times


def _status(loaded: LoadedVersion) -> PoolStatus:
    status = loaded.status()
    if status is None:
        raise RuntimeError("the version is not isolated")
    return status


def _edges() -> list[float]:
    """Return the times at which the load changes."""
    return list(itertools.accumulate(seconds for _, seconds in WAVE))[:-1]


def _settled(at: float) -> bool:
    """Return whether enough time has passed since the last edge for everything to be well."""
    return all(not edge <= at < edge + SETTLED_SECONDS for edge in _edges()) and at >= 0.5


def _turns(counts: Sequence[int]) -> int:
    moves = [b - a for a, b in itertools.pairwise(counts) if a != b]
    return sum(1 for a, b in itertools.pairwise(moves) if (a > 0) != (b > 0))


def _p95(waits: Sequence[float]) -> float:
    return statistics.quantiles(waits, n=20)[-1] if len(waits) > 1 else max(waits, default=0.0)


def _judged(seen: Seen, cold: Sequence[float]) -> tuple[dict[str, object], list[str]]:
    """Return the figures, and the missed goals."""
    target = BOUNDS["wait_target_ms"]
    counts = [count for _, count in seen.processes]
    settled = [wait * 1000 for at, wait in seen.waits if _settled(at)]
    late_failures = [why for at, why in seen.failures if _settled(at)]
    back = [_wait_back(seen, edge) for edge in _edges()]
    figures: dict[str, object] = {
        "edges": len(_edges()),
        "changes_of_direction": _turns(counts),
        "most_processes": max(counts),
        "processes_at_the_end": counts[-1],
        "answered": len(seen.waits),
        "failed": len(seen.failures),
        "failed_when_settled": len(late_failures),
        "wait_p95_ms_when_settled": round(_p95(settled), 1),
        "seconds_until_wait_is_under_target": [round(seconds, 2) for seconds in back],
        "cold_start_seconds": round(statistics.median(cold), 2),
        "goals": {"changes_of_direction": len(_edges()), "wait_p95_ms_when_settled": target}
        | {"settled_seconds": SETTLED_SECONDS},
    }
    goals = {
        "changes_of_direction": _turns(counts) <= len(_edges()),
        "grown": max(counts) > int(HIGH),
        "shrunk": counts[-1] <= int(LOW) + 2,
        "wait_p95_ms_when_settled": _p95(settled) <= target,
        "seconds_until_wait_is_under_target": max(back) <= SETTLED_SECONDS,
        "failed_when_settled": not late_failures,
    }
    return figures, [name for name, reached in goals.items() if not reached]


def _wait_back(seen: Seen, edge: float) -> float:
    """Return the seconds from an edge to the first half second whose 95th percentile is under the target."""
    target = BOUNDS["wait_target_ms"] / 1000
    for tenth in range(200):
        since = edge + tenth / 10
        window = [wait for at, wait in seen.waits if since <= at < since + 0.5]
        failed = any(since <= at < since + 0.5 for at, _ in seen.failures)
        if window and not failed and _p95(window) <= target:
            return tenth / 10
    return float("inf")


def _load_at(at: float) -> float:
    until = 0.0
    for load, seconds in WAVE:
        until += seconds
        if at < until:
            return load
    return WAVE[-1][0]


def _print(seen: Seen, cold: Sequence[float]) -> None:
    print("second  load  processes  wait p95 (ms)  failed")
    for second in range(int(sum(seconds for _, seconds in WAVE))):
        counts = [count for at, count in seen.processes if second <= at < second + 1] or [0]
        waits = [wait * 1000 for at, wait in seen.waits if second <= at < second + 1]
        failed = sum(second <= at < second + 1 for at, _ in seen.failures)
        print(f"{second:6d}  {_load_at(second):4.1f}  {'#' * max(counts):9s}  {_p95(waits):13.1f}  {failed or '':>6}")
    print("cold start from no process: " + ", ".join(f"{seconds:.2f}" for seconds in cold) + " s")


def _plot(seen: Seen) -> str:
    seconds = sum(seconds for _, seconds in WAVE)
    load = [(tenth / 10, _load_at(tenth / 10)) for tenth in range(int(seconds * 10))]
    waits = []
    for half in range(int(seconds * 2)):
        window = [wait * 1000 for at, wait in seen.waits if half / 2 <= at < half / 2 + 0.5]
        waits.append((half / 2, _p95(window)))
    return timeline(
        "An isolated version follows its load: 1 to 4 processes, 15 ms a batch, wait target 20 ms",
        [
            (
                "processes",
                [
                    Line("asked for", "#999999", load, stepped=True),
                    Line("there", "#0b6e4f", seen.processes, stepped=True),
                ],
            ),
            ("ms", [Line("wait, 95th percentile of half a second", "#b5532a", waits)]),
        ],
        seconds=seconds,
    )


if __name__ == "__main__":
    sys.exit(main())
