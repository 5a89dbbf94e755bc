"""A process that pays for predictions from a small budget as a gateway does: its keeper runs, tasks allow and settle.

The work is real CPU time. The allowed amount is written to a file that survives a kill, before it is settled, so it can
be compared with the budget.
"""

import argparse
import asyncio
import json
import mmap
import random
import struct
import sys
import time
from collections.abc import Iterable, Sequence
from datetime import timedelta
from pathlib import Path

from andon import spending
from andon.authoring import Budget
from andon.kernel.clock import SystemClock
from andon.kernel.db import Database
from andon.kernel.events import Events
from andon.spending import BudgetState, Keeper, Spend

AUTOMATION = "paid"
PRICE = spending.price(cpu_hour=0.04, gpu_hour=0.0, currency="EUR")
TASKS = 16
GIVES_UP = 3.0
"""Seconds without a paid prediction after which a process ends."""


def main() -> int:
    """Spend until nothing more is allowed."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("url")
    arguments.add_argument("truth", type=Path)
    arguments.add_argument("--amount", type=float, required=True)
    arguments.add_argument("--lease", type=float, required=True)
    arguments.add_argument("--seed", type=int, required=True)
    given = arguments.parse_args()
    database = Database(given.url)
    try:
        spender = Spender(given.truth, random.Random(given.seed))
        asyncio.run(spender.run(database, given.amount, timedelta(seconds=given.lease)))
    finally:
        database.close()
    print(json.dumps({"paid": spender.paid, "refused": spender.refused, "dearest_us": spender.dearest}))
    return 0


def truth_of(files: Iterable[Path]) -> int:
    """Return the CPU microseconds of all allowed work, as the processes themselves recorded it."""
    return sum(struct.unpack("<q", file.read_bytes()[:8])[0] for file in files)


class Unwatched:
    """Metrics that count nothing."""

    def spent(self, rows: Sequence[Spend]) -> None:
        """Nothing."""

    def budget(self, state: BudgetState) -> None:
        """Nothing."""

    def budgets(self, states: Sequence[BudgetState]) -> None:
        """Nothing."""


class Spender:
    """Run many tasks on one event loop, each with a batch in progress."""

    def __init__(self, truth: Path, draw: random.Random) -> None:
        with truth.open("r+b") as file:
            self._truth = mmap.mmap(file.fileno(), 8)
        self._draw = draw
        self._used_us = 0
        self._paid_at = time.monotonic()
        self.paid = self.refused = self.dearest = 0

    async def run(self, database: Database, amount: float, lease: timedelta) -> None:
        """Run until no task is paid for a while; then everything is settled and returned."""
        keeper = Keeper(
            database,
            {AUTOMATION: Budget(amount)},
            PRICE,
            clock=SystemClock(),
            events=Events(),
            watcher=Unwatched(),
            lease=lease,
        )
        async with keeper:
            self._paid_at = time.monotonic()
            await asyncio.gather(*(self._spend(keeper) for _ in range(TASKS)))

    async def _spend(self, keeper: Keeper) -> None:
        while time.monotonic() - self._paid_at < GIVES_UP:
            asked = self._draw.randint(1, 16)
            allowed = keeper.purse.allow(AUTOMATION, asked)
            self.refused += asked - allowed
            if allowed:
                await asyncio.sleep(self._draw.uniform(0, 0.01))  # it waits for its turn, already paid for
                cpu_us = self._predict(allowed)
                keeper.tally.add(AUTOMATION, 1, allowed, cpu_us)
                keeper.purse.settle(AUTOMATION, 1, allowed, cpu_us)
                self.paid += allowed
                self._paid_at = time.monotonic()
            await asyncio.sleep(0.002)

    def _predict(self, n: int) -> int:
        """Use CPU time like a batch of `n`, and record the amount."""
        began = time.thread_time_ns()
        until = began + int((100 + n * self._draw.uniform(20, 200)) * 1_000)
        while time.thread_time_ns() < until:
            sum(range(200))
        used = -(-(time.thread_time_ns() - began) // 1_000)
        self._used_us += used
        self.dearest = max(self.dearest, used // n)
        self._truth[:8] = struct.pack("<q", self._used_us)
        return used


if __name__ == "__main__":
    sys.exit(main())
