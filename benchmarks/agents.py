"""Governed tool calls: under kills, under injection, their storage, and compared with durable steps of the same run.

A worker runs procedures of 100 calls each and is killed at random moments. The tools record their effects under the
call's key, and the benchmark counts them. A person approves most calls that need approval, and refuses the others.
"""

import argparse
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from rich.console import Console
from sqlalchemy import text

from andon import migrations, reviews, tools
from andon.bootstrap.project import build_events
from andon.kernel import durable, postgres
from andon.kernel.clock import SystemClock
from andon.kernel.config import Settings
from andon.kernel.db import Database
from andon.kernel.errors import AndonError
from andon.kernel.identity import Actor
from andon.kernel.ids import uuid7
from andon.kernel.logs import configure_logs
from andon.procedures.conducting import Conductor
from benchmarks import goals
from benchmarks.agents_line import BOX, EFFECTS, LONG_LEASE, SHORT_LEASE, SPECS, a_worker
from benchmarks.agents_mails import mails, within_policy
from benchmarks.goals import Goal, at_least, at_most, none_of, ratio

CALLS = 100
KILLS = 200
MAILS = 500
AT_ONCE = 4
ROUNDS = 9
RUNS = 20
STEPS = 25
PATIENCE_SECONDS = 300.0
SEED = 20_261_202

_CLOCK = SystemClock()


def main() -> int:
    """Measure, print, and with --check report whether the goals were reached."""
    arguments = argparse.ArgumentParser(prog="script/bench agents", description=__doc__)
    arguments.add_argument("--check", action="store_true", help="exit 1 when a goal is missed")
    arguments.add_argument("--quick", action="store_true", help="6 kills, 60 mails and fewer rounds")
    given = arguments.parse_args()
    configure_logs("bench", "error")
    kills, injected, rounds = (6, 60, 5) if given.quick else (KILLS, MAILS, ROUNDS)
    with tempfile.TemporaryDirectory(prefix="andon-", dir="/tmp") as folder:
        Path(folder).chmod(0o711)
        with postgres.lend(Path(folder) / "postgres") as server:
            database = Database(server.url)
            migrations.ensure(database)
            with database.begin() as tx:
                tx.execute(text(EFFECTS))
            with a_worker(server.url, Path(folder)) as conductor:
                cost = costs(database, conductor, rounds)
                stored = storage(database, conductor)
                attacked = injections(database, conductor, injected)
            killed = kill(database, Path(folder), kills)
            database.close()
    judged = goals_of(cost, stored, attacked, killed)
    Console().print(goals.table_of(judged))
    figures = {"cost": cost, "storage": stored, "injections": attacked, "kills": killed}
    print(json.dumps({"benchmark": "agents", **figures, **goals.as_json(judged)}))
    return 1 if given.check and goals.missed(judged) else 0


def goals_of(
    cost: Mapping[str, float], stored: Mapping[str, float], attacked: Mapping[str, int], killed: Mapping[str, int]
) -> list[Goal]:
    """Judge the figures."""
    return [
        at_most("time of a governed call against a durable step", ratio(cost["call_ms"], cost["step_ms"]), 2.0),
        at_most("bytes of a call in a long run against a short one", ratio(stored["long"], stored["short"]), 1.1),
        none_of("calls outside the policy, ordered by mails", attacked["outside"]),
        at_least("orders in those mails that no policy allows, per mail", attacked["orders"] / attacked["mails"], 1),
        none_of("allowed or approved calls that did not happen", killed["missing"]),
        none_of("calls that happened twice", killed["twice"]),
        none_of("calls that happened without being allowed or approved", killed["unapproved"]),
    ]


def costs(database: Database, conductor: Conductor, rounds: int) -> dict[str, float]:
    """Return the time of a durable step and of a governed call, in turns, in milliseconds for each."""
    taken: dict[str, list[float]] = {"plain-steps": [], "governed-calls": []}
    for number in range(rounds + 1):
        for name, found in taken.items():
            began = time.monotonic()
            _finish(database, [_start(database, conductor, name, {"count": STEPS}) for _ in range(RUNS)])
            if number:  # the first round warms up
                found.append((time.monotonic() - began) / (RUNS * STEPS) * 1000)
    return {
        "step_ms": statistics.median(taken["plain-steps"]),
        "call_ms": statistics.median(taken["governed-calls"]),
    }


