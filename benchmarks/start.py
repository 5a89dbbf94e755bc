"""The time to the first decision from an empty folder or a CSV file, the time of a restart, and the memory in use.

The environment exists before the measurement starts. The same run also measures how long one bare process takes to load
what a gateway and a worker load. Goals: a restart of everything takes at most five times as long, the first decision
from a CSV file is made within 20 s, and an idle installation needs at most 450 MB.
"""

import argparse
import asyncio
import base64
import csv
import json
import random
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from rich.console import Console
from rich.table import Table

from andon_demo.line import Line
from andon_demo.wire import Connection, request
from benchmarks import goals
from benchmarks.goals import Goal, at_most, ratio

GOAL = 5.0
FIRST_DECISION_SECONDS = 20.0
IDLE_MB = 450.0
ROWS = 4_000
"""Rows of the CSV file."""

LOADING = "import andon.bootstrap.gateway, andon.bootstrap.worker"

TRANSFER = {
    "transfer_id": "t-1",
    "account_id": "a-1",
    "amount": 25.0,
    "country": "DE",
    "channel": "mobile",
    "hour": 12,
    "beneficiary_is_new": False,
    "account_age_days": 900,
    "device_trust": 0.9,
}


def main() -> int:
    """Measure, print, and with --check report whether the goals were reached."""
    arguments = argparse.ArgumentParser(prog="script/bench start", description=__doc__)
    arguments.add_argument("--check", action="store_true", help="exit 1 when the goal is missed")
    check = arguments.parse_args().check
    with tempfile.TemporaryDirectory(prefix="andon-bench-") as name:
        Path(name).chmod(0o711)
        figures = _measured(Path(name) / "project") | _from_csv(Path(name))
    table = Table("", "measured")
    for name, value in figures.items():
        table.add_row(name.replace("_", " "), f"{value:,.1f}")
    judged = goals_of(figures)
    Console().print(table, goals.table_of(judged))
    print(json.dumps({"benchmark": "start", **figures, **goals.as_json(judged)}))
    return 1 if check and goals.missed(judged) else 0


def goals_of(figures: Mapping[str, float]) -> list[Goal]:
    """Judge the restart against loading the code."""
    restart = ratio(figures["restart_seconds"], figures["loading_seconds"])
    return [
        at_most("a restart against one process that loads the code", restart, GOAL),
        at_most("seconds from a CSV file to the first decision", figures["csv_seconds"], FIRST_DECISION_SECONDS),
        at_most("MB of memory of an idle installation", figures["idle_mb"], IDLE_MB),
    ]


def _measured(folder: Path) -> dict[str, float]:
    began, figures = time.perf_counter(), dict[str, float]()
    secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()

    def phase(name: str, work: Callable[[], object]) -> None:
        since = time.perf_counter()
        work()
        figures[f"{name}_seconds"] = round(time.perf_counter() - since, 2)

    phase("init", lambda: Line(folder.parent).command("init", folder.name))
    with Line(folder, environment={"CORE_BANKING_SECRET": secret}) as line:
        phase("train_and_up", line.up)
        key = line.key("bench", "caller")
        asyncio.run(_decide(line, key, times=1))
        figures["first_decision_seconds"] = round(time.perf_counter() - began, 2)
        asyncio.run(_decide(line, key, times=2_000))
        figures["memory_mb"] = round(line.memory() / 1e6, 1)
        phase("stop", line.down)
        phase("restart", lambda: _restart(line, key))
    phase("loading", lambda: subprocess.run([sys.executable, "-c", LOADING], check=True, timeout=120))
    return figures


def _from_csv(parent: Path) -> dict[str, float]:
    """Measure from a CSV file to the first decision, and the memory of an installation that has nothing to do."""
    rows, began = _write_orders(parent / "orders.csv"), time.perf_counter()
    Line(parent).command("init", "orders", "--from", "orders.csv", "--target", "returned")
    with Line(parent / "orders") as line:
        line.up()
        asyncio.run(_decide(line, line.key("bench", "caller"), times=1, automation="orders", row=rows[0]))
        seconds = time.perf_counter() - began
        line.wait_until("the first minute's work was done", lambda: time.perf_counter() > began + 60, timeout=90)
        return {"csv_seconds": round(seconds, 2), "idle_mb": round(line.memory() / 1e6, 1)}


def _write_orders(path: Path) -> list[dict[str, object]]:
    """Write orders of a shop, some of them returned, and return them without the target."""
    draw = random.Random(7)
    orders: list[dict[str, object]] = []
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        for number in range(ROWS):
            price, items, country = round(draw.lognormvariate(4, 0.7), 2), draw.randint(1, 9), draw.choice("ABCD")
            order = {"price": price, "items": items, "country": country, "is_new": draw.random() < 0.3}
            likely = 0.02 + 0.3 * (price > 120) + 0.4 * (country == "D" and items > 6)
            if number == 0:
                table.writerow([*order, "returned"])
            table.writerow([*order.values(), "yes" if draw.random() < likely else "no"])
            orders.append(order)
    return orders


def _restart(line: Line, key: str) -> None:
    line.up()
    asyncio.run(_decide(line, key, times=1))


async def _decide(
    line: Line, key: str, *, times: int, automation: str = "transfer-screening", row: Mapping[str, object] = TRANSFER
) -> None:
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
    url = f"{line.url}/v1/automations/{automation}/decisions"
    sent = request("POST", url, headers=headers, body=json.dumps(row).encode())
    async with await Connection.to(url) as connection:
        for _ in range(times):
            answer = await connection.send(sent)
            if answer.status != 200:
                raise RuntimeError(f"A decision failed: {answer.status} {answer.body[:300].decode(errors='replace')}")


if __name__ == "__main__":
    sys.exit(main())
