"""Goodput under more load than the line can take: offered loads from half of its capacity to three times as much.

One gateway on the line of `script/bench decide` (windows, model, policy, ledger, audit). Every request names its
deadline (X-Request-Timeout). Good answers meet it. Goals, at three times the capacity: the accepted keep their 99th
percentile under the deadline, goodput stays above 85% of the peak, memory stays flat, and two seconds after the load
ends a normal load is answered as before.

The load runs on the same machine, on its last core; the gateway keeps off that core at every step. A load from
elsewhere would not need it, and Linux by default sometimes puts the gateway on that core for seconds while another is
idle.
"""

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

from andon_demo.line import Line
from benchmarks.decide import ONE_THREAD, PROJECT, _bodies
from benchmarks.loadgen import Load, measure
from benchmarks.openload import Offer, Told, offer

STEPS = (0.5, 0.8, 1.0, 1.5, 2.0, 3.0)
"""The offered loads, as multiples of the capacity."""
SECONDS = 3.0
ROUNDS = 7
"""The rounds of each step, in turn; the median counts.

Many short rounds, because a machine that is fast in one second and slow in the next would show a peak at whichever step
it was fast for. The capacity is measured as often, before all of them, since after an overload the line is slower for a
while.
"""
DEADLINE = 0.5
CONNECTIONS = 1500
CALLERS = 512
"""Callers, each with one open request, that measure the capacity: fewer leave room in batches, more are refused."""
GOAL_OF_PEAK = 0.85
GOAL_MEMORY = 1.1
RECOVERY_SECONDS = 2


@dataclass(frozen=True, slots=True)
class Found:
    """The findings of a run."""

    capacity: float
    steps: Mapping[float, Told]
    after: Told
    memory_before: float
    memory_after: float
    failed: int
    """Requests of all rounds that were neither answered nor refused."""
    worst_p99: float
    """Of the rounds with the greatest load, in milliseconds."""

    @property
    def peak(self) -> float:
        """The most good answers per second."""
        return max(told.goodput for told in self.steps.values())

    @property
    def at_most(self) -> Told:
        """The step with the greatest load."""
        return self.steps[max(STEPS)]

    @property
    def recovered_after(self) -> float | None:
        """The second from which a normal load was answered as before; None if never."""
        usual = self.steps[min(STEPS)]
        for second, (good, p99) in enumerate(self.after.by_second):
            offered = self.after.offered / len(self.after.by_second)
            if good > 0.95 * offered and p99 < max(4 * usual.p99, 50.0):
                return float(second)
        return None

    def missed(self) -> list[str]:
        """Return the missed goals."""
        goals = {
            f"p99 of the accepted {self.worst_p99} ms is above the deadline": self.worst_p99 > DEADLINE * 1e3,
            f"goodput {self.at_most.goodput} is under 85% of the peak {self.peak}": self.at_most.goodput
            < GOAL_OF_PEAK * self.peak,
            f"memory grew from {self.memory_before} to {self.memory_after} MB": self.memory_after
            > GOAL_MEMORY * self.memory_before,
            "no recovery within two seconds": self.recovered_after is None or self.recovered_after > RECOVERY_SECONDS,
            "requests failed": self.failed > 0,
        }
        return [what for what, missed in goals.items() if missed]


def main() -> int:
    """Measure, print, and with --check report whether the goals were reached."""
    arguments = argparse.ArgumentParser(prog="script/bench overload", description=__doc__)
    arguments.add_argument("--check", action="store_true", help="exit 1 when a goal is missed")
    check = arguments.parse_args().check
    with tempfile.TemporaryDirectory(prefix="andon-bench-") as name:
        Path(name).chmod(0o711)
        folder = Path(name) / "project"
        shutil.copytree(PROJECT, folder, ignore=shutil.ignore_patterns("__pycache__"))
        found = _measured(folder)
    _print(found)
    missed = found.missed()
    print(json.dumps({"benchmark": "overload", **_figures(found), "missed": missed}))
    return 1 if check and missed else 0


