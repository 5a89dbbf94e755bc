"""Decides and records for one process: natural batching in front, one commit behind.

There is no timer. While one batch is on its way through features, model, policy and commit, the next collects; the moment
the first ends, all that has collected goes. An answer is given only after the commit that holds its decision.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from time import perf_counter
from typing import Protocol
from uuid import UUID, uuid4

import asyncpg
import structlog

from andon import audit, features
from andon.decisions import consequences, ledger
from andon.decisions.domain import Decision, DecisionRequest
from andon.decisions.errors import AutomationNotFound, LedgerUnavailable
from andon.decisions.ledger import Entry
from andon.decisions.line import Line
from andon.kernel.clock import Clock
from andon.kernel.db import CONNECTION_LOST, Database

log = structlog.get_logger(__name__)

MAX_BATCH = 512
"""Decisions in one commit at most."""

PATIENCE = timedelta(seconds=8)
"""How long a batch waits for a database that is restarting before its callers are told to try again."""

RECONNECT_SECONDS = 0.05


class Watcher(Protocol):
    """Hears how batches went; for metrics."""

    def batch(self, decisions: Sequence[Decision], seconds: float, commit_seconds: float) -> None:
        """A batch was committed, `seconds` after it began."""
        ...

    def failed(self, transient: bool, requests: int) -> None:
        """A batch could not be decided."""
        ...


@dataclass(slots=True)
class _Attempt:
    """One try to record a batch; with a leaf, it may have been committed even if nobody said so."""

    began: float = field(default_factory=perf_counter)
    committing: float = 0.0
    decisions: list[Decision] = field(default_factory=list)
    leaf: audit.Leaf | None = None


class Decider:
    """The one writer of decisions in a process. Use from one event loop; `close` when done."""

    def __init__(
        self, database: Database, lines: Callable[[], Mapping[str, Line]], *, clock: Clock, watcher: Watcher
    ) -> None:
        self._database = database
        self._lines = lines
        self._clock = clock
        self._watcher = watcher
        self._chain = audit.Chain(uuid4())
        self._connection: asyncpg.Connection | None = None
        self._waiting: list[tuple[DecisionRequest, asyncio.Future[Decision | None]]] = []
        self._running: asyncio.Task[None] | None = None
        self._one_batch_at_a_time = asyncio.Lock()

    @property
    def waiting(self) -> int:
        """How many requests wait for the batch under way to end."""
        return len(self._waiting)

    def decide(self, request: DecisionRequest) -> "asyncio.Future[Decision | None]":
        """Decide one request together with all others that are there; None means it repeats one already in the ledger."""
        future: asyncio.Future[Decision | None] = asyncio.get_running_loop().create_future()
        self._waiting.append((request, future))
        if self._running is None:
            self._running = asyncio.get_running_loop().create_task(self._run())
        return future

    async def decide_batch(self, requests: Sequence[DecisionRequest]) -> dict[UUID, Decision]:
        """Decide and record these in one commit; repeats are left out. Raises LedgerUnavailable, AutomationNotFound."""
        async with self._one_batch_at_a_time:
            return await self._decide_patiently(requests)

    async def close(self) -> None:
        """Finish what was asked, then let go of the database."""
        if self._running is not None:
            await self._running
        if self._connection is not None:
            await self._connection.close()

    async def _run(self) -> None:
        """Batches, one after the other, until nothing waits."""
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:MAX_BATCH], self._waiting[MAX_BATCH:]
                await self._answer(batch)
        finally:
            self._running = None

    async def _answer(self, batch: Sequence[tuple[DecisionRequest, "asyncio.Future[Decision | None]"]]) -> None:
        try:
            decided = await self.decide_batch([request for request, _ in batch])
        except Exception as error:  # noqa: BLE001 - the edge between batches and callers: each caller gets it and answers it
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
            return
        for request, future in batch:
            if not future.done():
                future.set_result(decided.get(request.id))

    async def _decide_patiently(self, requests: Sequence[DecisionRequest]) -> dict[UUID, Decision]:
        """Try again on a new connection while the database is away, without ever recording a batch twice."""
        deadline = perf_counter() + PATIENCE.total_seconds()
        attempt = _Attempt()
        while True:
            try:
                connection = await self._connected()
                if attempt.leaf is None or not await ledger.is_committed(connection, attempt.leaf):
                    attempt = _Attempt()
                    await self._decide_once(connection, requests, attempt)
                return self._committed(attempt)
            except CONNECTION_LOST as error:
                self._let_go()
                if perf_counter() > deadline:
                    raise self._gave_up(requests, error) from error
                await asyncio.sleep(RECONNECT_SECONDS)
            except asyncpg.UniqueViolationError as error:
                raise self._gave_up(requests, error) from error
            except asyncpg.PostgresError:
                if len(requests) == 1:
                    self._watcher.failed(transient=False, requests=1)
                    raise
                break
        return await self._decide_singly(requests)

    async def _decide_singly(self, requests: Sequence[DecisionRequest]) -> dict[UUID, Decision]:
        """One request that PostgreSQL refuses must not take the others of its batch with it."""
        decided: dict[UUID, Decision] = {}
        for request in requests:
            try:
                decided |= await self._decide_patiently([request])
            except asyncpg.PostgresError:
                log.exception(
                    "decision.refused_by_database",
                    decision_id=str(request.id),
                    automation=request.automation,
                    correlation_id=request.correlation_id,
                )
        return decided

    async def _decide_once(
        self, connection: asyncpg.Connection, requests: Sequence[DecisionRequest], attempt: "_Attempt"
    ) -> None:
        if not any(request.idempotency or request.from_intake for request in requests):
            await self._write(connection, requests, attempt)
            return
        async with connection.transaction():
            allowed = await ledger.reserve(connection, requests, self._clock.now())
            kept = [request for request in requests if request.id in allowed]
            if kept:
                await self._write(connection, kept, attempt)

    async def _write(
        self, connection: asyncpg.Connection, requests: Sequence[DecisionRequest], attempt: "_Attempt"
    ) -> None:
        entries: list[Entry] = []
        deltas: list[features.TileDelta] = []
        for line, group in self._by_line(requests):
            needs = line.needs([r.input for r in group], [r.asked_at for r in group])
            snapshot = await features.read(connection, needs) if needs else {}
            decisions, changed = line.decide(group, snapshot)
            entries += [Entry(decision, consequences.messages(line, decision)) for decision in decisions]
            deltas += changed
        attempt.decisions = [entry.decision for entry in entries]
        attempt.committing = perf_counter()
        attempt.leaf, statement = ledger.prepare(self._chain, entries, deltas)
        await connection.execute(*statement)

    def _committed(self, attempt: "_Attempt") -> dict[UUID, Decision]:
        if attempt.leaf is not None:
            self._chain.advance(attempt.leaf)
            ended = perf_counter()
            self._watcher.batch(attempt.decisions, ended - attempt.began, ended - attempt.committing)
        return {decision.request.id: decision for decision in attempt.decisions}

    def _gave_up(self, requests: Sequence[DecisionRequest], error: BaseException) -> LedgerUnavailable:
        """What became of the last leaf is unknown, so nothing may be linked to it: go on with a new chain."""
        self._chain = audit.Chain(uuid4())
        self._watcher.failed(transient=True, requests=len(requests))
        log.error("ledger.unavailable", requests=len(requests), error=type(error).__name__)
        return LedgerUnavailable()

    def _by_line(self, requests: Sequence[DecisionRequest]) -> list[tuple[Line, list[DecisionRequest]]]:
        groups: dict[str, list[DecisionRequest]] = {}
        for request in requests:
            groups.setdefault(request.automation, []).append(request)
        lines = self._lines()
        missing = sorted(set(groups) - set(lines))
        if missing:
            raise AutomationNotFound(f"No automation {missing[0]!r} is deployed here")
        return [(lines[name], group) for name, group in groups.items()]

    def _let_go(self) -> None:
        """Give up a connection whose state is unknown."""
        if self._connection is not None:
            self._connection.terminate()
        self._connection = None

    async def _connected(self) -> asyncpg.Connection:
        if self._connection is None or self._connection.is_closed():
            self._connection = await self._database.connect()
        return self._connection
