"""Procedures of three steps per second, started in batches, run to their end and recorded, against bare DBOS.

One process runs them on an embedded PostgreSQL of its own with fsync on. Bare DBOS (benchmarks/plain_procedures.py)
does the same steps in turns with it, on the same server. Goal: at least seven tenths of its rate.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from rich.console import Console
from sqlalchemy import make_url

from andon import Procedure, migrations, procedure, procedures
from andon.kernel import durable, postgres
from andon.kernel.clock import SystemClock
from andon.kernel.db import Database
from andon.kernel.ids import uuid7
from andon.kernel.logs import configure_logs
from andon.procedures import RunState
from andon.procedures.conducting import Conductor
from benchmarks import goals
from benchmarks.goals import Goal, at_least, ratio

GOAL = 0.7
COUNT = 600
ROUNDS = 3
WARM = 100
BATCH = 100
PATIENCE_SECONDS = 120.0


def add(number: int) -> int:
    """Do almost nothing: the benchmark measures how the step is recorded."""
    return number + 1


@procedure("three-steps")
async def three_steps(p: Procedure, _: Mapping[str, Any]) -> int:
    """Run three steps, one after the other."""
    first = await p.step(add, 0)
    second = await p.step(add, first)
    return await p.step(add, second)


def main() -> int:
    """Measure, print, and with --check report whether the goal was reached."""
    arguments = argparse.ArgumentParser(prog="script/bench procedures", description=__doc__)
    arguments.add_argument("--check", action="store_true", help="exit 1 when the goal is missed")
    arguments.add_argument("--count", type=int, default=COUNT, help="how many procedures in each round")
    given = arguments.parse_args()
    configure_logs("bench", "warning")
    with tempfile.TemporaryDirectory(prefix="andon-", dir="/tmp") as folder:
        Path(folder).chmod(0o711)
        with postgres.lend(Path(folder) / "postgres") as server:
            database = Database(server.url)
            migrations.ensure(database)
            plain_url = _beside(database)
            rounds = [(measure(database, given.count), _plain(plain_url, given.count)) for _ in range(ROUNDS)]
            database.close()
    ours = statistics.median(one["per_second"] for one, _ in rounds)
    plain = statistics.median(other for _, other in rounds)
    cpu = statistics.median(one["cpu_ms"] for one, _ in rounds)
    judged = goals_of(ours, plain)
    print(f"{ours:.0f} procedures of three steps a second, {cpu:.1f} ms CPU each; bare DBOS {plain:.0f} a second")
    Console().print(goals.table_of(judged))
    figures = {"per_second": ours, "cpu_ms": cpu, "plain_per_second": plain}
    print(json.dumps({"benchmark": "procedures", "procedures": given.count, **figures, **goals.as_json(judged)}))
    return 1 if given.check and goals.missed(judged) else 0


def goals_of(ours: float, plain: float) -> list[Goal]:
    """Judge the rate against bare DBOS."""
    return [at_least("procedures against bare DBOS", ratio(ours, plain), GOAL)]


def _beside(database: Database) -> str:
    """Return the address of an empty database on the same server."""
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE plain")
    return make_url(database.url).set(database="plain").render_as_string(hide_password=False)


def _plain(url: str, count: int) -> float:
    """Measure procedures per second of bare DBOS, in a separate process."""
    command = [sys.executable, "-m", "benchmarks.plain_procedures", url, str(count), str(WARM)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=True)
    return float(json.loads(done.stdout.splitlines()[-1])["per_second"])


def measure(database: Database, count: int) -> dict[str, float]:
    """Measure procedures per second from the first start to the last end, and this process's CPU for one."""
    conductor = Conductor(database, [three_steps], SystemClock())
    conductor.launch()
    try:
        run(database, conductor, WARM)
        cpu, began = time.process_time(), time.monotonic()
        run(database, conductor, count)
        seconds, used = time.monotonic() - began, time.process_time() - cpu
    finally:
        conductor.close()
    return {"per_second": round(count / seconds, 1), "cpu_ms": round(used / count * 1000, 2)}


def run(database: Database, conductor: Conductor, count: int) -> None:
    """Start this many and wait until all have ended."""
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
    """Count the verifications that have not ended. One that failed is a failure of the benchmark."""
    with database.begin() as tx:
        if procedures.page(tx, automations=None, state=RunState.FAILED, limit=1):
            sys.exit("a procedure failed")
        return sum(durable.counts(tx).values())


if __name__ == "__main__":
    sys.exit(main())
