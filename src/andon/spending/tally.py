"""The use of this process's decisions, summed in memory: one addition for each batch, without database access."""

from dataclasses import dataclass, field
from datetime import date
from threading import Lock

from andon.spending.domain import HOUR_US, Price, Spend


@dataclass(slots=True)
class TakenSpend:
    """The additions since the last call, ready to write: rows for the database, and the idle time."""

    number: int
    rows: list[Spend]
    idle_cpu_us: int
    idle_cost: int


@dataclass(slots=True)
class _Sum:
    decisions: int = 0
    cpu_us: int = 0
    gpu_us: int = 0


@dataclass(slots=True)
class SpendTally:
    """CPU and GPU time by automation and model version.

    `add` is thread-safe; `take` and `spend_idle` need one thread.
    """

    price: Price
    decided_cpu_us: int = 0
    _sums: dict[tuple[str, int], _Sum] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)
    _rests: dict[tuple[str, int], int] = field(default_factory=dict)
    _idle_us: int = 0
    _number: int = 0

    def add(self, automation: str, version: int, decisions: int, cpu_us: int, gpu_us: int = 0) -> None:
        """Add the use of a batch of `decisions`. Version 0 means no model; a shadow has 0 decisions."""
        key = (automation, version)
        with self._lock:
            so_far = self._sums.get(key)
            if so_far is None:
                so_far = self._sums[key] = _Sum()
            so_far.decisions += decisions
            so_far.cpu_us += cpu_us
            so_far.gpu_us += gpu_us
            self.decided_cpu_us += cpu_us

    def spend_idle(self, cpu_us: int) -> None:
        """Add time of the processes that no decision used."""
        self._idle_us += cpu_us

    def take(self, day: date) -> TakenSpend | None:
        """Return the additions since the last call, as spent on `day`; None if there are none.

        Remainders below a nano-unit are kept for the next call.
        """
        with self._lock:
            sums, self._sums = self._sums, {}
        idle_us, self._idle_us = self._idle_us, 0
        if not sums and not idle_us:
            return None
        rows = []
        for (automation, version), one in sums.items():
            cost = self._nanos((automation, version), one.cpu_us, one.gpu_us)
            rows.append(
                Spend(day, automation, version, self.price.currency, one.decisions, one.cpu_us, one.gpu_us, cost)
            )
        self._number += 1
        return TakenSpend(self._number, rows, idle_us, self._nanos(("", 0), idle_us, 0))

    def _nanos(self, key: tuple[str, int], cpu_us: int, gpu_us: int) -> int:
        nanos, self._rests[key] = divmod(self._rests.get(key, 0) + self.price.of(cpu_us, gpu_us), HOUR_US)
        return nanos
