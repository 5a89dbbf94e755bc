"""The ledger's writer in one process: reads feature state and records batches on one connection, through outages.

What is recorded is decided already. A batch whose commit was not answered is looked for before it is sent again, so it is
in the ledger once or not at all.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import timedelta
from time import perf_counter
from typing import Protocol
from uuid import UUID, uuid4

import asyncpg
import structlog

from andon import audit, features
from andon.decisions import ledger
from andon.decisions.domain import DecisionRequest, Idempotency
from andon.decisions.errors import LedgerUnavailable
from andon.decisions.ledger import Entry
from andon.features import Needs, Snapshot, TileDelta
from andon.kernel.clock import Clock
from andon.kernel.db import CONNECTION_LOST, Database

log = structlog.get_logger(__name__)

PATIENCE = timedelta(seconds=8)
"""How long a batch waits for a database that is restarting before its callers are told to try again."""

RECONNECT_SECONDS = 0.05

REFUSED = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError, asyncpg.ProgramLimitExceededError)
"""What PostgreSQL says of a decision that it will never take, whenever it is sent."""


class Alongside(Protocol):
    """What somebody writes of his own in the transaction that records a batch, e.g. how far a stream is."""

    async def write(
        self, connection: asyncpg.Connection, recorded: AbstractSet[UUID], refused: Mapping[UUID, str]
    ) -> None:
        """Write it, within the transaction. What this raises of its own refuses the batch: then nothing of it is recorded.

        `refused` says why PostgreSQL takes some decisions under no circumstances; they are not among the recorded.
        """
        ...

    async def is_written(self, connection: asyncpg.Connection) -> bool:
        """Whether it is there, where the answer to a commit without a decision was lost."""
        ...


class RepeatsFound(Exception):
    """Some of a batch was decided meanwhile through another door; nothing of it is recorded."""

    def __init__(self, ids: AbstractSet[UUID]) -> None:
        super().__init__(f"{len(ids)} were decided meanwhile")
        self.ids = ids


@dataclass(slots=True)
class Batch:
    """What is to be recorded together. `deltas` gives what some of the requests add to the feature state.

    With something written alongside it is all or nothing: a repeat in it raises RepeatsFound.
    """

    entries: Sequence[Entry]
    deltas: Callable[[Sequence[DecisionRequest]], list[TileDelta]]
    leaf: audit.Leaf | None = None
    recorded: set[UUID] = field(default_factory=set)
    alongside: Alongside | None = None
    refused: dict[UUID, str] = field(default_factory=dict)
    sent: bool = False

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

    async def used(self, keys: Sequence[Idempotency]) -> set[tuple[str, str]]:
        """Those of these keys that have a decision, as scope and key. Raises LedgerUnavailable."""
        async with self._one_at_a_time:
            deadline = perf_counter() + PATIENCE.total_seconds()
            while True:
                try:
                    return await ledger.used(await self._connected(), keys)
                except CONNECTION_LOST as error:
                    await self._again(deadline, error)

    async def record(self, batch: Batch) -> set[UUID]:
        """Record a batch in one commit; the ids of what is now in the ledger, without repeats. Raises LedgerUnavailable.

        A decision that PostgreSQL refuses does not take the others with it: it is missing from the answer, and logged.
        """
        async with self._one_at_a_time:
            try:
                await self._record_patiently(batch)
            except asyncpg.PostgresError as error:
                if batch.alongside is not None:
                    await self._record_without_refused(batch, error)
                elif len(batch.entries) == 1:
                    raise
                else:
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
            _log_refusal(entry.decision.request)
        batch.recorded |= alone.recorded

    async def _record_without_refused(self, batch: Batch, error: asyncpg.PostgresError) -> None:
        """Find out which decisions PostgreSQL refuses, by trying each and undoing it, and record the others together.

        Raises LedgerUnavailable if it is none of them: a full disk or a deadlock passes, and says nothing about a decision.
        """
        kept: list[Entry] = []
        for entry in batch.entries:
            refusal = await self._refusal(batch, entry)
            if refusal is None:
                kept.append(entry)
            else:
                batch.refused[entry.decision.request.id] = refusal
        if len(kept) == len(batch.entries):
            raise self._gave_up(error) from error
        batch.entries, batch.leaf, batch.sent = kept, None, False
        await self._record_patiently(batch)

    async def _refusal(self, batch: Batch, entry: Entry) -> str | None:
        """Why PostgreSQL refuses a decision; None if it does not."""
        try:
            trial = (connection := await self._connected()).transaction()
            await trial.start()
            try:
                await self._write(connection, batch.of([entry]), [entry])
            except REFUSED as error:
                _log_refusal(entry.decision.request)
                return type(error).__name__
            finally:
                if not connection.is_closed():
                    await trial.rollback()
        except (asyncpg.PostgresError, *CONNECTION_LOST) as error:
            self._let_go()
            raise self._gave_up(error) from error
        return None

    async def _record_patiently(self, batch: Batch) -> None:
        """Try again on a new connection while the database is away, without ever recording a batch twice."""
        deadline = perf_counter() + PATIENCE.total_seconds()
        while True:
            try:
                connection = await self._connected()
                if not await _is_committed(connection, batch):
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
        claims = any(request.idempotency or request.from_intake for request in requests)
        if not claims and batch.alongside is None:
            await self._write(connection, batch, batch.entries)
            return
        async with connection.transaction():
            kept = batch.entries
            if claims:
                allowed = await ledger.reserve(connection, requests, self._clock.now())
                kept = [entry for entry in kept if entry.decision.request.id in allowed]
            if batch.alongside is not None and len(kept) < len(requests):
                raise RepeatsFound({request.id for request in requests} - allowed)
            batch.recorded = set()
            if kept:
                await self._write(connection, batch, kept)
            if batch.alongside is not None:
                batch.sent = True
                await batch.alongside.write(connection, batch.recorded, batch.refused)

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


async def _is_committed(connection: asyncpg.Connection, batch: Batch) -> bool:
    """Whether a batch that was sent before is in the database."""
    if batch.leaf is not None:
        return await ledger.is_committed(connection, batch.leaf)
    return batch.sent and batch.alongside is not None and await batch.alongside.is_written(connection)


def _log_refusal(request: DecisionRequest) -> None:
    log.exception(
        "decision.refused_by_database",
        decision_id=str(request.id),
        automation=request.automation,
        correlation_id=request.correlation_id,
    )
