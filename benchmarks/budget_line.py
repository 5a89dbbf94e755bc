"""The budget of a whole line: `andon up`, 64 connections, decisions until nothing is left and for a while after.

It reads the spending route ten times a second, then `andon spending` and every record.
"""

import json
import shutil
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from sqlalchemy import text

from andon.kernel import config, postgres
from andon.kernel.db import Database
from andon_demo.line import Line
from benchmarks.amounts import amounts
from benchmarks.loadgen import Figures, Load, measure

HERE = Path(__file__).parent
CONNECTIONS = 64
ROUND_SECONDS = 2.0
LIMIT_SECONDS = 90.0
LOOK_SECONDS = 0.1
NEARLY_ALL = 0.99
"""The lowest share of decisions without a prediction once everything is spent; returned amounts may pay for some."""


@dataclass(slots=True)
class LineRun:
    """The result of the line. `highest` and `shown` are spent and reserved, as shares of the budget.

    The last records are those of the last round.
    """

    figures: list[Figures] = field(default_factory=list)
    looks: int = 0
    highest: float = 0.0
    by_route: float = 0.0
    by_command: float = 0.0
    standing: str = ""
    predicted: int = 0
    fallbacks: Counter[str] = field(default_factory=Counter)
    both_or_neither: int = 0
    last: int = 0
    last_spent: int = 0

    @property
    def answered(self) -> int:
        """The number of answered decisions."""
        return sum(one.answered for one in self.figures)

    def missed(self) -> list[str]:
        """Return the missed goals."""
        recorded = self.predicted + self.fallbacks.total()
        others = {because: n for because, n in self.fallbacks.items() if because != "BUDGET_SPENT"}
        failures = sum((Counter(one.failures) for one in self.figures), Counter())
        goals = {
            f"requests failed: {dict(failures)}": bool(failures),
            f"{recorded} decisions in the ledger, {self.answered} answers": recorded != self.answered,
            f"spent and reserved reached {self.highest:.2%}": self.highest > 1,
            f"the route shows {self.by_route:.2%}, the command {self.by_command:.2%}": max(
                self.by_route, self.by_command
            )
            > 1,
            f"its state is {self.standing}": self.standing != "spent",
            f"fallbacks for other reasons: {others}": bool(others),
            f"{self.both_or_neither} records with neither a prediction nor a fallback, or both": self.both_or_neither
            > 0,
            "nothing was predicted": self.predicted == 0,
            f"{self.last_spent} of the last {self.last} decisions were made without": self.last_spent
            < NEARLY_ALL * self.last,
        }
        return [what for what, missed in goals.items() if missed]


def spend_on_a_line(folder: Path, *, amount: float, seconds_after: float) -> LineRun:
    """Spend a budget of `amount` EUR a day on decisions, and continue for a while. `folder` has to be new."""
    shutil.copytree(HERE / "budget-project", folder, ignore=shutil.ignore_patterns("__pycache__"))
    run = LineRun()
    with Line(folder, environment={"BUDGET": repr(amount)}) as line:
        package = amounts(folder / "package", name="amounts", seed=1)
        line.command("models", "register", str(package), "--alias", "champion", "--reason", "bench")
        line.up()
        load, admin = _load(line), {"Authorization": f"Bearer {line.key('admin', 'admin').split()[-1]}"}
        ended = threading.Event()
        looking = threading.Thread(target=_look, args=(line, admin, run, ended))
        looking.start()
        try:
            _spend_all(folder, load, run)
            seen = _newest(folder)
            run.figures.append(measure(_for(load, seconds_after)))
        finally:
            ended.set()
            looking.join()
        _look_once(line, admin, run)
        (told,) = json.loads(line.command("spending", "payments", "--json"))["budgets"]
        run.by_command = (float(told["spent"]) + float(told["reserved"])) / float(told["amount"])
        _read(folder, run, seen)
    return run


def _spend_all(folder: Path, load: Load, run: LineRun) -> None:
    """Load the line in rounds until one has no budget left for predictions. Raises TimeoutError."""
    began, seen = time.monotonic(), ""
    while True:
        run.figures.append(measure(_for(load, ROUND_SECONDS)))
        rows = _records(folder, seen)
        seen = _newest(folder)
        if sum(because is not None for because, _ in rows) >= NEARLY_ALL * len(rows):
            return
        if time.monotonic() - began > LIMIT_SECONDS:
            raise TimeoutError(f"The budget was not spent within {LIMIT_SECONDS:.0f} s")


def _load(line: Line) -> Load:
    rng = np.random.default_rng(3)
    bodies = [
        json.dumps({"account": f"a{number}", "amount": round(float(rng.lognormal(5, 1)), 2)}) for number in range(500)
    ]
    headers = {"Authorization": f"Bearer {line.key('bench', 'caller').split()[-1]}"}
    return Load(f"{line.url}/v1/automations/payments/decisions", bodies, CONNECTIONS, 1.0, '"outcome"', headers)


def _for(load: Load, seconds: float) -> Load:
    return Load(load.url, load.bodies, load.connections, seconds, load.expect, load.headers)


def _look(line: Line, headers: dict[str, str], run: LineRun, ended: threading.Event) -> None:
    while not ended.wait(LOOK_SECONDS):
        _look_once(line, headers, run)


def _look_once(line: Line, headers: dict[str, str], run: LineRun) -> None:
    answer = httpx.get(
        f"{line.url}/v1/automations/payments/spending", headers=headers, trust_env=False, timeout=20
    ).raise_for_status()
    budget = answer.json()["budget"]
    if budget is None:
        return
    run.looks += 1
    run.by_route = (float(budget["spent"]) + float(budget["reserved"])) / float(budget["amount"])
    run.highest = max(run.highest, run.by_route)
    run.standing = budget["standing"]


def _read(folder: Path, run: LineRun, last_after: str) -> None:
    for because, predicted in _records(folder, ""):
        run.both_or_neither += (because is None) != predicted
        if because is None:
            run.predicted += 1
        else:
            run.fallbacks[because] += 1
    last = _records(folder, last_after)
    run.last, run.last_spent = len(last), sum(because == "BUDGET_SPENT" for because, _ in last)


def _records(folder: Path, after: str) -> list[tuple[str | None, bool]]:
    """Return, for each later decision, the reason for having no prediction, and whether it has one."""
    rows: list[tuple[str | None, bool]] = []
    for record in _query(folder, "SELECT record FROM decisions WHERE id::text > :after", after=after):
        values = json.loads(bytes(record))
        rows.append(((values["fallback"] or {}).get("because"), values["prediction"] is not None))
    return rows


def _newest(folder: Path) -> str:
    return str(_query(folder, "SELECT max(id::text) FROM decisions")[0] or "")


def _query(folder: Path, statement: str, **values: Any) -> list[Any]:
    database = Database(postgres.url_of(config.load(folder, {})), pool_size=1)
    try:
        with database.begin() as tx:
            return list(tx.execute(text(statement), values).scalars())
    finally:
        database.close()
