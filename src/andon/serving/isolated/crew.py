"""A version's processes: started, taken for a batch, given back.

A process that ends, leaks or fails is recorded and replaced.

Use from one event loop. The pool decides how many there are and what they receive.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any

from andon.serving.hosting import Hosting
from andon.serving.incidents import Incidents
from andon.serving.isolated.demand import Occupancy
from andon.serving.isolated.pauses import Pauses
from andon.serving.isolated.process import Launch, ModelProcess
from andon.serving.isolated.scaler import Change
from andon.serving.isolated.trial import StartFailed, Trial, start_ready


class Crew:
    """A version's processes. `joined` is called for each that becomes ready, `unready` with the reason of a failure."""

    def __init__(
        self,
        launch: Launch,
        hosting: Hosting,
        trial: Trial,
        incidents: Incidents,
        *,
        joined: Callable[[], None],
        unready: Callable[[str], None],
    ) -> None:
        self._launch, self._hosting, self._trial = launch, hosting, trial
        self._incidents = incidents
        self._joined, self._unready = joined, unready
        self._free: list[ModelProcess] = []
        """In the order in which they worked; the last is taken next."""
        self._busy: set[ModelProcess] = set()
        self._starts: set[asyncio.Task[str | None]] = set()
        self._endings: set[asyncio.Task[None]] = set()
        self._pauses = Pauses()
        self.occupancy = Occupancy(hosting.processes_max, time.monotonic())
        self.starting = 0
        self.restarts = 0
        self.cold_start_seconds: float | None = None

    @property
    def free(self) -> int:
        """The number of processes that can take a batch now."""
        return len(self._free)

    @property
    def busy(self) -> int:
        """The number of processes at work on a batch."""
        return len(self._busy)

    @property
    def ready(self) -> int:
        """The number of free and busy processes."""
        return len(self._free) + len(self._busy)

    @property
    def is_empty(self) -> bool:
        """Whether there is none, and none is starting."""
        return not (self._free or self._busy or self.starting)

    @property
    def rss_bytes(self) -> int:
        """The resident memory of the live processes."""
        return sum(process.rss_bytes for process in [*self._free, *self._busy])

    # For a batch.

    def take(self) -> ModelProcess:
        """Return the process that worked last, now busy. Raises IndexError when none is free."""
        process = self._free.pop()
        self._busy.add(process)
        self._count()
        return process

    def answered(self) -> None:
        """Record a usable answer: earlier ends are forgiven, and the next ended process is replaced immediately."""
        self._pauses.answered()

    async def give_back(self, process: ModelProcess) -> None:
        """Return a process after a batch: it is free, unless it has ended or has grown too large."""
        self._leave(process)
        if process.is_gone:
            self.restarts += 1
            await self._bury(process)
        elif process.rss_bytes > self._launch.memory_bytes:
            await self._end_leaking(process)
        else:
            self._free.append(process)

    async def kill(self, process: ModelProcess) -> str:
        """End one that crashed or hangs in the middle of a batch. Returns how it ended, if it had."""
        self._leave(process)
        ending = await process.kill()
        self.restarts += 1
        self._pauses.ended(time.monotonic())
        return ending

    def _leave(self, process: ModelProcess) -> None:
        self._busy.discard(process)
        self._count()

    def _count(self) -> None:
        self.occupancy.changed(len(self._busy), time.monotonic())

    # More of them, and fewer.

    def start(self) -> "asyncio.Task[str | None]":
        """Start a process, which counts as starting from now on. The task returns its fault; None if it is ready."""
        self.starting += 1
        task = asyncio.get_running_loop().create_task(self._start())
        self._starts.add(task)
        task.add_done_callback(self._starts.discard)
        return task

    async def _start(self) -> str | None:
        began = time.monotonic()
        problem: str | None = None
        try:
            process = await start_ready(self._launch, self._trial, self._lost, within=self._hosting.start_seconds)
        except StartFailed as failure:
            problem = str(failure)
        finally:
            self.starting -= 1
        if problem is not None:
            self._incidents.note("unloadable", problem)
            self._pauses.ended(time.monotonic())
            self._unready(problem)
            return problem
        self.cold_start_seconds = time.monotonic() - began
        self._free.append(process)
        self._joined()
        return None

    def change(self, change: Change, now: float) -> None:
        """Start this many, unless the last ones ended too soon, and end this many of the longest idle."""
        if self._pauses.are_over(now):
            for _ in range(change.start):
                self.start()
        for _ in range(min(change.end, len(self._free))):
            self._begin(self._free.pop(0).close())

    def weigh(self) -> None:
        """Ask the kernel for the size of each process; end those that are free and too large."""
        for process in self._busy:
            process.weigh()
        for process in list(self._free):
            if process.weigh() > self._launch.memory_bytes:
                self._free.remove(process)
                self._begin(self._end_leaking(process))

    async def stop_starting(self) -> None:
        """Stop all processes that are not ready yet."""
        starts = set(self._starts)
        for start in starts:
            start.cancel()
        await asyncio.gather(*starts, return_exceptions=True)

    async def close(self) -> None:
        """End those that are free, and wait for every end under way. None is at work any more."""
        await asyncio.gather(*(process.close() for process in self._free), *self._endings)
        self._free.clear()

    # Ends.

    def _lost(self, process: ModelProcess) -> None:
        """Handle a process that ended by itself. One at work is seen by its batch."""
        if process in self._free:
            self._free.remove(process)
            self.restarts += 1
            self._begin(self._bury(process))

    async def _bury(self, process: ModelProcess) -> None:
        ending = await process.kill()
        self._incidents.note("crashed", f"An idle process of {self._launch.shown} ended: {ending}")
        self._pauses.ended(time.monotonic())

    async def _end_leaking(self, process: ModelProcess) -> None:
        held, bound = process.rss_bytes / 1e6, self._launch.memory_bytes / 1e6
        self._incidents.note(
            "leaked", f"A process of {self._launch.shown} held {held:,.0f} MB, more than {bound:,.0f}, and was replaced"
        )
        self.restarts += 1
        await process.close()

    def _begin(self, ending: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(ending)
        self._endings.add(task)
        task.add_done_callback(self._endings.discard)
