"""The ledger's writer in one process: reads feature state and records batches on one connection, through outages.

What is recorded is decided already. A batch whose commit was not answered is looked for before it is sent again, so it is
in the ledger once or not at all.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from time import perf_counter
from uuid import UUID, uuid4

import asyncpg
import structlog

from andon import audit, features
from andon.decisions import ledger
from andon.decisions.domain import DecisionRequest
from andon.decisions.errors import LedgerUnavailable
from andon.decisions.ledger import Entry
from andon.features import Needs, Snapshot, TileDelta
from andon.kernel.clock import Clock
from andon.kernel.db import CONNECTION_LOST, Database

log = structlog.get_logger(__name__)

PATIENCE = timedelta(seconds=8)
"""How long a batch waits for a database that is restarting before its callers are told to try again."""

RECONNECT_SECONDS = 0.05


@dataclass(slots=True)
class Batch:
    """What is to be recorded together. `deltas` gives what some of the requests add to the feature state."""

    entries: Sequence[Entry]
    deltas: Callable[[Sequence[DecisionRequest]], list[TileDelta]]
    leaf: audit.Leaf | None = None
    recorded: set[UUID] = field(default_factory=set)

    def of(self, entries: Sequence[Entry]) -> "Batch":
        """A part of it."""
        return Batch(entries, self.deltas)


class Recorder:
    """The one writer of decisions in a process. Use from one event loop; `close` when done."""

    def __init__(self, database: Database, *, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._chain = audit.Chain(uuid4())
        self._connection: asyncpg.Connection | None = None
        self._one_at_a_time = asyncio.Lock()

    async def read(self, needs: Needs) -> Snapshot:
        """The feature state that a batch needs. Raises LedgerUnavailable."""
        async with self._one_at_a_time:
            deadline = perf_counter() + PATIENCE.total_seconds()
            while True:
                try:
                    return await features.read(await self._connected(), needs)
                except CONNECTION_LOST as error:
                    await self._again(deadline, error)

    async def record(self, batch: Batch) -> set[UUID]:
        """Record a batch in one commit; the ids of what is now in the ledger, without repeats. Raises LedgerUnavailable.

        A decision that PostgreSQL refuses does not take the others with it: it is missing from the answer, and logged.
        """
        async with self._one_at_a_time:
            try:
                await self._record_patiently(batch)
            except asyncpg.PostgresError:
                if len(batch.entries) == 1:
                    raise
                for entry in batch.entries:
                    await self._record_alone(batch, entry)
        return batch.recorded

    async def run(self, statement: str, *parameters: object) -> None:
        """Write something beside the ledger, once; a lost connection loses it. For what may be dropped."""
        async with self._one_at_a_time:
            try:
                await (await self._connected()).execute(statement, *parameters)
            except CONNECTION_LOST:
                self._let_go()
                raise

    async def close(self) -> None:
        """Let go of the database."""
        if self._connection is not None:
            await self._connection.close()

    async def _record_alone(self, batch: Batch, entry: Entry) -> None:
        alone = batch.of([entry])
        try:
            await self._record_patiently(alone)
        except asyncpg.PostgresError:
            request = entry.decision.request
            log.exception(
                "decision.refused_by_database",
                decision_id=str(request.id),
                automation=request.automation,
                correlation_id=request.correlation_id,
            )
        batch.recorded |= alone.recorded

    async def _record_patiently(self, batch: Batch) -> None:
        """Try again on a new connection while the database is away, without ever recording a batch twice."""
        deadline = perf_counter() + PATIENCE.total_seconds()
        while True:
            try:
                connection = await self._connected()
                if batch.leaf is None or not await ledger.is_committed(connection, batch.leaf):
                    batch.leaf = None
                    await self._record_once(connection, batch)
                break
            except CONNECTION_LOST as error:
                await self._again(deadline, error)
            except asyncpg.UniqueViolationError as error:
                raise self._gave_up(error) from error
        if batch.leaf is not None:
            self._chain.advance(batch.leaf)

    async def _record_once(self, connection: asyncpg.Connection, batch: Batch) -> None:
        requests = [entry.decision.request for entry in batch.entries]
        if not any(request.idempotency or request.from_intake for request in requests):
            await self._write(connection, batch, batch.entries)
            return
        async with connection.transaction():
            allowed = await ledger.reserve(connection, requests, self._clock.now())
            kept = [entry for entry in batch.entries if entry.decision.request.id in allowed]
            batch.recorded = set()
            if kept:
                await self._write(connection, batch, kept)

    async def _write(self, connection: asyncpg.Connection, batch: Batch, entries: Sequence[Entry]) -> None:
        requests = [entry.decision.request for entry in entries]
        batch.recorded = {request.id for request in requests}
        batch.leaf, statement = ledger.prepare(self._chain, entries, batch.deltas(requests))
        await connection.execute(*statement)

    async def _again(self, deadline: float, error: BaseException) -> None:
        """Wait a moment for another connection. Raises LedgerUnavailable after the deadline."""
        self._let_go()
        if perf_counter() > deadline:
            raise self._gave_up(error) from error
        await asyncio.sleep(RECONNECT_SECONDS)

    def _gave_up(self, error: BaseException) -> LedgerUnavailable:
        """What became of the last leaf is unknown, so nothing may be linked to it: go on with a new chain."""
        self._chain = audit.Chain(uuid4())
        log.error("ledger.unavailable", error=type(error).__name__)
        return LedgerUnavailable()

    def _let_go(self) -> None:
        """Give up a connection whose state is unknown."""
        if self._connection is not None:
            self._connection.terminate()
        self._connection = None

    async def _connected(self) -> asyncpg.Connection:
        if self._connection is None or self._connection.is_closed():
            self._connection = await self._database.connect()
        return self._connection
