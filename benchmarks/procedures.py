"""`script/bench procedures [--check]`: how many procedures of three steps a second, started in batches, run to their end and recorded.

One process runs them on an embedded PostgreSQL of its own with fsync on. The last line is JSON.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

from andon import Procedure, migrations, procedure, procedures
from andon.kernel import durable, postgres
from andon.kernel.clock import SystemClock
from andon.kernel.db import Database
from andon.kernel.ids import uuid7
from andon.kernel.logs import configure_logs
from andon.procedures import RunState
from andon.procedures.conducting import Conductor

GOAL = 100.0
COUNT = 1500
WARM = 100
BATCH = 100
PATIENCE_SECONDS = 120.0


def add(number: int) -> int:
    """A step that does next to nothing: what is measured is what keeps it."""
    return number + 1


@procedure("three-steps")
async def three_steps(p: Procedure, _: Mapping[str, Any]) -> int:
    """Three steps, one after the other."""
    first = await p.step(add, 0)
    second = await p.step(add, first)
    return await p.step(add, second)


def main() -> int:
    """Run the benchmark; 1 if `--check` was asked for and the goal is not reached."""
    arguments = argparse.ArgumentParser(prog="script/bench procedures", description=__doc__)
    arguments.add_argument("--check", action="store_true", help=f"fail below {GOAL:.0f} procedures a second")
    arguments.add_argument("--count", type=int, default=COUNT, help="how many procedures")
    given = arguments.parse_args()
    configure_logs("bench", "warning")
    with tempfile.TemporaryDirectory(prefix="andon-", dir="/tmp") as folder:
        Path(folder).chmod(0o711)
        with postgres.lend(Path(folder) / "postgres") as server:
            database = Database(server.url)
            migrations.ensure(database)
            result = measure(database, given.count)
            database.close()
    print(json.dumps({"benchmark": "procedures", "goal_per_second": GOAL, **result}))
    return 1 if given.check and result["per_second"] < GOAL else 0


def measure(database: Database, count: int) -> dict[str, Any]:
    """Procedures a second from the first start to the last end, and the CPU of this process for one."""
    conductor = Conductor(database, [three_steps], SystemClock())
    conductor.launch()
    try:
        run(database, conductor, WARM)
        cpu, began = time.process_time(), time.monotonic()
        run(database, conductor, count)
        seconds, used = time.monotonic() - began, time.process_time() - cpu
    finally:
        conductor.close()
    print(
        f"{count} procedures of three steps in {seconds:.1f} s: {count / seconds:.0f}/s, {used / count * 1000:.1f} ms CPU each"
    )
    return {
        "procedures": count,
        "seconds": round(seconds, 2),
        "per_second": round(count / seconds, 1),
        "cpu_ms": round(used / count * 1000, 2),
    }


def run(database: Database, conductor: Conductor, count: int) -> None:
    """Start so many and wait until all there are have ended."""
    clock, begun = SystemClock(), 0
    while begun < count:
        now = clock.now()
        size = min(BATCH, count - begun)
        with database.begin() as tx:
            for _ in range(size):
                key = UUID(bytes=uuid7(now).bytes)
                about: dict[str, Any] = {"automation": "bench", "decision_id": key, "correlation_id": "bench"}
                conductor.start(tx, "three-steps", key, {}, traceparent=None, now=now, **about)
        begun += size
    until = time.monotonic() + PATIENCE_SECONDS
    while open_runs(database):
        if time.monotonic() > until:
            sys.exit(f"not all of {count} procedures ended within {PATIENCE_SECONDS:.0f} s")
        time.sleep(0.1)


def open_runs(database: Database) -> int:
    """How many have not ended. One that failed is a failure of the benchmark."""
    with database.begin() as tx:
        if procedures.page(tx, automations=None, state=RunState.FAILED, limit=1):
            sys.exit("a procedure failed")
        return sum(durable.counts(tx).values())


if __name__ == "__main__":
    sys.exit(main())
