"""A comparison of three ways to decide the same transfers: calls, the stream, and a loop in a plain program.

The times of the first two are read from the ledger of the story itself, where both shared the machine. The cost is
measured afterwards, on a twin of the automation whose decisions have no consequences, so that only deciding counts:
the CPU time of the deciding process, of PostgreSQL and of the broker.
"""

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from andon_demo import one_by_one, project, stream
from andon_demo.intakes import Intake
from andon_demo.ledger import Ledger, Routed
from andon_demo.line import Line, LineFailed
from andon_demo.stream import Progress, Transfer

MEASURED = 2_000
"""Transfers that are decided again to measure the cost."""

SECONDS = 5.0
"""Seconds for which the plain program decides."""

PATIENCE = 60.0
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Way:
    """One way into the line. `cpu_us` is the CPU time of a decision by process."""

    name: str
    routed: Routed
    cpu_us: Mapping[str, float]

    @property
    def total_us(self) -> float:
        """The CPU time of a decision in microseconds."""
        return sum(self.cpu_us.values())


class Comparison:
    """Measures the ways, one after another. `caller` is the name that the calls are recorded under."""

    def __init__(self, line: Line, ledger: Ledger, intake: Intake, key: str, caller: str) -> None:
        self._line = line
        self._ledger = ledger
        self._intake = intake
        self._key = key
        self._caller = caller

    def called(self, transfers: Sequence[Transfer]) -> Way:
        """Measure the priority path."""
        url = f"{self._line.url}/v1/automations/{project.TWIN}/decisions"
        progress = Progress(len(transfers), 0)

        def call() -> int:
            asyncio.run(stream.send(url, self._key, transfers, progress))
            if progress.errors:
                raise LineFailed(f"Some calls failed: {dict(progress.errors)}")
            return len(transfers)

        routed = self._ledger.routed(project.AUTOMATION, self._caller)
        return Way("priority path", routed, self._spent(call, "gateway"))

    def streamed(self, transfers: Sequence[Transfer]) -> Way:
        """Measure the event path."""

        def decide() -> int:
            asyncio.run(self._tell(transfers))
            self._line.wait_until("all events were decided", lambda: self._decided(len(transfers)), timeout=PATIENCE)
            return len(transfers)

        routed = self._ledger.routed(project.AUTOMATION, self._intake.stream(project.PLACE))
        return Way("event path", routed, self._spent(decide, "worker"))

    def plain(self, told: Sequence[tuple[float, Transfer]]) -> Way:
        """Measure one transaction per event, each taken at its time in the story."""
        arrivals = b"".join(b"%.6f\t%b\n" % (at - told[0][0], transfer.body) for at, transfer in told)
        own = 0.0

        def decide() -> int:
            nonlocal own
            done = subprocess.run(
                [sys.executable, "-m", one_by_one.__name__, project.TWIN, str(SECONDS)],
                cwd=self._line.folder,
                env={**self._line.environment, "PYTHONPATH": str(ROOT)},
                input=arrivals,
                capture_output=True,
                timeout=PATIENCE,
                check=False,
            )
            if done.returncode != 0:
                raise LineFailed(f"Deciding one by one failed: {done.stderr.decode(errors='replace')[-2000:]}")
            said = json.loads(done.stdout)
            own = said["cpu_seconds"] / max(said["decided"], 1) * 1e6
            return int(said["decided"])

        spent = self._spent(decide)
        routed = self._ledger.routed(project.TWIN, one_by_one.CALLER)
        return Way("one by one", routed, {"program": own, **spent})

    async def _tell(self, transfers: Sequence[Transfer]) -> None:
        async with self._intake.sending(project.TWIN_PLACE, self._ledger.url) as events:
            for transfer in transfers:
                await events.send(transfer)

    def _decided(self, expected: int) -> bool:
        decided, otherwise = self._ledger.done(project.TWIN)
        if otherwise:
            raise LineFailed(f"{otherwise} events of {project.TWIN} were not decided")
        return decided >= expected

    def _spent(self, work: Callable[[], int], *parts: str) -> dict[str, float]:
        """Return the CPU time per decision in microseconds, by process, while `work` runs.

        The processes are the named ones, PostgreSQL and the broker.
        """
        before = self._cpu_seconds(parts)
        decisions = max(work(), 1)
        return {
            part: seconds / decisions * 1e6
            for part, now in self._cpu_seconds(parts).items()
            if (seconds := now - before[part]) > 0
        }

    def _cpu_seconds(self, parts: Sequence[str]) -> dict[str, float]:
        spent = dict.fromkeys((*parts, "PostgreSQL"), 0.0)
        for process in self._line.processes():
            with suppress(psutil.NoSuchProcess):
                command, times = process.cmdline(), process.cpu_times()
                part = "PostgreSQL" if command and "postgres" in command[0] else command[-1] if command else ""
                if part in spent:
                    spent[part] += times.user + times.system
        spent["broker"] = self._intake.cpu_seconds()
        return spent
