"""The traffic of the story: calm until the wave begins, and calm again when it ends; and what became of each transfer."""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.line import LineFailed
from benchmarks.wire import Connection, request

PER_SECOND = 300.0
AT_ONCE = 15
"""Transfers in one call."""

CALLS_AT_ONCE = 4
"""Calls under way at most; when all are, the next transfers wait."""

PLANNED = {"calm": 10_000, "wave": 10_000, "calm again": 60_000}
"""Transfers of each part that are made before the story begins; it uses as many as it needs."""

FIXED = 0.5
"""The fixed threshold beside which Andon is put: a transfer with a lower score is released."""

SEGMENT = "api"
"""The channel by which the wave comes."""

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True, slots=True)
class TruthfulTransfer:
    """A transfer as the bank sends it, and whether it is a fraud, which the line never sees."""

    input: Mapping[str, Any]
    fraud: bool


@dataclass(slots=True)
class Tally:
    """What was decided in one part of the story. Errors are frauds that were released and honest transfers that were paused."""

    decided: int = 0
    automatic: int = 0
    frauds: int = 0
    errors: int = 0
    errors_fixed: int = 0
    segment: Counter[str] = field(default_factory=Counter)
    """Outcomes in the segment of the wave."""


class Traffic:
    """Sends transfers until it is stopped; `part` says which. `truth` says of each decision by its id whether it was a fraud."""

    def __init__(self, url: str, key: str, parts: Mapping[str, list[TruthfulTransfer]]) -> None:
        self.part = "calm"
        self.tallies = {name: Tally() for name in parts}
        self.truth: dict[str, bool] = {}
        self._parts: dict[str, Iterator[TruthfulTransfer]] = {name: iter(some) for name, some in parts.items()}
        self._url, self._stopped = url, False
        self._headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}

    @property
    def decided(self) -> int:
        """Decisions so far."""
        return sum(tally.decided for tally in self.tallies.values())

    @property
    def tally(self) -> Tally:
        """What was decided in the part that is on now."""
        return self.tallies[self.part]

    def stop(self) -> None:
        """Send nothing more."""
        self._stopped = True

    async def run(self) -> None:
        """Send. Raises LineFailed when a call fails or all planned transfers are sent."""
        connections = asyncio.Queue[Connection]()
        for _ in range(CALLS_AT_ONCE):
            connections.put_nowait(await Connection.to(self._url))
        async with asyncio.TaskGroup() as group:
            due = time.monotonic()
            while not self._stopped:
                connection = await connections.get()
                await asyncio.sleep(due - time.monotonic())
                due = max(due + AT_ONCE / PER_SECOND, time.monotonic() - 1)
                group.create_task(self._call(connection, connections, self.part, self._next()))

    def _next(self) -> list[TruthfulTransfer]:
        some = [transfer for transfer, _ in zip(self._parts[self.part], range(AT_ONCE), strict=False)]
        if not some:
            raise LineFailed(f"All transfers of {self.part!r} were sent before the story went on")
        return some

    async def _call(
        self,
        connection: Connection,
        connections: "asyncio.Queue[Connection]",
        part: str,
        some: list[TruthfulTransfer],
    ) -> None:
        body = json.dumps([transfer.input for transfer in some]).encode()
        answer = await connection.send(request("POST", self._url, headers=self._headers, body=body))
        connections.put_nowait(connection)
        rows = json.loads(answer.body)
        if answer.status != 200 or any("error" in row for row in rows):
            raise LineFailed(f"Deciding failed with {answer.status}: {answer.body[:500].decode(errors='replace')}")
        for transfer, row in zip(some, rows, strict=True):
            self._count(self.tallies[part], transfer, row)

    def _count(self, tally: Tally, transfer: TruthfulTransfer, row: Mapping[str, Any]) -> None:
        outcome, fraud = row["outcome"], transfer.fraud
        self.truth[row["id"]] = fraud
        tally.decided += 1
        tally.frauds += fraud
        tally.automatic += outcome != "review"
        tally.errors += outcome == ("release" if fraud else "pause")
        tally.errors_fixed += (row["score"] < FIXED) == fraud
        if transfer.input["channel"] == SEGMENT:
            tally.segment[outcome] += 1


def planned(seed: int) -> dict[str, list[TruthfulTransfer]]:
    """Make the transfers of all parts, in processes of their own, whose memory goes with them."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "examples" / "transfer_screening")}
    making = {
        part: subprocess.Popen(
            [sys.executable, "-m", f"{__package__}.waves", part.split()[0], str(count), str(seed + number)],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
        )
        for number, (part, count) in enumerate(PLANNED.items())
    }
    made = {}
    for part, process in making.items():
        output, _ = process.communicate(timeout=60)
        if process.returncode != 0:
            raise LineFailed(f"The simulator ended with {process.returncode}")
        made[part] = [TruthfulTransfer(**json.loads(line)) for line in output.splitlines()]
    return made
