"""The fast ledger writer: a batch is a pipeline of prepared statements, one transaction and one round trip.

It expects no used key, no repeat, no refusal and no outage. When one of them occurs, the pipeline is rolled back or its
end is unknown. Then a `PlainRecorder` records the batch, after checking which of its decisions the ledger has.
"""

import asyncio
from contextlib import suppress
from time import perf_counter
from uuid import UUID

from andon import audit
from andon.decisions import ledger, reservations
from andon.decisions.appending import APPEND
from andon.decisions.chains import WriterChains
from andon.decisions.plain_recorder import MOST_SECONDS, PlainRecorder, in_turn
from andon.decisions.reader import PATIENCE
from andon.decisions.recording import Batch
from andon.kernel.clock import Clock
from andon.kernel.db import CONNECTION_LOST, Database
from andon.kernel.statements import CANCELED, Statement, StatementRefused, Statements

INSERT_LEAF = audit.insert_sql(1)


class Recorder:
    """A LedgerWriter by libpq's pipeline."""

    def __init__(self, database: Database, *, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._chains = WriterChains()
        self._statements: Statements | None = None
        self._plain = PlainRecorder(database, clock=clock)
        self._one_at_a_time = asyncio.Lock()

    async def open(self) -> None:
        """Connect and prepare ahead of the first batch, if the server is available."""
        async with self._one_at_a_time:
            with suppress(*CONNECTION_LOST):
                await self._ready()

    async def record(self, batch: Batch) -> set[UUID]:
        """Record a batch; see LedgerWriter."""
        deadline = perf_counter() + PATIENCE.total_seconds()
        if await in_turn(self._one_at_a_time, batch, deadline):
            try:
                if not await self._record_at_once(batch):
                    await self._plain.record_until(batch, deadline)
            finally:
                self._one_at_a_time.release()
        return batch.recorded

    async def run(self, statement: str, *parameters: object) -> None:
        """Write something outside the ledger, once. Raises LedgerUnavailable; then the write may be lost."""
        await self._plain.run(statement, *parameters)

    async def close(self) -> None:
        """Close the connections."""
        if self._statements is not None:
            self._statements.close()
        await self._plain.close()

    async def _record_at_once(self, batch: Batch) -> bool:
        """Record all of a batch. Return False if nothing was recorded, or if that is in doubt."""
        ids = {entry.decision.request.id for entry in batch.entries}
        try:
            statements = await self._ready()
        except CONNECTION_LOST:
            return False

        def patience() -> float:
            return batch.seconds_left(perf_counter() + MOST_SECONDS)

        try:
            leaf, beside, sent = self._pipeline(batch, ids)
            under_way = statements.together(sent, patience)
            del sent  # so that it is freed while the server works
            await under_way
        except StatementRefused as refused:
            if refused.sqlstate == CANCELED:
                batch.drop_overdue()
            return False
        except BaseException as error:
            batch.in_doubt.add(self._chains.renew())
            if isinstance(error, CONNECTION_LOST):
                batch.drop_overdue()
                return False
            raise
        self._chains.advance(leaf, beside)
        batch.recorded |= ids
        return True

    def _pipeline(self, batch: Batch, ids: set[UUID]) -> tuple[audit.Leaf | None, audit.Leaf | None, list[Statement]]:
        """Return the leaves of a batch's decisions and of the writes alongside, and the statements that record all."""
        leaf, beside, requests = None, None, batch.requests
        statements = reservations.reserving(requests, self._clock.now())
        if requests:
            leaf, appending = ledger.prepare(self._chains.decisions, batch.entries, batch.deltas(requests))
            statements.append(appending)
        if batch.alongside is not None:
            statements += batch.alongside.statements(ids, batch.refused)
            beside = self._chains.beside(batch.alongside)
            if beside is not None:
                statements.append((INSERT_LEAF, audit.values_of(beside)))
        return leaf, beside, statements

    async def _ready(self) -> Statements:
        """Return the connection for pipelines, with its statements prepared."""
        if self._statements is None or self._statements.is_closed:
            statements = await self._database.statements()
            try:
                await statements.prepare(APPEND.values())
            except BaseException:
                statements.close()
                raise
            self._statements = statements
        return self._statements
