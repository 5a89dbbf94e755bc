"""The traffic of a story, part after part, calm or with the wave, and the result of each transfer."""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from andon_demo.bank.session import Session
from andon_demo.line import LineFailed

PER_SECOND = 200.0
AT_ONCE = 15
"""Transfers in one call."""

BACKLOG = 60
"""Transfers waiting for a person at which the bank pauses sending."""

CALLS_AT_ONCE = 4
"""Calls under way at most; when all are, the next transfers wait."""

FIXED = 0.5
"""The fixed threshold that Andon is compared with: a transfer with a lower score is released."""

SEGMENT = "api"
"""The channel of the wave."""

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True, slots=True)
class TruthfulTransfer:
    """A transfer as the bank sends it, and whether it is a fraud, which the line never sees."""

    input: Mapping[str, Any]
    fraud: bool

    @property
    def channel(self) -> str:
        """Return the channel of the transfer."""
        return str(self.input["channel"])


@dataclass(slots=True)
class Tally:
    """Decisions in one part of the story.

    Errors are frauds that were released and honest transfers that were paused.
    """

    decided: int = 0
    automatic: int = 0
    frauds: int = 0
    errors: int = 0
    errors_fixed: int = 0
    segment: Counter[str] = field(default_factory=Counter)
    """Outcomes in the segment of the wave."""


@dataclass(slots=True)
class Answered:
    """Decisions that one model version made, and the errors among them."""

    decided: int = 0
    errors: int = 0


class Traffic:
    """Sends the transfers of the current `part` until it is stopped.

    `sent` maps decision ids to transfers; `versions` counts the decisions of each model version.
    """

    def __init__(self, url: str, key: str, automation: str, parts: Mapping[str, list[TruthfulTransfer]]) -> None:
        self.part = next(iter(parts))
        self._reviewed = self._listed = 0
        self._flowing = asyncio.Event()
        self._flowing.set()
        self.tallies = {name: Tally() for name in parts}
        self.sent: dict[str, TruthfulTransfer] = {}
        self.versions = defaultdict[int, Answered](Answered)
        self._parts: dict[str, Iterator[TruthfulTransfer]] = {name: iter(some) for name, some in parts.items()}
        self._url, self._key, self._stopped = url, key, False
        self._path = f"/v1/automations/{automation}/decisions:batch"

    @property
    def decided(self) -> int:
        """Return the number of decisions."""
        return sum(tally.decided for tally in self.tallies.values())

    @property
    def tally(self) -> Tally:
        """The decisions of the current part."""
        return self.tallies[self.part]

    def stop(self) -> None:
        """Send nothing more."""
        self._stopped = True
        self._flowing.set()

    @property
    def waiting(self) -> int:
        """Transfers that wait for a person."""
        return sum(tally.decided - tally.automatic for tally in self.tallies.values()) - self._reviewed

    def reviewed(self) -> None:
        """Count a waiting case that a person has decided."""
        self._reviewed += 1
        self._pace()

    def listed(self, reviews: int) -> None:
        """Set the number of open reviews and blind audits, as people see it."""
        self._listed = reviews
        self._pace()

    def _pace(self) -> None:
        """Pause sending while people have more work than they can keep up with."""
        if max(self.waiting, self._listed) >= BACKLOG and not self._stopped:
            self._flowing.clear()
        else:
            self._flowing.set()

    async def run(self) -> None:
        """Send transfers. Raises LineFailed when a call fails or all planned transfers are sent."""
        due, waiting = time.monotonic(), [Session(self._url, self._key) for _ in range(CALLS_AT_ONCE)]
        under_way = set[asyncio.Task[None]]()
        while not self._stopped:
            if not waiting:
                done, under_way = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
                continue
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            await self._flowing.wait()
            due = max(due + AT_ONCE / PER_SECOND, time.monotonic() - 1)
            under_way.add(asyncio.create_task(self._call(waiting, waiting.pop(), self.part, self._next())))
        await asyncio.gather(*under_way)

    def _next(self) -> list[TruthfulTransfer]:
        some = [transfer for transfer, _ in zip(self._parts[self.part], range(AT_ONCE), strict=False)]
        if not some:
            raise LineFailed(f"All transfers of {self.part!r} were sent before the story continued")
        return some

    async def _call(self, waiting: list[Session], session: Session, part: str, some: list[TruthfulTransfer]) -> None:
        rows = await session.call("POST", self._path, [transfer.input for transfer in some])
        waiting.append(session)
        for transfer, row in zip(some, rows, strict=True):
            if "error" in row:
                raise LineFailed(f"A transfer was not decided: {row['error']}")
            self._count(self.tallies[part], transfer, row)
        self._pace()

    def _count(self, tally: Tally, transfer: TruthfulTransfer, row: Mapping[str, Any]) -> None:
        outcome, fraud = row["outcome"], transfer.fraud
        self.sent[row["id"]] = transfer
        tally.decided += 1
        tally.frauds += fraud
        tally.automatic += outcome != "review"
        wrong = outcome == ("release" if fraud else "pause")
        tally.errors += wrong
        answered = self.versions[row["model"]["version"]]
        answered.decided += 1
        answered.errors += wrong
        tally.errors_fixed += (row["score"] < FIXED) == fraud
        if transfer.channel == SEGMENT:
            tally.segment[outcome] += 1


def planned(seed: int, counts: Mapping[str, int]) -> dict[str, list[TruthfulTransfer]]:
    """Make this many transfers of each part, in separate processes so that their memory is freed."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "examples" / "transfer_screening")}
    making = {
        part: subprocess.Popen(
            [sys.executable, "-m", f"{__package__}.waves", part.split()[0], str(count), str(seed + number)],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
        )
        for number, (part, count) in enumerate(counts.items())
    }
    made = {}
    for part, process in making.items():
        output, _ = process.communicate(timeout=60)
        if process.returncode != 0:
            raise LineFailed(f"The simulator ended with {process.returncode}")
        made[part] = [TruthfulTransfer(**json.loads(line)) for line in output.splitlines()]
    return made
