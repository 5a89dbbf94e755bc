"""The first decision from an empty folder, the time of a restart, and the memory of everything together.

The environment exists already. Beside it, in the same run: the time one bare process takes to load what a gateway and a
worker load. Goal: a restart of everything takes at most five times as long.
"""

import argparse
import asyncio
import base64
import json
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks import goals
from benchmarks.goals import Goal, at_most, ratio
from benchmarks.line import Line
from benchmarks.wire import Connection, request

GOAL = 5.0
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
    """Measure, print, and with --check say whether the goals were reached."""
    arguments = argparse.ArgumentParser(prog="script/bench start", description=__doc__)
    arguments.add_argument("--check", action="store_true", help="exit 1 when the goal is missed")
    check = arguments.parse_args().check
    with tempfile.TemporaryDirectory(prefix="andon-bench-") as name:
        Path(name).chmod(0o711)
        figures = _measured(Path(name) / "project")
    table = Table("", "measured")
    for name, value in figures.items():
        table.add_row(name.replace("_", " "), f"{value:,.1f}")
    judged = goals_of(figures)
    Console().print(table, goals.table_of(judged))
    print(json.dumps({"benchmark": "start", **figures, **goals.as_json(judged)}))
    return 1 if check and goals.missed(judged) else 0


def goals_of(figures: Mapping[str, float]) -> list[Goal]:
    """Judge the restart beside the loading of the code."""
    restart = ratio(figures["restart_seconds"], figures["loading_seconds"])
    return [at_most("a restart against one process that loads the code", restart, GOAL)]


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


def _restart(line: Line, key: str) -> None:
    line.up()
    asyncio.run(_decide(line, key, times=1))


async def _decide(line: Line, key: str, *, times: int) -> None:
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
    url = f"{line.url}/v1/automations/transfer-screening/decisions"
    sent = request("POST", url, headers=headers, body=json.dumps(TRANSFER).encode())
    async with await Connection.to(url) as connection:
        for _ in range(times):
            answer = await connection.send(sent)
            if answer.status != 200:
                raise RuntimeError(f"A decision failed: {answer.status} {answer.body[:300].decode(errors='replace')}")


if __name__ == "__main__":
    sys.exit(main())
