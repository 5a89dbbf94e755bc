"""One side of a comparison: the target of its load, and its processes by their role."""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TypeAlias

import psutil

from andon_demo.line import cpu_of, memory_of, resident_of
from benchmarks.loadgen import Figures, Load, measure

Family: TypeAlias = Mapping[str, Sequence[psutil.Process]]
"""The running processes of one side by role: gateway, postgres, server."""


@dataclass(frozen=True, slots=True)
class Round(Figures):
    """The result of one round; `cpu` is the CPU time of one request in microseconds, by process.

    `others` are the cores busy with neither the side nor the load generator: near 0 on a quiet machine.
    """

    cpu: dict[str, float]
    others: float

    @property
    def cpu_us(self) -> float:
        """The CPU time of one request in microseconds, for all processes together."""
        return sum(self.cpu.values())


@dataclass(frozen=True, slots=True)
class Memory:
    """Memory of one role in megabytes; shared memory counts once for each process in `rss_mb`, once in `pss_mb`."""

    processes: int
    rss_mb: float
    pss_mb: float


@dataclass(frozen=True, slots=True)
class Side:
    """A side that answers requests."""

    load: Load
    family: Callable[[], Family]

    def measure(self, connections: int, seconds: float) -> Round:
        """Run one round of load, and measure the CPU time that all processes of this side spent on it."""
        before, others, began = self._cpu(), _others(), time.perf_counter()
        figures = measure(replace(self.load, connections=connections, seconds=seconds))
        spent = {part: after - before.get(part, 0.0) for part, after in self._cpu().items()}
        others = (_others() - others - sum(spent.values())) / (time.perf_counter() - began)
        cpu = {part: one / max(figures.answered, 1) * 1e6 for part, one in spent.items()}
        return Round(**asdict(figures), cpu=cpu, others=round(max(others, 0.0), 2))

    def memory(self) -> dict[str, Memory]:
        """Return the current memory by role."""
        return {part: _memory(processes) for part, processes in self.family().items()}

    def _cpu(self) -> dict[str, float]:
        """Return the CPU seconds so far by role."""
        return {part: sum(map(cpu_of, processes)) for part, processes in self.family().items()}


def _others() -> float:
    """Return the busy seconds of this machine's cores so far, without us and the load generators that ended."""
    machine, own = psutil.cpu_times(), os.times()
    busy = machine.user + machine.system + machine.nice + machine.irq + machine.softirq
    return float(busy) - sum(own[:4])


def _memory(processes: Sequence[psutil.Process]) -> Memory:
    resident = [size for process in processes if (size := resident_of(process))]
    return Memory(len(resident), round(sum(resident) / 1e6, 1), round(sum(map(memory_of, processes)) / 1e6, 1))
