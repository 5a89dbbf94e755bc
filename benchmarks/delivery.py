"""Outbox deliveries per second from one worker to a receiver on this machine, and retries to a failing receiver.

Andon's delivery loop runs with everything on: claims, decisions read in the ledger, an attempt written and committed
before each request, signature, answer and conclusion committed after it, retry budget, breaker, metrics. In
the same run, in turns, the plain approach: httpx, one transaction per delivery, and the content copied into the outbox.
Then the receiver fails a growing share of requests, and the curve shows the retries per first try. Goals:
at least five times the plain approach, and never more than a fifth of retries (beyond the floor of ten).
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import psutil
from rich.console import Console
from rich.table import Table
from sqlalchemy import text

from andon import decisions, migrations
from andon.actions.limits import FLOOR, RATIO
from andon.decisions import DELIVER_ACTION
from andon.kernel import outbox, postgres
from andon.kernel.db import Database
from andon.kernel.ids import uuid7
from andon_demo.line import LineFailed, cpu_of, free_ports, wait_for
from benchmarks import goals
from benchmarks.goals import Goal, at_least, none_of, ratio

SECRET = "whsec_" + "YSBzZWNyZXQgb25seSBmb3IgdGVzdHMsIDMyIGJ5dGVz"
GOAL = 5.0
ROUNDS = 3
ACTIONS = {"andon": 10_000, "plain": 2_000}
SHARES = (0.0, 0.1, 0.3, 0.6, 1.0)
CURVE_SECONDS = 6.0
CURVE_RATE = 100


@dataclass(frozen=True, slots=True)
class Round:
    """One side, one round; CPU in microseconds per delivery, by process."""

    per_second: float
    cpu: dict[str, float]


def main() -> int:
    """Measure, print, and with --check report whether the goals were reached."""
    arguments = argparse.ArgumentParser(prog="script/bench delivery", description=__doc__)
    arguments.add_argument("--check", action="store_true", help="exit 1 when a goal is missed")
    check = arguments.parse_args().check
    with tempfile.TemporaryDirectory(prefix="andon-bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        with _Bench(folder).ready() as bench:
            rounds = bench.compare()
            curve = bench.curve()
    _print(rounds, curve)
    figures = {side: _figures(of) for side, of in rounds.items()}
    judged = goals_of(figures, curve)
    Console().print(goals.table_of(judged))
    print(json.dumps({"benchmark": "delivery", **figures, "curve": curve, **goals.as_json(judged)}))
    return 1 if check and goals.missed(judged) else 0


def goals_of(figures: Mapping[str, Any], curve: Sequence[Mapping[str, Any]]) -> list[Goal]:
    """Judge the rate against the plain approach, and the retries that a failing receiver got."""
    over = sum(point["retries"] > max(FLOOR, RATIO * point["firsts"]) for point in curve)
    against_plain = ratio(figures["andon"]["per_second"], figures["plain"]["per_second"])
    return [
        at_least("deliveries against the plain approach", against_plain, GOAL),
        none_of("failing receivers that got too many retries", over),
    ]


class _Bench:
    """A database, a receiver and the two sides."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_ports(1)[0]
        (folder / "andon.toml").write_text(
            f'[destinations.bank]\nurl = "http://127.0.0.1:{self.port}/hook"\nsecret_env = "BANK_SECRET"\n'
            "allow_private = true\n",
            encoding="utf-8",
        )

    @contextmanager
    def ready(self) -> Iterator["_Bench"]:
        """Provide everything that both sides need, for the length of the context."""
        command = [sys.executable, "-m", "benchmarks.delivery_receiver", str(self.port), SECRET]
        receiver = subprocess.Popen(command, cwd=Path(__file__).parent.parent, stdin=subprocess.DEVNULL)
        try:
            wait_for(self.port, receiver)
            self.receiver = psutil.Process(receiver.pid)
            with postgres.lend(self.folder / "postgres") as server:
                self.url = server.url
                self.database = Database(server.url)
                migrations.ensure(self.database)
                with self.database.begin() as tx:
                    decisions.plan_days(tx, datetime.now(UTC))
                pid = (self.folder / "postgres").glob("**/postmaster.pid")
                self.postmaster = psutil.Process(abs(int(next(pid).read_text(encoding="utf-8").splitlines()[0])))
                yield self
                self.database.close()
        finally:
            receiver.terminate()
            receiver.wait(10)

    def compare(self) -> dict[str, list[Round]]:
        """Measure both sides in turns, so that any other load hits both."""
        rounds: dict[str, list[Round]] = {"andon": [], "plain": []}
        with Console(stderr=True).status("measuring") as status:
            for turn in range(ROUNDS):
                for side, found in rounds.items():
                    status.update(f"round {turn + 1} of {ROUNDS}: {side}")
                    found.append(self._round(side))
        return rounds

    def curve(self) -> list[dict[str, Any]]:
        """Measure retries per first try with a steady stream of actions, and a receiver that fails a growing share."""
        points = []
        with Console(stderr=True).status("failing") as status:
            for share in SHARES:
                status.update(f"a receiver that fails {share:.0%}")
                self._empty()
                self._counts(fail=share)
                with self._side("andon"):
                    began = time.monotonic()
                    while time.monotonic() - began < CURVE_SECONDS:
                        self._put(CURVE_RATE // 10, "andon")
                        time.sleep(0.1)
                    counts = self._counts()
                points.append({"fails": share, **{name: counts[name] for name in ("firsts", "retries", "taken")}})
        self._counts(fail=0.0)
        return points

    def _round(self, side: str) -> Round:
        self._empty()
        count = ACTIONS[side]
        self._put(count, side)
        self._counts(fail=0.0)
        with self._side(side) as process:
            self._wait_for(count // 10)  # warm: connected, statements prepared
            first, began, before = self._counts()["taken"], time.perf_counter(), self._cpu(process)
            self._wait_for(count)
            took, after = time.perf_counter() - began, self._cpu(process)
        counts = self._counts()
        if counts["taken"] != count or counts["retries"] or counts["forged"]:
            raise LineFailed(f"{side}: {count} actions, but the receiver got {counts}")
        cpu = {part: (after[part] - before[part]) * 1e6 / (count - first) for part in after}
        return Round((count - first) / took, cpu)

    def _cpu(self, worker: psutil.Process) -> dict[str, float]:
        families = {"worker": [worker], "receiver": [self.receiver]}
        families["postgres"] = [self.postmaster, *self.postmaster.children()]
        return {part: sum(map(cpu_of, family)) for part, family in families.items()}

    def _wait_for(self, count: int) -> None:
        until = time.monotonic() + 120
        while self._counts()["taken"] < count:
            if time.monotonic() > until:
                raise LineFailed(f"120 s passed before {count} deliveries arrived")
            time.sleep(0.02)

    @contextmanager
    def _side(self, side: str) -> Iterator[psutil.Process]:
        command = [sys.executable, "-m", "benchmarks.delivery_sides", side, str(self.folder), self.url]
        environment = {**os.environ, "BANK_SECRET": SECRET}
        process = subprocess.Popen(command, cwd=Path(__file__).parent.parent, env=environment, stdin=subprocess.DEVNULL)
        try:
            yield psutil.Process(process.pid)
        finally:
            process.terminate()
            if process.wait(30) != 0:
                raise LineFailed(f"{side} ended with {process.returncode}")

    def _counts(self, *, fail: float | None = None) -> dict[str, Any]:
        query = "" if fail is None else f"?fail={fail}"
        with urlopen(f"http://127.0.0.1:{self.port}/counts{query}", timeout=10) as answer:
            told: dict[str, Any] = json.loads(answer.read())
        return told

    def _empty(self) -> None:
        with self.database.begin() as tx:
            tx.execute(text("TRUNCATE outbox, delivery_attempts, delivery_answers"))

    def _put(self, count: int, side: str) -> None:
        """Add actions to deliver: for Andon with their decisions in the ledger, for the plain way with copies."""
        now = datetime.now(UTC) - timedelta(seconds=1)
        with self.database.begin() as tx:
            actions = [_action(now, copied=side == "plain") for _ in range(count)]
            outbox.add(tx, actions)
            if side == "andon":
                tx.execute(text(_DECIDED), [_decided(action) for action in actions])


INPUT = {f"field_{n}": round(n * 1.37, 2) for n in range(24)}
_DECIDED = """
INSERT INTO decisions (
    id, automation, automation_version, decided_at, outcome, rule, score, confidence, certain, model, model_version,
    policy_version, caller, correlation_id, latency_us, writer, seq, salt, record)
VALUES (:id, 'payments', 1, :at, 'release', 'safe', 0.0312, 0.97, true, 'fraud-risk', 3, :digest, 'bank', 'bench', 900,
    gen_random_uuid(), 1, :salt, :record)
"""


def _decided(action: outbox.Message) -> dict[str, Any]:
    """Return the ledger's row of an action's decision."""
    record = {
        "input": INPUT,
        "id": str(action.subject),
        "caller": "bank",
        "shape": 2,
        "features": {
            f"amount_{name}_{span}": 12.5 for name in ("count", "sum", "max") for span in ("10m", "1h", "24h")
        },
        "prediction": {
            "score": 0.0312,
            "label": "fine",
            "confidence": 0.97,
            "probabilities": {"fine": 0.97, "fraud": 0.03},
        },
        "risk": {"certain": True, "threshold": 0.8, "target": 0.01},
        "policy": {"outcome": "release", "rule": "safe", "reasons": [], "error": None},
        "decided_at": action.created_at.isoformat(),
        "line": {"automation": "payments", "version": 1, "model": {"name": "fraud-risk", "version": 3}},
    }
    written = json.dumps(record, separators=(",", ":")).encode()
    row = {"id": action.subject, "at": action.created_at, "digest": "0" * 64, "salt": os.urandom(16)}
    return {**row, "record": written}


def _action(at: datetime, *, copied: bool) -> outbox.Message:
    """Return an action as a decision writes it, with an input of 24 fields; or with everything copied."""
    decision_id = uuid7(at)
    copy = {
        "id": str(decision_id),
        "automation": "payments",
        "outcome": "release",
        "rule": "safe",
        "reasons": [],
        "score": 0.0312,
        "confidence": 0.97,
        "model": {"name": "fraud-risk", "version": 3},
        "decided_at": at.isoformat(),
        "decided_by": "policy",
        "input": INPUT,
    }
    payload = {
        "action": "release",
        "connector": "webhook",
        "destination": "bank",
        "options": {},
        "outcome": "release",
        **({"decision": copy} if copied else {}),
    }
    return outbox.Message(
        id=uuid7(at),
        topic=DELIVER_ACTION,
        scope="payments",
        subject=decision_id,
        payload=payload,
        correlation_id="bench",
        created_at=at,
        due_at=at,
    )


def _figures(rounds: list[Round]) -> dict[str, Any]:
    cpu = {part: round(statistics.median(one.cpu[part] for one in rounds)) for part in rounds[0].cpu}
    return {"per_second": round(statistics.median(one.per_second for one in rounds)), "cpu_us": cpu}


def _print(rounds: dict[str, list[Round]], curve: list[dict[str, Any]]) -> None:
    title = f"Median of {ROUNDS} rounds; CPU in µs a delivery"
    table = Table(title=title, title_justify="left")
    for column in ("", "a second", "worker", "PostgreSQL", "receiver"):
        table.add_column(column, justify="right" if column else "left")
    for side, of in rounds.items():
        figures = _figures(of)
        cpu = [f"{figures['cpu_us'][part]:,}" for part in ("worker", "postgres", "receiver")]
        table.add_row(side, f"{figures['per_second']:,}", *cpu)
    shares = Table(title="A receiver that fails a share of its requests", title_justify="left")
    for column in ("fails", "first tries", "retries", "per first try"):
        shares.add_column(column, justify="right")
    for point in curve:
        each = point["retries"] / max(point["firsts"], 1)
        shares.add_row(f"{point['fails']:.0%}", str(point["firsts"]), str(point["retries"]), f"{each:.2f}")
    console = Console()
    console.print(table)
    console.print(shares)


if __name__ == "__main__":
    sys.exit(main())
