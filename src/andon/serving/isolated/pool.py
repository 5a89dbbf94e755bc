"""A version in its own processes: batches share one queue, go to the process that worked last, and fail alone.

A process that misbehaves is killed, its own batch fails, and another takes its place. The scaler decides how many there
are, the breaker whether a batch is admitted. Used from one event loop; `predict` from any thread.
"""

import asyncio
import time
from dataclasses import replace
from threading import Lock

import numpy as np

from andon.models import Matrix
from andon.serving.breaker import BOUNDLESS, USUAL, Tolerance, VersionBreaker
from andon.serving.errors import EndpointBusy, EndpointUnavailable, PredictionFailed, PredictionTimedOut
from andon.serving.hosting import Hosting
from andon.serving.incidents import Incidents
from andon.serving.isolated.aside import Aside
from andon.serving.isolated.crew import Crew
from andon.serving.isolated.demand import Demand
from andon.serving.isolated.process import Launch, ModelProcess, ProcessGone, ProcessRefusal
from andon.serving.isolated.scaler import Bounds, PoolSample, Scaler
from andon.serving.isolated.trial import Trial
from andon.serving.isolated.waiting import BatchQueue, QueuedRows
from andon.serving.ports import PoolStatus

_LOOK_SECONDS = 0.05
_WEIGH_SECONDS = 1.0


