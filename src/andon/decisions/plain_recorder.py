"""A ledger writer in plain statements: the readable reference, and the fallback for what `Recorder` cannot record.

Each attempt is one transaction on one connection. It takes the keys and intake rows, checks what is recorded already,
and inserts the rest with its audit leaf. An attempt that loses its connection while it commits may still be committed
later. Its writer stays in `Batch.in_doubt`, so that the next attempt recognises its decisions. Its chain is never used
again. An attempt ends at the first deadline of its callers; callers whose time is over are given up, and the other
requests are tried again.
"""

import asyncio
import json
from collections.abc import Sequence
from contextlib import suppress
from time import perf_counter, perf_counter_ns
from uuid import UUID

import asyncpg
import structlog
from asyncpg.transaction import Transaction

from andon import audit, features
from andon.decisions import ledger, reservations
from andon.decisions.appending import OWN, SHARED
from andon.decisions.chains import WriterChains
from andon.decisions.errors import Fenced, LedgerUnavailable
from andon.decisions.ledger import LedgerEntry
from andon.decisions.reader import PATIENCE, RECONNECT_SECONDS
from andon.decisions.recording import Batch, RepeatsFound
from andon.kernel import outbox
from andon.kernel.clock import Clock
from andon.kernel.db import CONNECTION_LOST, Database
from andon.kernel.statements import INCOMPLETE

log = structlog.get_logger(__name__)

COLUMNS = OWN | SHARED | {"salt": "bytea", "writer": "uuid", "seq": "bigint"}
ARRAYS = ", ".join(f"${number}::{kind}[]" for number, kind in enumerate(COLUMNS.values(), start=1))
INSERT = f"INSERT INTO decisions ({', '.join(COLUMNS)}) SELECT * FROM unnest({ARRAYS})"

LEAST_SECONDS = 0.05
"""The least time of an attempt, even if patience is over."""

MOST_SECONDS = 30.0
"""The longest wait beyond patience for a server that does not answer."""

ROLLBACK_SECONDS = 0.5
"""The time that an unresponsive server has to roll back before its connection is given up."""

PASSING = (*CONNECTION_LOST, asyncpg.TransactionRollbackError, asyncpg.UniqueViolationError)
"""Errors after which another attempt may succeed.

The next look finds a unique id that another process has just used.
"""

REFUSED = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError, asyncpg.ProgramLimitExceededError)
"""PostgreSQL's errors for a decision that it will never accept."""