def storage(database: Database, conductor: Conductor) -> dict[str, float]:
    """Return the stored bytes of one call in a run of 25 calls and in one of 200."""
    found = {}
    for said, count in (("short", 25), ("long", 200)):
        order = '<<balance {"account": "a1"}>>'
        run = _start(database, conductor, "answer-mail", {"mail": order * count})
        _finish(database, [run])
        with database.begin() as tx:
            prompt = len(order) * count
            total = sum(len(json.dumps(step.output)) for step in durable.steps(tx, run))
        found[said] = (total - prompt) / count
    return found


def injections(database: Database, conductor: Conductor, count: int) -> dict[str, int]:
    """Let a gullible agent answer mails that order calls; count the effects that the policy never allows."""
    written = mails(count)
    for first in range(0, count, 50):
        some = [_start(database, conductor, "answer-mail", {"mail": mail}) for mail in written[first : first + 50]]
        _finish(database, some, waiting=True)
        with database.begin() as tx:
            for run in some:
                durable.cancel(tx, run)  # one that waits for a person
    with database.begin() as tx:
        happened = tx.execute(text("SELECT tool, amount FROM effects WHERE account LIKE 'm%'")).all()
        states = Counter(call.state.value for call in tools.page(tx, toolboxes=[BOX], now=_CLOCK.now(), limit=10**6))
    orders = sum(mail.count("<<") - ('"amount": 5}' in mail) for mail in written)
    wrong = sum(not within_policy(tool, amount) for tool, amount in happened)
    return {"mails": count, "orders": orders, "happened": len(happened), "outside": wrong, "waiting": states["waiting"]}


def kill(database: Database, folder: Path, kills: int, *, calls: int = CALLS) -> dict[str, int]:
    """Kill workers that are calling tools, one after the other; then count, for each call, how often it happened."""
    drawn = random.Random(SEED)
    conductor = Conductor(database, SPECS, _CLOCK)  # only starts procedures: it is never launched
    runs: list[UUID] = []
    with _approving(database):
        for number in range(kills):
            _resume(database, runs)
            while _open(database, runs) < AT_ONCE:
                given = {"run": f"k{len(runs)}", "count": calls}
                runs.append(_start(database, conductor, "hundred-calls", given))
            before = _happened(database)
            with _worker(database.url, folder) as worker:
                _wait_for_calls(database, since=before)
                time.sleep(drawn.uniform(0, 1.5))
                os.kill(worker.pid, signal.SIGKILL)
            if number % 20 == 19:
                print(f"{number + 1} kills, {len(runs)} runs", file=sys.stderr)
        _resume(database, runs)
        with _worker(database.url, folder, LONG_LEASE):
            _finish(database, runs)
    return _counted(database, len(runs), kills, calls)


def _happened(database: Database) -> int:
    with database.begin() as tx:
        return int(tx.execute(text("SELECT count(*) FROM effects")).scalar_one())


def _wait_for_calls(database: Database, *, since: int) -> None:
    """Wait until more calls have happened: a worker is killed only while it works."""
    until = time.monotonic() + PATIENCE_SECONDS
    while _happened(database) <= since:
        if time.monotonic() > until:
            sys.exit(f"a worker called no tool within {PATIENCE_SECONDS:.0f} s")
        time.sleep(0.02)


def _counted(database: Database, runs: int, kills: int, each: int) -> dict[str, int]:
    with database.begin() as tx:
        rows = tx.execute(text("SELECT account, count(*) FROM effects WHERE account LIKE 'k%' GROUP BY account")).all()
        calls = {
            (str(arguments["account"])): call
            for call in tools.page(tx, toolboxes=[BOX], now=_CLOCK.now(), limit=10**6)
            if (arguments := tools.arguments_of(tx, call))["account"].startswith("k")
        }
    happened = {account: int(times) for account, times in rows}
    expected = [f"k{run}/{number}" for run in range(runs) for number in range(each)]
    allowed = {
        one
        for one in expected
        if one in calls and (calls[one].outcome == "allow" or _approved(calls[one].answered_by, one))
    }
    return {
        "kills": kills,
        "runs": runs,
        "calls": len(expected),
        "undecided": sum(one not in calls for one in expected),
        "approved": sum(calls[one].outcome == "ask" for one in allowed),
        "happened": len(happened),
        "missing": sum(one not in happened for one in allowed) + sum(one not in calls for one in expected),
        "twice": sum(times > 1 for times in happened.values()),
        "unapproved": sum(one not in allowed for one in happened),
    }


