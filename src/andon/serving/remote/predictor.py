"""A model on another server as a PatientPredictor, with limited concurrency and pauses for a failing server."""

import asyncio
import time

import numpy as np
import structlog

from andon.runtimes import Matrix
from andon.serving.breaker import Tolerance, VersionBreaker
from andon.serving.errors import EndpointBusy, EndpointUnavailable, PredictionFailed, PredictionTimedOut
from andon.serving.incidents import Incidents
from andon.serving.ports import PoolStatus
from andon.serving.remote.errors import ServerFailed, ServerRefused
from andon.serving.remote.layout import TensorLayout
from andon.serving.remote.link import Link

log = structlog.get_logger(__name__)

CONNECTIONS = 8
"""The most batches that one gateway has at the server at the same time."""

_TOLERANCE = Tolerance(longest_seconds=5.0)
"""A server that is back is found within five seconds; asking it in vain that often costs nothing."""

_BLOCK_ROWS = 1024
"""Rows of one request where a command asks for many."""


class RemotePredictor:
    """The client of one model of one server. `shown` is its name for people; `waiting_batches` bounds the queue."""

    def __init__(self, link: Link, layout: TensorLayout, *, shown: str, timeout: float, waiting_batches: int) -> None:
        self._link = link
        self._layout = layout
        self._shown = shown
        self._timeout = timeout
        self._most_waiting = waiting_batches
        self._places = asyncio.Semaphore(CONNECTIONS)
        self._breaker = VersionBreaker(_TOLERANCE)
        self._under_way: set[asyncio.Task[Matrix]] = set()
        self._waiting = 0
        self._closed = False
        self._incidents = Incidents(shown)

    @property
    def capacity(self) -> int:
        """The number of batches that may usefully be under way at the same time."""
        return CONNECTIONS

    @property
    def cpu_seconds(self) -> float:
        """Always 0, since the server does not report it."""
        return 0.0

    @property
    def gpu_seconds(self) -> float:
        """Always 0 as well."""
        return 0.0

    def predict(self, matrix: Matrix) -> Matrix:
        """Return raw probabilities [rows, classes]; blocks, and includes the server's error text.

        Raises PredictionFailed.
        """
        blocks = [matrix[at : at + _BLOCK_ROWS] for at in range(0, len(matrix), _BLOCK_ROWS)]
        try:
            return np.concatenate([self._layout.probabilities(self._link.ask(self._layout.request(b))) for b in blocks])
        except ServerFailed as error:
            raise type(error)(f"{error}: {error.said}" if error.said else str(error), said=error.said) from error

    async def predict_soon(self, matrix: Matrix, *, within: float) -> Matrix:
        """Return raw probabilities [rows, classes] within `within` seconds.

        Raises PredictionFailed, PredictionTimedOut, EndpointBusy. A request continues for as long as the server may
        take, though its caller is gone: the server's health is not judged by how long callers wait.
        """
        until = time.monotonic() + within
        await self._take_place(within)
        run = asyncio.get_running_loop().create_task(self._run(matrix))
        self._under_way.add(run)
        run.add_done_callback(self._end)
        try:
            async with asyncio.timeout(max(0.0, until - time.monotonic())):
                return await asyncio.shield(run)
        except TimeoutError:
            raise PredictionTimedOut(f"{self._shown} gave no answer within {within:.3g} s") from None

    async def _run(self, matrix: Matrix) -> Matrix:
        self._admit()
        try:
            response = await self._link.ask_soon(self._layout.request(matrix), within=self._timeout)
            probabilities = self._layout.probabilities(response)
        except ServerRefused as error:
            self._breaker.succeed()  # it is up and answers
            self._incidents.note("failed", str(error))
            raise
        except PredictionFailed as error:
            self._breaker.fail(time.monotonic())
            self._incidents.note("timed_out" if isinstance(error, PredictionTimedOut) else "failed", str(error))
            raise
        self._breaker.succeed()
        return probabilities

    def _end(self, run: "asyncio.Task[Matrix]") -> None:
        """Free the place of a request.

        Its failure was recorded; an unforeseen error is logged, even without a caller.
        """
        self._under_way.discard(run)
        self._places.release()
        error = None if run.cancelled() else run.exception()
        if error is not None and not isinstance(error, PredictionFailed):
            log.error("model.asking_failed", model=self._shown, exc_info=error)

    async def start(self) -> None:
        """Make sure that the server has the model ready, and keep the connection. Raises EndpointUnavailable."""
        self._closed = False
        try:
            await self._link.check_soon(within=self._timeout)
        except PredictionFailed as error:
            raise EndpointUnavailable(f"{self._shown} cannot be used: {_told(error)}") from error

    async def close(self) -> None:
        """Let batches under way end, then close the connections."""
        self._closed = True
        for _ in range(CONNECTIONS):
            await self._places.acquire()
        await self._link.close()
        for _ in range(CONNECTIONS):
            self._places.release()

    def status(self) -> PoolStatus:
        """Return the status of the connections."""
        return PoolStatus(
            ready=0 if self._closed else CONNECTIONS,
            busy=len(self._under_way),
            queued=self._waiting,
            incidents=self._incidents.counts(),
            last_incident=self._incidents.last,
            breaker=self._breaker.state,
        )

    async def _take_place(self, within: float) -> None:
        """Wait until few enough are at the server. Raises EndpointBusy."""
        if self._closed:
            raise EndpointBusy(f"{self._shown} takes no more requests: it was closed")
        if self._waiting >= self._most_waiting:
            raise EndpointBusy(f"{self._shown} already has {self._waiting} batches waiting")
        self._waiting += 1
        try:
            async with asyncio.timeout(within):
                await self._places.acquire()
        except TimeoutError:
            raise EndpointBusy(f"{self._shown} had no free connection within {within:.3g} s") from None
        finally:
            self._waiting -= 1

    def _admit(self) -> None:
        now = time.monotonic()
        if not self._breaker.admit(now):
            raise EndpointBusy(
                f"{self._shown} gets no requests for {self._breaker.retry_after(now):.1f} s because it failed "
                "repeatedly"
            )


def _told(error: PredictionFailed) -> str:
    said = error.said if isinstance(error, ServerFailed) else ""
    return f"{error}: {said}" if said else str(error)
