"""The stream: transfers of a simulated bank at a given rate.

Urgent ones are calls over several connections; the others are events, each sent at its place in the order of time.
"""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from andon_demo.wire import Connection, ConnectionLost, request

if TYPE_CHECKING:
    from andon_demo.intakes import Sender

CONNECTIONS = 8
PER_SECOND = 1_000.0
URGENT = "mobile"
"""The channel whose transfers are carried out immediately: a customer waits for the answer."""
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Transfer:
    """One transfer as the bank sends it."""

    body: bytes
    input: Mapping[str, Any]

    @property
    def account(self) -> str:
        """The account of the transfer."""
        return str(self.input["account_id"])

    @property
    def urgent(self) -> bool:
        """Whether a customer waits for the answer."""
        return bool(self.input["channel"] == URGENT)


@dataclass(slots=True)
class Progress:
    """The progress of the stream. For calls: outcomes as answered, and latencies in milliseconds at the caller.

    For events: the time of each, on the clock of this process, and the number decided.
    """

    calls: int
    events: int
    outcomes: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)
    told: list[tuple[float, Transfer]] = field(default_factory=list)
    decided: int = 0
    began: float = 0.0
    first_answer: float | None = None
    ended: float | None = None

    @property
    def answered(self) -> int:
        """The number of answered calls."""
        return self.outcomes.total()

    @property
    def per_second(self) -> float:
        """Decisions per second since the stream began."""
        return (self.answered + self.decided) / max((self.ended or time.monotonic()) - self.began, 1e-9)


def transfers(count: int, *, seed: int) -> list[Transfer]:
    """Return the first `count` transfers of an hour, simulated in a separate process so that its memory is freed."""
    made = subprocess.run(
        [sys.executable, "-m", "andon_demo.transfers", str(count), str(seed)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT / "examples" / "transfer_screening")},
        capture_output=True,
        check=True,
    )
    return [Transfer(line, json.loads(line)) for line in made.stdout.splitlines()]


async def send(
    url: str, key: str, transfers: Sequence[Transfer], progress: Progress, events: "Sender | None" = None
) -> None:
    """Send all transfers, updating `progress`. Without `events`, call the line for each, as fast as it answers."""
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
    waiting = iter(enumerate(transfers))
    progress.began = time.monotonic()

    async def one() -> None:
        connection = await Connection.to(url)
        for number, transfer in waiting:
            if events is not None:
                await asyncio.sleep(progress.began + number / PER_SECOND - time.monotonic())
            if events is not None and not transfer.urgent:
                progress.told.append((time.monotonic(), transfer))
                await events.send(transfer)
                continue
            since = time.perf_counter()
            try:
                answer = await connection.send(request("POST", url, headers=headers, body=transfer.body))
            except (ConnectionLost, TimeoutError) as error:
                progress.errors[type(error).__name__] += 1
                connection = await Connection.to(url)
                continue
            if answer.status != 200:
                progress.errors[str(answer.status)] += 1
                continue
            progress.latencies.append((time.perf_counter() - since) * 1000)
            progress.first_answer = progress.first_answer or time.time()
            progress.outcomes[json.loads(answer.body)["outcome"]] += 1
        connection.close()

    await asyncio.gather(*(one() for _ in range(CONNECTIONS)))