def _approved(answered_by: str | None, account: str) -> bool:
    """Whether the person of this benchmark approved a call; of every five, one is refused."""
    return answered_by is not None and not _refused(account)


def _refused(account: str) -> bool:
    return sum(account.encode()) % 5 == 0


@contextmanager
def _approving(database: Database) -> Iterator[None]:
    """Answer reviews as they open, in a thread."""
    ended, events, rita = threading.Event(), build_events(Settings()), Actor("rita")

    def answer() -> None:
        while not ended.wait(0.05):
            with suppress(AndonError):
                now = datetime.now(UTC)
                with database.begin() as tx:
                    reviews.open_due(tx, now=now)
                    waiting = reviews.page(tx, reviews.ReviewFilter(queue="agents"), now=now, limit=50)
                    kept = [one for one in waiting if _is_killed_run(tx, one.decision_id)]
                for review in kept:
                    with database.begin() as tx:
                        said = reviews.decision_of(tx, review)["input"]["arguments"]
                        outcome = "deny" if _refused(said["account"]) else "allow"
                        reviews.claim(tx, review.id, actor=rita, now=now)
                        reviews.give_verdict(
                            tx, review.id, outcome=outcome, reason="asked", actor=rita, events=events, now=_CLOCK.now()
                        )

    thread = threading.Thread(target=answer)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _is_killed_run(tx: Any, decision_id: UUID) -> bool:
    return tools.run_of(tx, decision_id) is not None


@contextmanager
def _worker(url: str, folder: Path, lease: timedelta = SHORT_LEASE) -> Iterator[subprocess.Popen[str]]:
    """Run a worker in a process of its own, from the moment it is ready."""
    command = [sys.executable, "-m", "benchmarks.agents_line", url, str(folder), str(lease.total_seconds())]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        if process.stdout.readline() != "ready\n":
            sys.exit("a worker did not start")
        yield process
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with suppress(BrokenPipeError):
                    pipe.close()


def _start(database: Database, conductor: Conductor, name: str, given: Mapping[str, Any]) -> UUID:
    now = _CLOCK.now()
    key = UUID(bytes=uuid7(now).bytes)
    about: dict[str, Any] = {"automation": BOX, "decision_id": key, "correlation_id": "bench"}
    with database.begin() as tx:
        conductor.start(tx, name, key, given, traceparent=None, now=now, **about)
    return key


def _open(database: Database, runs: list[UUID]) -> int:
    if not runs:
        return 0
    with database.begin() as tx:
        found = durable.find(tx, runs[-4 * AT_ONCE :])
    return sum(run.state not in durable.OVER for run in found.values())


def _resume(database: Database, runs: list[UUID]) -> None:
    """Resume runs whose process ended too often without a finished step, like an operator."""
    with database.begin() as tx:
        for run in durable.find(tx, runs[-4 * AT_ONCE :]).values():
            if run.state is durable.RunState.EXHAUSTED:
                durable.resume(tx, run.id)


def _finish(database: Database, runs: list[UUID], *, waiting: bool = False) -> None:
    """Wait until all of these have ended, or wait for a person. One that failed is a failure of the benchmark."""
    until = time.monotonic() + PATIENCE_SECONDS
    ended = durable.OVER | ({durable.RunState.WAITING} if waiting else set())
    while True:
        with database.begin() as tx:
            found = durable.find(tx, runs)
        states = Counter(run.state for run in found.values())
        for run in found.values():
            if run.state is durable.RunState.FAILED:
                sys.exit(f"a run of {run.flow} failed")
        if sum(count for state, count in states.items() if state in ended) == len(runs):
            return
        if time.monotonic() > until:
            sys.exit(f"procedures did not end within {PATIENCE_SECONDS:.0f} s: {dict(states)}")
        time.sleep(0.02)


if __name__ == "__main__":
    sys.exit(main())
