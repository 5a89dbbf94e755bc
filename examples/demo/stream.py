"""The stream: transfers of a simulated bank, sent as fast as the line answers, over several connections."""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.wire import Connection, ConnectionLost, request

CONNECTIONS = 8
ROOT = Path(__file__).parents[2]


@dataclass(slots=True)
class Progress:
    """What has been answered so far. Latencies in milliseconds, as the caller sees them."""

    expected: int
    outcomes: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)
    began: float = 0.0
    first_answer: float | None = None
    ended: float | None = None

    @property
    def answered(self) -> int:
        """How many decisions were made."""
        return self.outcomes.total()

    @property
    def automatic(self) -> float:
        """The share of decisions that no person has to look at."""
        return 1 - self.outcomes["review"] / self.answered if self.answered else 0.0

    @property
    def per_second(self) -> float:
        """Decisions a second since the stream began."""
        return self.answered / max((self.ended or time.monotonic()) - self.began, 1e-9)


def transfers(count: int, *, seed: int) -> list[bytes]:
    """The first `count` transfers of an hour, as JSON. Simulated in a process of its own, whose memory goes with it."""
    made = subprocess.run(
        [sys.executable, "-m", "examples.demo.transfers", str(count), str(seed)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT / "examples" / "transfer_screening")},
        capture_output=True,
        check=True,
    )
    return made.stdout.splitlines()


async def send(url: str, key: str, bodies: Sequence[bytes], progress: Progress) -> None:
    """Send all of them; `progress` is kept up to date meanwhile."""
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
    waiting = iter([request("POST", url, headers=headers, body=body) for body in bodies])
    progress.began = time.monotonic()

    async def one() -> None:
        connection = await Connection.to(url)
        for sent in waiting:
            since = time.perf_counter()
            try:
                answer = await connection.send(sent)
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
    progress.ended = time.monotonic()