class PlainRecorder:
    """A LedgerWriter by asyncpg."""

    def __init__(self, database: Database, *, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._chains = WriterChains()
        self._connection: asyncpg.Connection | None = None
        self._one_at_a_time = asyncio.Lock()

    async def open(self) -> None:
        """Connect ahead of the first batch, if the server is available."""
        async with self._one_at_a_time:
            with suppress(*CONNECTION_LOST):
                await self._connected()

    async def record(self, batch: Batch) -> set[UUID]:
        """Record a batch; see LedgerWriter."""
        return await self.record_until(batch, perf_counter() + PATIENCE.total_seconds())

    async def record_until(self, batch: Batch, deadline: float) -> set[UUID]:
        """Record a batch, with attempts until this moment of `perf_counter`, but at least one."""
        if await in_turn(self._one_at_a_time, batch, deadline):
            try:
                await self._record(batch, deadline)
            finally:
                self._one_at_a_time.release()
        return batch.recorded

    async def run(self, statement: str, *parameters: object) -> None:
        """Write something outside the ledger, once. Raises LedgerUnavailable; then the write may be lost."""
        async with self._one_at_a_time:
            try:
                await (await self._connected()).execute(statement, *parameters)
            except (*CONNECTION_LOST, asyncpg.PostgresError) as error:
                self._let_go()
                raise _unavailable(error) from error

    async def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            await self._connection.close()

    async def _record(self, batch: Batch, deadline: float) -> None:
        refusal: asyncpg.PostgresError | None = None
        incomplete = False
        while batch.entries or batch.alongside is not None:
            try:
                async with asyncio.timeout(_seconds_for(batch, deadline)):
                    if refusal is not None:
                        await self._leave_out_refused(batch, refusal)
                        refusal = None
                    await self._attempt(batch)
            except PASSING as error:
                self._let_go()
                batch.drop_overdue()
                if perf_counter() > deadline:
                    give_up(batch, error)
                    return
                await asyncio.sleep(RECONNECT_SECONDS)
            except REFUSED as error:
                refusal = error
            except asyncpg.PostgresError as error:
                if error.sqlstate != INCOMPLETE:
                    give_up(batch, error)
                    return
                if incomplete or not batch.in_doubt:
                    raise Fenced(set(json.loads(error.detail))) from error
                incomplete = True  # an attempt in doubt may have been committed since the last check
            else:
                return

    async def _attempt(self, batch: Batch) -> None:
        """Record what is left of a batch in one transaction."""
        connection = await self._connected()
        transaction = connection.transaction()
        await transaction.start()
        try:
            came_through, leaf, beside = await self._write(connection, batch)
        except BaseException:
            await _roll_back(transaction)
            raise
        try:
            await transaction.commit()
        except (*CONNECTION_LOST, asyncio.CancelledError):
            batch.in_doubt.add(self._chains.renew())
            raise
        if came_through:
            return
        self._chains.advance(leaf, beside)
        batch.recorded |= {request.id for request in batch.requests}

    async def _write(
        self, connection: asyncpg.Connection, batch: Batch
    ) -> tuple[bool, audit.Leaf | None, audit.Leaf | None]:
        """Write the rest of a batch; return whether an earlier attempt was committed, and the leaves.

        They are the leaf of the decisions and the leaf of the writes alongside, if there are any.
        """
        leaf, beside, requests = None, None, batch.requests
        allowed = await reservations.reserve(connection, requests, self._clock.now())
        there = await ledger.writers_of(connection, [request.id for request in requests])
        batch.recorded |= {known for known, writer in there.items() if writer in batch.in_doubt}
        if batch.alongside is not None and await self._came_through(connection, batch):
            return True, None, None
        repeats = {r.id for r in requests if r.id in there or r.id not in allowed} - batch.recorded
        if repeats and batch.alongside is not None:
            raise RepeatsFound(repeats)
        batch.keep(allowed - there.keys())
        if batch.entries:
            leaf = await self._append(connection, batch, batch.entries)
        if batch.alongside is not None:
            for statement, values in batch.alongside.statements({r.id for r in batch.requests}, batch.refused):
                await connection.execute(statement, *values)
            beside = self._chains.beside(batch.alongside)
            if beside is not None:
                await connection.execute(audit.insert_sql(1), *audit.values_of(beside))
        return False, leaf, beside

    async def _came_through(self, connection: asyncpg.Connection, batch: Batch) -> bool:
        """Return whether an earlier attempt recorded the batch, which is all or nothing."""
        if batch.entries:
            return bool(batch.recorded)
        return batch.alongside is not None and bool(batch.in_doubt) and await batch.alongside.is_written(connection)

    async def _append(self, connection: asyncpg.Connection, batch: Batch, entries: Sequence[LedgerEntry]) -> audit.Leaf:
        """Insert decisions, their leaf, their messages and their additions to tiles."""
        proven = ledger.prove(self._chains.decisions, entries)
        leaf, now, salts = proven.leaf, perf_counter_ns(), ledger.salts_of(proven.salts)
        rows = [
            (
                *ledger.own_of(entry.decision, written, now),
                *ledger.shared_of(entry.decision),
                salt,
                leaf.writer,
                leaf.seq,
            )
            for entry, written, salt in zip(entries, proven.records, salts, strict=True)
        ]
        await connection.execute(INSERT, *map(list, zip(*rows, strict=True)))
        await connection.execute(audit.insert_sql(1), *audit.values_of(leaf))
        if proven.messages:
            await connection.execute(outbox.insert_sql(1), *outbox.columns_of(proven.messages, proven.payloads))
        if deltas := batch.deltas([entry.decision.request for entry in entries]):
            more = features.has_more(deltas)
            await connection.execute(features.insert_sql(1, more=more), *features.columns_of(deltas, more=more))
        return leaf

    async def _leave_out_refused(self, batch: Batch, error: asyncpg.PostgresError) -> None:
        """Find the decisions that PostgreSQL rejects: try each separately, and undo it.

        Raises LedgerUnavailable if none is refused.
        """
        for entry in batch.entries:
            refusal = await self._refusal(batch, entry)
            if refusal is not None:
                batch.refused[entry.decision.request.id] = refusal
        left = {request.id for request in batch.requests} - batch.refused.keys()
        if len(left) == len(batch.entries):
            raise _unavailable(error) from error
        batch.keep(left)

    async def _refusal(self, batch: Batch, entry: LedgerEntry) -> str | None:
        """Return why PostgreSQL rejects a decision; None if it does not."""
        trial = (connection := await self._connected()).transaction()
        await trial.start()
        try:
            await self._append(connection, batch, [entry])
        except asyncpg.UniqueViolationError:
            raise
        except REFUSED as error:
            request = entry.decision.request
            log.exception(
                "decision.refused_by_database",
                decision_id=str(request.id),
                automation=request.automation,
                correlation_id=request.correlation_id,
            )
            return type(error).__name__
        finally:
            await trial.rollback()
        return None

    def _let_go(self) -> None:
        """Give up a connection whose state is unknown."""
        if self._connection is not None:
            self._connection.terminate()
        self._connection = None

    async def _connected(self) -> asyncpg.Connection:
        if self._connection is None or self._connection.is_closed():
            self._connection = await self._database.connect()
        return self._connection


async def in_turn(lock: asyncio.Lock, batch: Batch, until: float) -> bool:
    """Acquire a lock, unless all callers of a batch give up before that. Give up those whose time is over."""
    while lock.locked():
        try:
            async with asyncio.timeout(max(LEAST_SECONDS, batch.seconds_left(until + MOST_SECONDS))):
                await lock.acquire()
        except TimeoutError as error:
            batch.drop_overdue()
            if not batch.entries and batch.alongside is None:
                return False
            if perf_counter() > until + MOST_SECONDS:
                give_up(batch, error)
                return False
        else:
            return True
    await lock.acquire()
    return True


def give_up(batch: Batch, error: BaseException) -> None:
    """End the attempts: callers learn that nothing was decided, or that it is in doubt. Raises LedgerUnavailable."""
    if batch.in_doubt and batch.give_up is not None and batch.alongside is None:
        log.error("ledger.in_doubt", error=type(error).__name__, decisions=len(batch.entries))
        batch.drop({request.id for request in batch.requests})
        return
    raise _unavailable(error) from error


def _seconds_for(batch: Batch, until: float) -> float:
    """Return how long the next attempt may take."""
    return max(LEAST_SECONDS, batch.seconds_left(max(until, perf_counter() + MOST_SECONDS)))


async def _roll_back(transaction: Transaction) -> None:
    """Roll back, if the server answers. Nothing was committed either way."""
    with suppress(*CONNECTION_LOST, asyncpg.PostgresError):
        async with asyncio.timeout(ROLLBACK_SECONDS):
            await transaction.rollback()


def _unavailable(error: BaseException) -> LedgerUnavailable:
    log.error("ledger.unavailable", error=type(error).__name__)
    return LedgerUnavailable()