def _measured(folder: Path) -> Found:
    with Line(folder, environment=ONE_THREAD) as line, Console(stderr=True).status("starting") as status:
        line.up()
        headers = {"Authorization": f"Bearer {line.key('bench', 'caller')}"}
        url, bodies = f"{line.url}/v1/automations/bench/decisions", _bodies(windows=False)
        load = Load(url, bodies, CALLERS, 2.0, '"outcome"', headers)
        gateway = _gateway(line)
        capacity = measure(load).per_second
        before = gateway.memory_info().rss

        def step(times: float) -> Told:
            status.update(f"{times:g} times the capacity of {capacity:,.0f} a second")
            timed = {**headers, "X-Request-Timeout": str(DEADLINE)}
            return offer(Offer(url, bodies, capacity * times, SECONDS, DEADLINE, CONNECTIONS, timed))

        step(max(STEPS))  # starts the process that refuses, while the gateway may still run anywhere
        _keep_off_the_load(gateway)
        capacity = median(measure(load).per_second for _ in range(ROUNDS))
        told: dict[float, list[Told]] = {times: [] for times in STEPS}
        for _ in range(ROUNDS):
            for times in STEPS:
                told[times].append(step(times))
        after = step(STEPS[0])
        steps = {times: sorted(each, key=lambda one: one.goodput)[ROUNDS // 2] for times, each in told.items()}
        failed = sum(one.failed - one.failures.get("never sent", 0) for each in told.values() for one in each)
        worst = max(one.p99 for one in told[max(STEPS)])
        return Found(capacity, steps, after, _mb(before), _mb(gateway.memory_info().rss), failed, worst)


def _gateway(line: Line) -> psutil.Process:
    (gateway,) = line.running("gateway")
    return gateway


def _keep_off_the_load(gateway: psutil.Process) -> None:
    """Leave the last core to the load (`loadgen.py`); a single core is shared."""
    cores = gateway.cpu_affinity()
    gateway.cpu_affinity(sorted(cores)[:-1] or cores)


def _mb(size: int) -> float:
    return round(size / 1e6, 1)


def _figures(found: Found) -> dict[str, Any]:
    steps = {str(times): {**asdict(told), "by_second": None} for times, told in found.steps.items()}
    return {
        "capacity": found.capacity,
        "peak": found.peak,
        "of_peak": round(found.at_most.goodput / max(found.peak, 0.1), 3),
        "recovered_after_seconds": found.recovered_after,
        "memory_mb": [found.memory_before, found.memory_after],
        "steps": steps,
    }


def _print(found: Found) -> None:
    title = (
        f"Capacity {found.capacity:,.0f} a second; deadline {DEADLINE * 1e3:.0f} ms; {ROUNDS} rounds of "
        f"{SECONDS:.0f} s each"
    )
    table = Table(title=title, title_justify="left")
    for column in (
        "offered",
        "a second",
        "good a second",
        "refused",
        "not sent",
        "late",
        "p50 ms",
        "p99 ms",
        "generator",
        "",
    ):
        table.add_column(column, justify="right")
    for times, told in found.steps.items():
        bar = "█" * round(20 * told.goodput / max(found.peak, 0.1))
        shares = [f"{count / max(told.offered, 1):.0%}" for count in (told.refused, told.failures["never sent"])]
        rest = [*shares, f"{told.late:,}", f"{told.p50:,.1f}", f"{told.p99:,.1f}"]
        table.add_row(
            f"{times:g}x",
            f"{told.offered / SECONDS:,.0f}",
            f"{told.goodput:,.0f}",
            *rest,
            f"{told.generator_cpu:.0%}",
            bar,
        )
    Console(width=120).print(table)
    seconds = "never" if found.recovered_after is None else f"in second {found.recovered_after:.0f}"
    print(f"After the overload: as before {seconds}; memory {found.memory_before} -> {found.memory_after} MB")


if __name__ == "__main__":
    sys.exit(main())
