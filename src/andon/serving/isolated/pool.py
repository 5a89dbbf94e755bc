"""A version's processes: batches wait in one queue, go to the process that worked last, and fail alone.

What a process does wrong costs it its life and its own batch an error; the pool replaces it. How many there are is the
scaler's decision, whether a batch is taken at all the breaker's. Used from one event loop; `predict` from any thread.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Coroutine
from dataclasses import replace
from threading import Lock
from typing import Any

import numpy as np
import structlog

from andon.models import Matrix
from andon.serving.breaker import Breaker
from andon.serving.errors import EndpointBusy, EndpointUnavailable, PredictionFailed, PredictionTimedOut
from andon.serving.hosting import Hosting
from andon.serving.isolated.aside import Aside
from andon.serving.isolated.demand import Demand, Occupancy
from andon.serving.isolated.pauses import Pauses
from andon.serving.isolated.process import Launch, ModelProcess, ProcessGone, Refused
from andon.serving.isolated.scaler import Bounds, Scaler, Seen
from andon.serving.isolated.trial import StartFailed, Trial, start_ready
from andon.serving.isolated.waiting import Batch, Waiting
from andon.serving.ports import PoolStatus

_LOOK_SECONDS = 0.05
_WEIGH_SECONDS = 1.0

log = structlog.get_logger(__name__)


class IsolatedPredictor:
    """The pool of one version. A batch is asked by `predict_soon`, or by `predict`, which blocks, of a process of its own."""

    def __init__(self, launch: Launch, hosting: Hosting, trial: Trial) -> None:
        self._launch, self._hosting, self._trial = launch, hosting, trial
        self._breaker = Breaker()
        self._scaler = Scaler(
            Bounds(
                least=min(hosting.processes_min, hosting.processes_max),
                most=hosting.processes_max,
                wait_target_seconds=hosting.wait_target_ms / 1000,
                idle_seconds=hosting.idle_seconds,
            )
        )
        self._queue = Waiting()
        self._free: list[ModelProcess] = []
        """In the order in which they worked; the last is asked next."""
        self._busy: dict[ModelProcess, Batch] = {}
        self._starting = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._starts: set[asyncio.Task[str | None]] = set()
        self._looking: asyncio.Task[None] | None = None
        self._occupancy = Occupancy(hosting.processes_max, time.monotonic())
        self._demand = Demand()
        self._pauses = Pauses()
        self._weighed_at = 0.0
        self._restarts = 0
        self._incidents: Counter[str] = Counter()
        self._last_incident: str | None = None
        self._cold_start: float | None = None
        self._cpu_seconds = self._gpu_seconds = 0.0
        self._aside: Aside | None = None
        self._aside_lock = Lock()
        self._closed = False

    @property
    def capacity(self) -> int:
        """A batch for each process, and some that wait or are being recorded: by the waiting the pool sees that it is too small."""
        ready = max(1, len(self._free) + len(self._busy))
        return ready + max(2, ready // 2)

    @property
    def cpu_seconds(self) -> float:
        """CPU time spent predicting since the start, over all processes there were."""
        return self._cpu_seconds

    @property
    def gpu_seconds(self) -> float:
        """GPU time spent predicting since the start: how long batches took, on each GPU that their process computes on."""
        return self._gpu_seconds

    async def start(self) -> None:
        """Have the least number of processes ready and warm. Raises EndpointUnavailable with the reason when one cannot be."""
        least = min(self._hosting.processes_min, self._hosting.processes_max)
        missing = least - len(self._free) - len(self._busy) - self._starting
        problems = await asyncio.gather(*(self._begin_start() for _ in range(missing)))
        if problem := next(filter(None, problems), None):
            await self.close()
            raise EndpointUnavailable(problem)
        self._keep_looking()

    async def predict_soon(self, matrix: Matrix, *, within: float) -> Matrix:
        """Probabilities [rows, classes] within so many seconds. Raises PredictionFailed, PredictionTimedOut, EndpointBusy."""
        deadline = time.monotonic() + within
        size = self._hosting.max_batch
        if len(matrix) <= size:
            return await self._ask(matrix, deadline)
        parts = [await self._ask(matrix[at : at + size], deadline) for at in range(0, len(matrix), size)]
        return np.concatenate(parts)

    def predict(self, matrix: Matrix) -> Matrix:
        """The same, blocking, of one process beside the pool; for commands and replay. Raises PredictionFailed."""
        with self._aside_lock:
            if self._aside is None:
                hosting = replace(self._hosting, processes_min=0, processes_max=1)
                self._aside = Aside(IsolatedPredictor(self._launch, hosting, self._trial))
            aside = self._aside
        return aside.predict(matrix, within=self._hosting.start_seconds + self._hosting.timeout_seconds)

    def end_aside(self) -> None:
        """End the process of `predict`, if there is one; the next call starts another."""
        with self._aside_lock:
            aside, self._aside = self._aside, None
        if aside is not None:
            aside.close()

    async def close(self) -> None:
        """Take no more, finish what is under way, end every process."""
        self._closed = True
        if self._looking is not None:
            self._looking.cancel()
        for start in self._starts:
            start.cancel()
        ending = [*self._starts, *([self._looking] if self._looking else [])]
        await asyncio.gather(*ending, return_exceptions=True)
        while self._tasks:
            await asyncio.wait(set(self._tasks))
        self._queue.refuse(EndpointBusy(f"{self._launch.shown} is being closed"))
        await asyncio.gather(*(process.close() for process in self._free))
        self._free.clear()
        await asyncio.to_thread(self.end_aside)

    def status(self) -> PoolStatus:
        """How it is doing."""
        processes = [*self._free, *self._busy]
        return PoolStatus(
            ready=len(processes),
            starting=self._starting,
            busy=len(self._busy),
            queued=len(self._queue),
            restarts=self._restarts,
            incidents=dict(self._incidents),
            last_incident=self._last_incident,
            cold_start_seconds=self._cold_start,
            cpu_seconds=self._cpu_seconds,
            gpu_seconds=self._gpu_seconds,
            rss_bytes=sum(process.rss_bytes for process in processes),
            breaker=self._breaker.state,
        )

    # One batch: taken in, handed to a process, answered.

    async def _ask(self, matrix: Matrix, deadline: float) -> Matrix:
        now = time.monotonic()
        self._demand.came(now)
        self._admit(now)
        batch = Batch(matrix, deadline, asyncio.get_running_loop().create_future(), now)
        self._queue.add(batch)
        self._hand_out()
        if self._queue and not (self._free or self._busy or self._starting):
            self._look()
        try:
            async with asyncio.timeout(deadline - now):
                return await batch.answer
        except TimeoutError:
            raise PredictionTimedOut(f"{self._launch.shown} gave no answer within the time that was left") from None

    def _admit(self, now: float) -> None:
        if self._closed:
            raise EndpointBusy(f"{self._launch.shown} is being closed")
        self._keep_looking()
        if len(self._queue) >= self._hosting.queue_batches:
            raise EndpointBusy(f"{len(self._queue)} batches wait for {self._launch.shown} already")
        if not self._breaker.admit(now):
            after = self._breaker.retry_after(now)
            raise EndpointBusy(
                f"{self._launch.shown} failed too often and is asked again in {after:.1f} s; "
                f"the last time: {self._last_incident}",
                retry_after=after,
            )

    def _hand_out(self) -> None:
        """Give waiting batches to free processes."""
        while self._free and (batch := self._queue.take(now := time.monotonic())) is not None:
            process = self._free.pop()
            self._busy[process] = batch
            self._occupancy.changed(len(self._busy), now)
            self._begin(self._run(process, batch))

    async def _run(self, process: ModelProcess, batch: Batch) -> None:
        """One batch on one process. Whatever happens, the batch gets an answer or an error and the process's place is cared for."""
        began = time.monotonic()
        try:
            async with asyncio.timeout(self._hosting.timeout_seconds):
                reply = await process.predict(batch.matrix)
        except TimeoutError:
            self._computed(process, began)
            late = PredictionTimedOut(f"{self._launch.shown} gave no answer within {self._hosting.timeout_seconds:g} s")
            await self._replace(process, batch, late, "timed_out")
        except ProcessGone:
            crash = PredictionFailed(f"The process of {self._launch.shown} ended while it predicted")
            await self._replace(process, batch, crash, "crashed")
        except Refused as refusal:
            self._computed(process, began)
            self._cpu_seconds += refusal.cpu_seconds
            self._fail(batch, PredictionFailed(f"{self._launch.shown} failed with {refusal}"), "failed")
            await self._free_again(process)
        else:
            self._cpu_seconds += reply.cpu_seconds
            self._demand.took(self._computed(process, began))
            self._settle(batch, reply.probabilities)
            await self._free_again(process)
        self._hand_out()

    def _computed(self, process: ModelProcess, began: float) -> float:
        """How long a batch took, which counts for each GPU that its process computes on."""
        took = time.monotonic() - began
        self._gpu_seconds += took * self._hosting.gpus_of(process.pid)
        return took

    def _settle(self, batch: Batch, probabilities: Matrix) -> None:
        fault = self._trial.fault_of(probabilities, len(batch.matrix))
        if fault is not None:
            error = PredictionFailed(f"{self._launch.shown} gave no usable probabilities: {fault}")
            self._fail(batch, error, "failed")
            return
        self._pauses.answered()
        self._breaker.succeed()
        batch.succeed(probabilities)

    def _fail(self, batch: Batch, error: PredictionFailed, kind: str, detail: str = "") -> None:
        self._note(kind, f"{error}{f' ({detail})' if detail else ''}")
        self._breaker.fail(time.monotonic())
        batch.fail(error)

    # Processes: started, freed, replaced.

    def _leave(self, process: ModelProcess) -> None:
        self._busy.pop(process, None)
        self._occupancy.changed(len(self._busy), time.monotonic())

    async def _free_again(self, process: ModelProcess) -> None:
        """After a batch: the process is free, unless it has grown too large."""
        self._leave(process)
        if process.is_gone:
            self._restarts += 1
            await self._bury(process)
        elif process.rss_bytes > self._launch.memory_bytes:
            await self._end_leaking(process)
        else:
            self._free.append(process)

    async def _end_leaking(self, process: ModelProcess) -> None:
        held, bound = process.rss_bytes / 1e6, self._launch.memory_bytes / 1e6
        self._note("leaked", f"A process of {self._launch.shown} held {held:,.0f} MB of {bound:,.0f} and was replaced")
        self._restarts += 1
        await process.close()

    async def _replace(self, process: ModelProcess, batch: Batch, error: PredictionFailed, kind: str) -> None:
        self._leave(process)
        ending = await process.kill()
        self._restarts += 1
        self._fail(batch, error, kind, ending)
        self._pauses.ended(time.monotonic())

    def _lost(self, process: ModelProcess) -> None:
        """A process ended by itself. One at work is seen by its batch."""
        if process in self._free:
            self._free.remove(process)
            self._restarts += 1
            self._begin(self._bury(process))

    async def _bury(self, process: ModelProcess) -> None:
        ending = await process.kill()
        self._note("crashed", f"An idle process of {self._launch.shown} ended: {ending}")
        self._pauses.ended(time.monotonic())

    def _begin_start(self) -> "asyncio.Task[str | None]":
        """Start one process; it counts as starting from now on."""
        self._starting += 1
        task = asyncio.get_running_loop().create_task(self._start_one())
        self._starts.add(task)
        task.add_done_callback(self._starts.discard)
        return task

    async def _start_one(self) -> str | None:
        """Start one process and ask it its probes. Returns what was wrong with it, or None if it is ready."""
        began = time.monotonic()
        problem: str | None = None
        try:
            process = await start_ready(self._launch, self._trial, self._lost, within=self._hosting.start_seconds)
        except StartFailed as failure:
            problem = str(failure)
        finally:
            self._starting -= 1
        if problem is not None:
            self._could_not_start(problem)
            return problem
        self._cold_start = time.monotonic() - began
        self._free.append(process)
        self._hand_out()
        return None

    def _could_not_start(self, problem: str) -> None:
        """Nobody shall wait for a process that does not come."""
        self._note("unloadable", problem)
        self._breaker.fail(time.monotonic())
        self._pauses.ended(time.monotonic())
        if not (self._free or self._busy or self._starting):
            self._queue.refuse(PredictionFailed(problem))

    # Looking after the pool, some times a second.

    def _keep_looking(self) -> None:
        if self._looking is None:
            self._looking = asyncio.get_running_loop().create_task(self._look_on())

    async def _look_on(self) -> None:
        while True:
            self._look()
            await asyncio.sleep(_LOOK_SECONDS)

    def _look(self) -> None:
        now = time.monotonic()
        self._hand_out()
        if now - self._weighed_at >= _WEIGH_SECONDS:
            self._weighed_at = now
            self._weigh()
        waited = self._queue.look(now)
        seen = Seen(
            ready=len(self._free) + len(self._busy),
            starting=self._starting,
            queued=len(self._queue),
            waits=waited.waits,
            oldest_seconds=waited.oldest,
            backlog_seconds=waited.backlog,
            demand=self._demand.processes(now),
            at_work=self._occupancy.shares(now),
            idle_seconds=self._occupancy.idle_seconds(now),
        )
        change = self._scaler.look(seen, now)
        if self._pauses.are_over(now):
            for _ in range(change.start):
                self._begin_start()
        for _ in range(min(change.end, len(self._free))):
            self._begin(self._free.pop(0).close())

    def _weigh(self) -> None:
        for process in self._busy:
            process.weigh()
        for process in list(self._free):
            if process.weigh() > self._launch.memory_bytes:
                self._free.remove(process)
                self._begin(self._end_leaking(process))

    def _begin(self, work: Coroutine[Any, Any, Any]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _note(self, kind: str, what: str) -> None:
        self._incidents[kind] += 1
        self._last_incident = what
        log.warning("model.incident", model=self._launch.shown, kind=kind, what=what)
