"""A run as its own code sees it: steps that are performed once, waits, and a private state."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from dbos._context import get_local_dbos_context

from andon.kernel.clock import Clock
from andon.kernel.db import Database, DatabaseUnavailable, Tx
from andon.kernel.durable import rows
from andon.kernel.durable.domain import NEVER, Interrupted, StepRecord, Waiting
from andon.kernel.durable.leases import Lease

T = TypeVar("T")

_RETRY_SECONDS = 0.5
_FRESH_SECONDS = 0.1
"""The age up to which a confirmation of ownership allows a step to begin without another check."""


class NotRepeatable(RuntimeError):
    """The code took another path than before: its version is not the run's first, or it depends on time or chance."""


class StepsOverlap(RuntimeError):
    """A step began before the previous one had ended: await each step."""


class Running:
    """One execution of a run. Its steps are numbered from 1; recorded ones are not performed again."""

    def __init__(self, database: Database, lease: Lease, clock: Clock, functions: Executor) -> None:
        context = get_local_dbos_context()
        if context is None or context.owner_xid is None:
            raise RuntimeError("only the engine executes a run")
        self.id = UUID(context.workflow_id)
        self._owner = context.owner_xid
        self._database = database
        self._lease = lease
        self._clock = clock
        self._functions = functions
        self._number = 0
        self._busy = False
        self._records: dict[int, StepRecord] = {}
        self._seen = time.monotonic()

    @property
    def execution(self) -> tuple[UUID, str]:
        """The run, and the token under which this process took it."""
        return self.id, self._owner

    async def step(
        self, name: str, body: Callable[[int], Awaitable[Any]], *, alongside: Callable[[Tx, Any], None] | None = None
    ) -> Any:
        """Return what `body(number)` returns (JSON): called once, recorded, and replayed afterwards.

        An exception in `body` ends the run. `alongside` writes more in the recording transaction, and may remove from a
        mapping what is not to be recorded.

        If the process is killed meanwhile, the step is repeated, so its effects need an idempotency key.
        """
        with self._one_at_a_time():
            self._number += 1
            number = self._number
            known = self._records.get(number)
            if known is not None and known.name != name:
                raise NotRepeatable(f"step {number}, {name!r}, was {known.name!r} when this run began")
            return await self._perform(number, name, body, alongside) if known is None else known.output

    def recall(self, tx: Tx) -> None:
        """Read which steps are recorded; once, before the first step."""
        self._records = {record.number: record for record in rows.steps(tx, self.id)}

    async def look(self, name: str, check: Callable[[Tx, datetime, int], Any]) -> Any:
        """Wait in a step. Return the result of `check(tx, now, number)` as soon as it is not `Waiting`.

        A waiting run is not executing. Its row is locked during `check`, so no arrival is missed.
        """

        async def body(number: int) -> Any:
            found = await self.in_transaction(lambda tx: self._check(tx, check, number))
            if isinstance(found, Waiting):
                raise Interrupted
            return found

        return await self.step(name, body)

    async def pause(self, write: Callable[[Tx], None], span: timedelta) -> None:
        """Within a step: write something and wait; afterwards the step starts again. Never returns."""

        def parked(tx: Tx) -> None:
            write(tx)
            rows.park(tx, self.id, until=self._clock.now() + span)

        await self.in_transaction(parked)
        raise Interrupted

    async def in_transaction(self, work: Callable[[Tx], T], *, held: bool = True) -> T:
        """Within a step: do database work that only the run's present owner may do, through outages of the database.

        The run's row is held meanwhile, unless `work` does that itself.
        """
        while True:
            try:
                done = await asyncio.to_thread(self._transaction if held else self._read, work)
            except DatabaseUnavailable:
                await asyncio.sleep(_RETRY_SECONDS)
            else:
                self._seen = time.monotonic()
                return done

    async def read(self, work: Callable[[Tx], T]) -> T:
        """Read data that no step changes, before the first step, through outages of the database."""
        while True:
            try:
                return await asyncio.to_thread(self._read, work)
            except DatabaseUnavailable:
                await asyncio.sleep(_RETRY_SECONDS)

    async def in_thread(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Call a blocking function."""
        return await asyncio.get_running_loop().run_in_executor(self._functions, partial(function, *args, **kwargs))

    def _read(self, work: Callable[[Tx], T]) -> T:
        with self._database.begin() as tx:
            return work(tx)

    def _transaction(self, work: Callable[[Tx], T]) -> T:
        with self._database.begin() as tx:
            if rows.hold(tx, self.id, owner=self._owner) is None:
                raise Interrupted
            return work(tx)

    def _check(self, tx: Tx, check: Callable[[Tx, datetime, int], Any], number: int) -> Any:
        found = check(tx, self._clock.now(), number)
        if isinstance(found, Waiting):
            rows.park(tx, self.id, until=found.until or NEVER)
        return found

    async def _perform(
        self,
        number: int,
        name: str,
        body: Callable[[int], Awaitable[Any]],
        alongside: Callable[[Tx, Any], None] | None,
    ) -> Any:
        """Perform and record a step, but not while others may believe this process dead and perform it themselves.

        Ownership was confirmed when the run was taken or its last step recorded; after a pause it is checked again.
        """
        while not self._lease.held:  # noqa: ASYNC110 - moved by a thread that knows no event loop
            await asyncio.sleep(0.05)
        if time.monotonic() - self._seen > _FRESH_SECONDS:
            await self.in_transaction(lambda _: None)
        began_at = self._clock.now()
        output = await body(number)
        ended_at = self._clock.now()

        def write(tx: Tx) -> Any:
            kept = dict(output) if alongside is not None else output
            if alongside is not None:
                alongside(tx, kept)
            self._record(tx, StepRecord(number, name, kept, began_at, ended_at))
            return kept

        return await self.in_transaction(write, held=False)

    def _record(self, tx: Tx, record: StepRecord) -> None:
        if not rows.record(tx, self.id, record, owner=self._owner):
            raise Interrupted

    @contextmanager
    def _one_at_a_time(self) -> Any:
        if self._busy:
            raise StepsOverlap("a step of a procedure begins after the previous one has ended: await each step")
        self._busy = True
        try:
            yield
        finally:
            self._busy = False
