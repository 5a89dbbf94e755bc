"""The ledger's writer in one process: records batches on one connection, through outages.

What is recorded is decided already. A batch whose commit was not answered is looked for before it is sent again, so it is
in the ledger once or not at all.
"""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import suppress
from time import perf_counter
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import structlog

from andon import audit
from andon.decisions import appending, ledger, reservations
from andon.decisions.domain import DecisionRequest
from andon.decisions.errors import LedgerUnavailable
from andon.decisions.ledger import Entry
from andon.decisions.reader import PATIENCE, RECONNECT_SECONDS
from andon.decisions.recording import Batch, RepeatsFound
from andon.kernel.clock import Clock
from andon.kernel.db import CONNECTION_LOST, Database
from andon.kernel.statements import Statement, Statements

log = structlog.get_logger(__name__)

REFUSED = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError, asyncpg.ProgramLimitExceededError)
"""What PostgreSQL says of a decision that it will never take, whenever it is sent."""


CLASH = (asyncpg.UniqueViolationError, asyncpg.DivisionByZeroError)
"""Some of a batch is there already, or what is written alongside is refused; what exactly, is asked one after the other."""


class Recorder:
    """The one writer of decisions in a process. Use from one event loop; `close` when done."""

    def __init__(self, database: Database, *, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._chain = audit.Chain(uuid4())
        self._connection: asyncpg.Connection | None = None
        self._statements: Statements | None = None
        self._one_at_a_time = asyncio.Lock()

    async def open(self) -> None:
        """Connect and prepare ahead of the first batch, which would wait for it. A server that is not there now is tried again then."""
        async with self._one_at_a_time:
            with suppress(*CONNECTION_LOST):
                await self._ready()

    async def record(self, batch: Batch) -> set[UUID]:
        """Record a batch in one commit; the ids of what is now in the ledger, without repeats. Raises LedgerUnavailable.

        A decision that PostgreSQL refuses does not take the others with it: it is missing from the answer, and logged.
        """
        async with self._one_at_a_time:
            try:
                await self._record_patiently(batch)
            except REFUSED as error:
                if batch.alongside is not None:
                    await self._record_without_refused(batch, error)
                elif len(batch.entries) == 1:
                    raise
                else:
                    for entry in batch.entries:
                        await self._record_alone(batch, entry)
            except asyncpg.PostgresError as error:
                raise self._gave_up(error) from error
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
        if self._statements is not None:
            self._statements.close()
        if self._connection is not None:
            await self._connection.close()

    async def _record_alone(self, batch: Batch, entry: Entry) -> None:
        alone = batch.of([entry])
        try:
            await self._record_patiently(alone)
        except REFUSED:
            _log_refusal(entry.decision.request)
        batch.recorded |= alone.recorded

    async def _record_without_refused(self, batch: Batch, error: asyncpg.PostgresError) -> None:
        """Find out which decisions PostgreSQL refuses, by trying each and undoing it, and record the others together.

        Raises LedgerUnavailable if it is none of them.
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
                await connection.execute(*_flat(self._appending(batch.of([entry]), [entry])))
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
        conflict: asyncpg.UniqueViolationError | None = None
        write = self._record_once
        while True:
            try:
                chain = self._chain
                if await self._came_through(batch):
                    return
                if conflict is not None and self._chain is chain:
                    await self._leave_out_repeats(batch, conflict)
                conflict, batch.attempted = None, set()
                if batch.entries or batch.alongside is not None:
                    await write(batch)
                self._advance(batch)
            except (*CONNECTION_LOST, asyncpg.TransactionRollbackError) as error:
                await self._again(deadline, error)
                write = self._record_stepwise  # which needs one connection, not two
            except asyncpg.UniqueViolationError as error:
                conflict = error
            else:
                return

    def _advance(self, batch: Batch) -> None:
        """What was attempted is committed."""
        if batch.leaf is not None:
            self._chain.advance(batch.leaf)
        batch.recorded |= batch.attempted

    async def _came_through(self, batch: Batch) -> bool:
        """Whether attempts whose end is unknown recorded the batch after all; if not, the rest may be attempted anew.

        A backend may have outlived its connection. Then the leaf of an attempt before the last one, with other salts, perhaps of
        the batch before, stands where the last one's would; nothing can be linked to it, and a new chain begins.
        """
        if batch.leaf is None:
            if batch.alongside is None or not batch.sent:
                return False
            return await batch.alongside.is_written(await self._connected())
        connection = await self._connected()
        written = await ledger.written_hash(connection, batch.leaf)
        if written == batch.leaf.hash:
            self._advance(batch)
            return True
        there = set() if written is None else await ledger.recorded_of(connection, batch.ids)
        batch.leaf = None
        if written is None:
            return False
        self._chain = audit.Chain(uuid4())
        batch.recorded |= there
        batch.leave_out(there)
        return not batch.entries

    async def _leave_out_repeats(self, batch: Batch, conflict: asyncpg.UniqueViolationError) -> None:
        """Take out what another process recorded under the same id. Raises LedgerUnavailable if that is not what is wrong, RepeatsFound."""
        there = await ledger.recorded_of(await self._connected(), batch.ids)
        if not there:
            raise self._gave_up(conflict) from conflict
        if batch.alongside is not None:
            raise RepeatsFound(there)
        batch.leave_out(there)

    async def _record_once(self, batch: Batch) -> None:
        """In one transaction: in one round trip if nothing clashes, and otherwise again, step by step."""
        try:
            together = await self._record_together(batch)
        except CLASH:
            together = False
        if not together:
            await self._record_stepwise(batch)

    async def _record_stepwise(self, batch: Batch) -> None:
        """In one transaction, in which it is asked first what is there already."""
        connection = await self._connected()
        batch.attempted, batch.leaf, batch.sent = set(), None, False
        requests = [entry.decision.request for entry in batch.entries]
        async with connection.transaction():
            allowed = await reservations.reserve(connection, requests, self._clock.now())
            kept = [entry for entry in batch.entries if entry.decision.request.id in allowed]
            if batch.alongside is not None and len(kept) < len(requests):
                raise RepeatsFound({request.id for request in requests} - allowed)
            if kept:
                await connection.execute(*_flat(self._appending(batch, kept)))
            if batch.alongside is not None:
                batch.sent = True
                await batch.alongside.write(connection, batch.attempted, batch.refused)

    async def _record_together(self, batch: Batch) -> bool:
        """All of it at once. False if it has to go step by step, which nothing was sent for then. Raises one of CLASH."""
        requests = [entry.decision.request for entry in batch.entries]
        if batch.refused or [request for request in requests if request.from_intake]:
            return False
        alongside: Sequence[Statement] = ()
        if batch.alongside is not None:
            asked = batch.alongside.statements({request.id for request in requests})
            if asked is None:
                return False
            alongside = asked
        statements, reserving = await self._ready(), reservations.reserving(requests, self._clock.now())
        batch.sent = batch.alongside is not None
        if batch.early and len(requests) >= ledger.EARLY_FROM and not (reserving or alongside):
            await statements.in_turn(self._appending_early(batch, requests))
            return True
        await statements.together(
            [*reserving, *([self._appending(batch, batch.entries)] if requests else []), *alongside]
        )
        return True

    async def _ready(self) -> Statements:
        """The connection on which batches go, its statements prepared."""
        if self._statements is None or self._statements.is_closed:
            statements = await self._database.statements()
            try:
                await statements.prepare(appending.STATEMENTS)
            except BaseException:
                statements.close()
                raise
            self._statements = statements
        return self._statements

    def _appending(self, batch: Batch, entries: Sequence[Entry]) -> Statement:
        """What writes these into the ledger, with the next leaf of the chain."""
        requests = [entry.decision.request for entry in entries]
        batch.attempted = {request.id for request in requests}
        batch.leaf, statement = ledger.prepare(self._chain, entries, batch.deltas(requests))
        return statement

    def _appending_early(self, batch: Batch, requests: Sequence[DecisionRequest]) -> Iterator[Statement]:
        """The same of a whole batch, in two parts."""
        batch.attempted = {request.id for request in requests}
        for leaf, statement in ledger.prepare_early(self._chain, batch.entries, batch.deltas(requests)):
            batch.leaf = leaf
            yield statement

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
        if self._statements is not None:
            self._statements.close()
        self._connection = self._statements = None

    async def _connected(self) -> asyncpg.Connection:
        if self._connection is None or self._connection.is_closed():
            self._connection = await self._database.connect()
        return self._connection


def _flat(statement: Statement) -> tuple[Any, ...]:
    return statement[0], *statement[1]


def _log_refusal(request: DecisionRequest) -> None:
    log.exception(
        "decision.refused_by_database",
        decision_id=str(request.id),
        automation=request.automation,
        correlation_id=request.correlation_id,
    )
