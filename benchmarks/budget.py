"""A small budget, 64 predictions at once in several processes, one of them killed: never overspent, nearly all usable.

Each process pays as a gateway does (benchmarks/spender.py) on a real PostgreSQL. At every sample the spent and
reserved amounts are compared with the budget, and so is the CPU time that the processes actually used for permitted
predictions. Goals: never overspent; at least 90% of the budget used by real work in the run without a kill;
`allow` and `settle` of a batch together, which are on the path of every decision, at most a twentieth of one UPDATE of
a row that holds the sum. Then the same for a whole line under 64 connections (benchmarks/budget_line.py): nothing
fails, nothing is overspent, and once everything is spent the fallback decides and records the reason.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from rich.console import Console
from sqlalchemy import text

from andon import migrations
from andon.authoring import Budget
from andon.kernel import postgres
from andon.kernel.clock import SystemClock
from andon.kernel.db import Database
from andon.kernel.events import Events
from andon.spending import Purse, SpendTally, money
from benchmarks import goals
from benchmarks.budget_line import LineRun, spend_on_a_line
from benchmarks.goals import Goal, at_least, at_most, none_of, ratio
from benchmarks.spender import AUTOMATION, PRICE, TASKS, truth_of

AMOUNT = 100e-6
"""In EUR: nine CPU seconds at the price of the benchmark."""

PROCESSES = 4
LINE_AMOUNT = 10e-6
"""The budget of the whole line: nine tenths of a CPU second."""

SECONDS_AFTER = 5.0
LEASE = 10.0
LIMIT = 90.0
USABLE = 0.9
GOAL_AGAINST_UPDATE = 0.05
CALLS = 100_000
UPDATES = 200


def main() -> int:
    """Run both, print, and with --check say whether the goals were reached."""
    arguments = argparse.ArgumentParser(prog="script/bench budget", description=__doc__)
    arguments.add_argument("--check", action="store_true", help="exit 1 when a goal is missed")
    check = arguments.parse_args().check
    with tempfile.TemporaryDirectory(prefix="andon-bench-", dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o711)
        with postgres.lend(folder / "postgres") as server:
            with _database(server.url) as database:
                quiet = spend_it_all(database, folder)
            with _database(server.url) as database:
                killed = spend_it_all(database, folder, kill_at=0.3)
            with _database(server.url) as database:
                path = cost_of_the_path(database)
        line = spend_on_a_line(folder / "project", amount=LINE_AMOUNT, seconds_after=SECONDS_AFTER)
    for name, run in (("nobody killed", quiet), ("one killed", killed)):
        print(
            f"{name}: {run.used:.1%} of the budget was real work, {run.spent:.1%} counted as spent; "
            f"highest spent + reserved {run.highest:.1%}; {run.samples} samples, {run.violations} violations"
        )
    print(", ".join(f"{name} {ns:.0f} ns" for name, ns in path.items()))
    _tell(line)
    judged = goals_of(quiet, killed, path, line)
    Console().print(goals.table_of(judged))
    figures = {"quiet": quiet.figures(), "killed": killed.figures(), "ns": {k: round(v) for k, v in path.items()}}
    figures |= {"line": _figures(line)}
    print(json.dumps({"benchmark": "budget", "at_once": PROCESSES * TASKS, **figures, **goals.as_json(judged)}))
    return 1 if check and goals.missed(judged) else 0


def goals_of(quiet: "Run", killed: "Run", path: Mapping[str, float], line: LineRun) -> list[Goal]:
    """Judge both budgets, the path of a decision, and the whole line."""
    unsound = sum(run.violations != 0 or not run.used <= run.spent <= 1 or run.left != 0 for run in (quiet, killed))
    return [
        none_of("budgets overspent, miscounted or left reserved", unsound),
        at_least("share of the budget used by real work", quiet.used, USABLE),
        at_most(
            "`allow` and `settle` against an UPDATE",
            ratio(path["allow"] + path["settle"], path["update"]),
            GOAL_AGAINST_UPDATE,
        ),
        none_of("promises that the whole line broke", len(line.missed())),
    ]


def _tell(line: LineRun) -> None:
    without = line.fallbacks.total()
    print(
        f"a whole line: {line.answered:,} decisions, {line.predicted:,} with a prediction, {without:,} by the "
        f"fallback; highest spent + reserved {line.highest:.1%} in {line.looks} looks; of the last {line.last:,} "
        f"decisions {line.last_spent:,} give BUDGET_SPENT; `andon spending`: {line.by_command:.1%}, {line.standing}"
    )
    for what in line.missed():
        print(f"missed: {what}")


def _figures(line: LineRun) -> dict[str, Any]:
    return {
        "answered": line.answered,
        "failed": sum(one.failed for one in line.figures),
        "predicted": line.predicted,
        "fallbacks": dict(line.fallbacks),
        "highest": round(line.highest, 4),
        "shown": [round(line.by_route, 4), round(line.by_command, 4)],
        "standing": line.standing,
        "last_round": {"decisions": line.last, "budget_spent": line.last_spent},
        "missed": line.missed(),
    }


@dataclass(slots=True)
class Run:
    """The result of one budget: shares of the amount, except for the counts. `left` is still reserved (nano-units)."""

    used: float = 0.0
    spent: float = 0.0
    highest: float = 0.0
    samples: int = 0
    violations: int = 0
    left: int = 0
    seconds: float = 0.0
    said: list[dict[str, Any]] = field(default_factory=list)

    def figures(self) -> dict[str, Any]:
        """Return the figures for the last line."""
        refused = sum(one["refused"] for one in self.said)
        return {
            "used": round(self.used, 4),
            "spent": round(self.spent, 4),
            "highest": round(self.highest, 4),
            "samples": self.samples,
            "violations": self.violations,
            "paid": sum(one["paid"] for one in self.said),
            "refused": refused,
            "seconds": round(self.seconds, 1),
        }


def spend_it_all(database: Database, folder: Path, *, amount: float = AMOUNT, kill_at: float | None = None) -> Run:
    """Let several processes spend a budget to its end; kill one with SIGKILL when this much of it is spent."""
    run, names = Run(), [folder / f"{uuid4().hex}.truth" for _ in range(PROCESSES)]
    for name in names:
        name.write_bytes(bytes(8))
    began = time.monotonic()
    with _spenders(database.url, names, amount) as processes:
        victim = processes[0] if kill_at is not None else None
        while any(process.poll() is None for process in processes) or _someone_is_owed(database):
            if time.monotonic() - began > LIMIT:
                raise TimeoutError(f"The budget was not spent within {LIMIT:.0f} s")
            spent = _look(database, names, run)
            if victim is not None and kill_at is not None and spent > kill_at:
                victim.kill()
                victim.wait()
                victim = None
            if all(process.poll() is not None for process in processes):
                _forfeit(database)
            time.sleep(0.02)
        _look(database, names, run)
        run.said = [
            json.loads(process.communicate()[0].splitlines()[-1]) for process in processes if process.returncode == 0
        ]
    run.seconds = time.monotonic() - began
    expected = PROCESSES - (kill_at is not None)
    if len(run.said) != expected:
        raise RuntimeError(f"{expected - len(run.said)} of the processes failed")
    return run


def _look(database: Database, names: list[Path], run: Run) -> float:
    """Check one sample against the budget and return the share spent. True use is read first, as it only grows."""
    used = money(PRICE.of(truth_of(names)) // 3_600_000_000)
    with database.begin() as tx:
        row = tx.execute(text("SELECT amount, spent, reserved FROM budgets")).one_or_none()
    if row is None:
        return 0.0
    amount = money(row.amount)
    run.samples += 1
    run.violations += row.spent + row.reserved > row.amount or used > money(row.spent + row.reserved)
    run.highest = max(run.highest, (row.spent + row.reserved) / row.amount)
    run.used, run.spent, run.left = float(used / amount), row.spent / row.amount, row.reserved
    return run.spent


def _someone_is_owed(database: Database) -> bool:
    with database.begin() as tx:
        return bool(tx.execute(text("SELECT count(*) FROM budget_purses")).scalar_one())


def _forfeit(database: Database) -> None:
    """Do what any gateway does that still runs."""
    Purse(database, {AUTOMATION: Budget(AMOUNT)}, PRICE, events=Events()).forfeit_overdue(SystemClock().now())


@contextmanager
def _spenders(url: str, names: list[Path], amount: float) -> Iterator[list["subprocess.Popen[str]"]]:
    processes = []
    try:
        for number, name in enumerate(names):
            command = [sys.executable, "-m", "benchmarks.spender", url, str(name)]
            command += ["--amount", repr(amount), "--lease", str(LEASE), "--seed", str(number)]
            root = Path(__file__).parent.parent
            processes.append(subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True))
        yield processes
    finally:
        for process in processes:
            if process.poll() is None:
                process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()


def cost_of_the_path(database: Database) -> dict[str, float]:
    """Return the nanoseconds that a batch takes on the path of a decision."""
    purse = Purse(database, {AUTOMATION: Budget(1_000.0)}, PRICE, events=Events())
    tally = SpendTally(PRICE)
    purse.renew(SystemClock().now())
    allow = _per_call(lambda: purse.allow(AUTOMATION, 1))
    settle = _per_call(lambda: purse.settle(AUTOMATION, 1, 1, 0))
    unlimited = _per_call(lambda: purse.allow("another", 16))
    add = _per_call(lambda: tally.add(AUTOMATION, 1, 16, 400))
    update = _per_call(lambda: _update(database), UPDATES)
    purse.close(SystemClock().now())
    return {"allow": allow, "settle": settle, "allow_without_budget": unlimited, "tally": add, "update": update}


def _update(database: Database) -> None:
    """Update a row that holds the sum in its own transaction, the plain way."""
    with database.begin() as tx:
        tx.execute(text("UPDATE budgets SET spent = spent WHERE automation = :name"), {"name": AUTOMATION})


def _per_call(call: Callable[[], object], times: int = CALLS) -> float:
    began = time.perf_counter_ns()
    for _ in range(times):
        call()
    return (time.perf_counter_ns() - began) / times


@contextmanager
def _database(server: str) -> Iterator[Database]:
    """Yield a new, migrated database on this server."""
    name = f"budget_{uuid4().hex[:8]}"
    administration = Database(server)
    with administration.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    administration.close()
    base, _, query = server.partition("?")
    database = Database(base.rsplit("/", 1)[0] + f"/{name}" + (f"?{query}" if query else ""))
    try:
        migrations.ensure(database)
        yield database
    finally:
        database.close()


if __name__ == "__main__":
    sys.exit(main())