class IsolatedPredictor:
    """The pool of one version. `predict_soon` uses the pool; `predict` blocks and uses a process of its own."""

    def __init__(self, launch: Launch, hosting: Hosting, trial: Trial, tolerance: Tolerance = USUAL) -> None:
        self._launch, self._hosting, self._trial = launch, hosting, trial
        self._breaker = VersionBreaker(tolerance)
        self._scaler = Scaler(
            Bounds(
                least=hosting.processes_min,
                most=hosting.processes_max,
                wait_target_seconds=hosting.wait_target_ms / 1000,
                idle_seconds=hosting.idle_seconds,
            )
        )
        self._queue = BatchQueue()
        self._incidents = Incidents(launch.shown)
        self._crew = Crew(launch, hosting, trial, self._incidents, joined=self._hand_out, unready=self._could_not_start)
        self._runs: set[asyncio.Task[None]] = set()
        self._looking: asyncio.Task[None] | None = None
        self._demand = Demand()
        self._weighed_at = 0.0
        self._cpu_seconds = self._gpu_seconds = 0.0
        self._aside: Aside | None = None
        self._aside_lock = Lock()
        self._closed = False

    @property
    def capacity(self) -> int:
        """The number of batches to admit: one per process, and a few that wait and so show a shortage of processes."""
        ready = max(1, self._crew.ready)
        return ready + max(2, ready // 2)

    @property
    def cpu_seconds(self) -> float:
        """CPU time spent predicting since the start, over all processes there were."""
        return self._cpu_seconds

    @property
    def gpu_seconds(self) -> float:
        """Seconds of GPU time spent predicting since the start: batch durations, times the GPUs of the process."""
        return self._gpu_seconds

    async def start(self) -> None:
        """Start the least number of processes and warm them.

        Raises EndpointUnavailable with the reason if one fails.
        """
        missing = self._hosting.processes_min - self._crew.ready - self._crew.starting
        problems = await asyncio.gather(*(self._crew.start() for _ in range(missing)))
        if problem := next(filter(None, problems), None):
            await self.close()
            raise EndpointUnavailable(problem)
        self._keep_looking()

    async def predict_soon(self, matrix: Matrix, *, within: float) -> Matrix:
        """Return probabilities [rows, classes] within `within` seconds.

        Raises PredictionFailed, PredictionTimedOut, EndpointBusy.
        """
        deadline = time.monotonic() + within
        size = self._hosting.max_batch
        if len(matrix) <= size:
            return await self._ask(matrix, deadline)
        parts = [await self._ask(matrix[at : at + size], deadline) for at in range(0, len(matrix), size)]
        return np.concatenate(parts)

    def predict(self, matrix: Matrix) -> Matrix:
        """Return the same, blocking, from one process outside the pool, for commands and replay.

        Raises PredictionFailed.
        """
        with self._aside_lock:
            if self._aside is None:
                hosting = replace(self._hosting, processes_min=0, processes_max=1)
                self._aside = Aside(IsolatedPredictor(self._launch, hosting, self._trial, BOUNDLESS))
            aside = self._aside
        return aside.predict(matrix, within=self._hosting.start_seconds + self._hosting.timeout_seconds)

    def end_aside(self) -> None:
        """End the process of `predict`, if there is one; the next call starts another."""
        with self._aside_lock:
            aside, self._aside = self._aside, None
        if aside is not None:
            aside.close()

    async def close(self) -> None:
        """Accept no more batches, finish those under way, end every process."""
        self._closed = True
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)
        await self._crew.stop_starting()
        while self._runs:
            await asyncio.wait(set(self._runs))
        self._queue.refuse(EndpointBusy(f"{self._launch.shown} is being closed"))
        await self._crew.close()
        await asyncio.to_thread(self.end_aside)

    def status(self) -> PoolStatus:
        """Return the pool's status."""
        crew = self._crew
        return PoolStatus(
            ready=crew.ready,
            starting=crew.starting,
            busy=crew.busy,
            queued=len(self._queue),
            restarts=crew.restarts,
            incidents=self._incidents.counts(),
            last_incident=self._incidents.last,
            cold_start_seconds=crew.cold_start_seconds,
            cpu_seconds=self._cpu_seconds,
            gpu_seconds=self._gpu_seconds,
            rss_bytes=crew.rss_bytes,
            breaker=self._breaker.state,
        )

    # One batch: taken in, handed to a process, answered.

    async def _ask(self, matrix: Matrix, deadline: float) -> Matrix:
        now = time.monotonic()
        self._demand.came(now)
        self._admit(now)
        batch = QueuedRows(matrix, deadline, asyncio.get_running_loop().create_future(), now)
        self._queue.add(batch)
        self._hand_out()
        if self._queue and self._crew.is_empty:
            self._look()
        try:
            async with asyncio.timeout(deadline - now):
                return await batch.answer
        except TimeoutError:
            raise PredictionTimedOut(f"{self._launch.shown} gave no answer within the remaining time") from None

    def _admit(self, now: float) -> None:
        if self._closed:
            raise EndpointBusy(f"{self._launch.shown} is being closed")
        self._keep_looking()
        if len(self._queue) >= self._hosting.queue_batches:
            raise EndpointBusy(f"{len(self._queue)} batches already wait for {self._launch.shown}")
        if not self._breaker.admit(now):
            after = self._breaker.retry_after(now)
            raise EndpointBusy(
                f"{self._launch.shown} failed repeatedly and is tried again in {after:.1f} s; "
                f"last failure: {self._incidents.last}",
                retry_after=after,
            )

    def _hand_out(self) -> None:
        """Give waiting batches to free processes."""
        while self._crew.free and (batch := self._queue.take(time.monotonic())) is not None:
            run = asyncio.get_running_loop().create_task(self._run(self._crew.take(), batch))
            self._runs.add(run)
            run.add_done_callback(self._runs.discard)

    async def _run(self, process: ModelProcess, batch: QueuedRows) -> None:
        """Run one batch on one process. It always gets an answer or an error, and a lost process is replaced."""
        began = time.monotonic()
        try:
            async with asyncio.timeout(self._hosting.timeout_seconds):
                reply = await process.predict(batch.matrix)
        except TimeoutError:
            self._computed(process, began)
            late = PredictionTimedOut(f"{self._launch.shown} gave no answer within {self._hosting.timeout_seconds:g} s")
            self._fail(batch, late, "timed_out", await self._crew.kill(process))
        except ProcessGone:
            crash = PredictionFailed(f"The process of {self._launch.shown} ended while it predicted")
            self._fail(batch, crash, "crashed", await self._crew.kill(process))
        except ProcessRefusal as refusal:
            self._computed(process, began)
            self._cpu_seconds += refusal.cpu_seconds
            self._fail(batch, PredictionFailed(f"{self._launch.shown} failed with {refusal}"), "failed")
            await self._crew.give_back(process)
        else:
            self._cpu_seconds += reply.cpu_seconds
            self._demand.took(self._computed(process, began))
            self._settle(batch, reply.probabilities)
            await self._crew.give_back(process)
        self._hand_out()

    def _computed(self, process: ModelProcess, began: float) -> float:
        """Return how long a batch took, which counts for each GPU that its process computes on."""
        took = time.monotonic() - began
        self._gpu_seconds += took * self._hosting.gpus_of(process.pid)
        return took

    def _settle(self, batch: QueuedRows, probabilities: Matrix) -> None:
        fault = self._trial.fault_of(probabilities, len(batch.matrix))
        if fault is not None:
            error = PredictionFailed(f"{self._launch.shown} gave no usable probabilities: {fault}")
            self._fail(batch, error, "failed")
            return
        self._crew.answered()
        self._breaker.succeed()
        batch.succeed(probabilities)

    def _fail(self, batch: QueuedRows, error: PredictionFailed, kind: str, detail: str = "") -> None:
        self._incidents.note(kind, f"{error}{f' ({detail})' if detail else ''}")
        self._breaker.fail(time.monotonic())
        batch.fail(error)

    def _could_not_start(self, problem: str) -> None:
        """Record a failed start; refuse all waiting batches if no other process exists or is starting."""
        self._breaker.fail(time.monotonic())
        if self._crew.is_empty:
            self._queue.refuse(PredictionFailed(problem))

    # Looking after the processes, some times a second.

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
            self._crew.weigh()
        self._crew.change(self._scaler.look(self._seen(now), now), now)

    def _seen(self, now: float) -> PoolSample:
        waited = self._queue.look(now)
        return PoolSample(
            ready=self._crew.ready,
            starting=self._crew.starting,
            queued=len(self._queue),
            waits=waited.waits,
            oldest_seconds=waited.oldest,
            backlog_seconds=waited.backlog,
            demand=self._demand.processes(now),
            at_work=self._crew.occupancy.shares(now),
            idle_seconds=self._crew.occupancy.idle_seconds(now),
        )
