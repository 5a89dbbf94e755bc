"""Procedures for tests: a conductor over a real database, starts, and waits for their states."""

import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

from andon import procedures
from andon.authoring import ProcedureSpec
from andon.kernel.clock import SystemClock
from andon.kernel.db import Database, Tx
from andon.kernel.identity import Actor
from andon.kernel.ids import uuid7
from andon.procedures import ProcedureRecord, RunState, TimelineEntry
from andon.procedures.conducting import Conductor
from people import LINE

PERSON = Actor("otto")
CLOCK = SystemClock()
STOPPED = (RunState.DONE, RunState.FAILED, RunState.CANCELLED, RunState.EXHAUSTED)


@contextmanager
def conducting(
    database: Database, *specs: ProcedureSpec, lease: timedelta = timedelta(seconds=5), **options: Any
) -> Iterator[Conductor]:
    """Run a process with these procedures, for as long as the context lasts."""
    conductor = Conductor(database, specs, CLOCK, lease=lease, **options)
    with ThreadPoolExecutor(1) as beside:  # this thread may already run the loop of the browser's driver
        beside.submit(conductor.launch).result()
        try:
            yield conductor
        finally:
            beside.submit(conductor.close).result()


def start(
    database: Database,
    conductor: Conductor,
    name: str,
    given: Mapping[str, Any] | None = None,
    *,
    key: UUID | None = None,
) -> UUID:
    """Return the id of a procedure that was started."""
    with database.begin() as tx:
        return start_in(tx, conductor, name, given, key=key)


def start_in(
    tx: Tx, conductor: Conductor, name: str, given: Mapping[str, Any] | None = None, *, key: UUID | None = None
) -> UUID:
    """Return the same, within a transaction."""
    now = CLOCK.now()
    key = key or UUID(bytes=uuid7(now).bytes)
    conductor.start(
        tx,
        name,
        key,
        given or {},
        automation=LINE,
        decision_id=key,
        correlation_id=f"corr-{key}",
        traceparent=None,
        now=now,
    )
    return key


def get(database: Database, procedure_id: UUID) -> ProcedureRecord:
    """One procedure as it stands."""
    with database.begin() as tx:
        return procedures.get(tx, procedure_id)


def until(database: Database, procedure_id: UUID, *states: RunState, within: float = 15) -> ProcedureRecord:
    """Return the procedure once it is in one of these states (stopped, if none is named)."""
    end = time.monotonic() + within
    while True:
        found = get(database, procedure_id)
        if found.state in (states or STOPPED):
            return found
        assert time.monotonic() < end, f"still {found.state} after {within} s"
        time.sleep(0.02)


def timeline(database: Database, procedure_id: UUID) -> Sequence[TimelineEntry]:
    """Return its timeline."""
    with database.begin() as tx:
        return procedures.timeline_of(tx, procedures.get(tx, procedure_id))


def outcome(database: Database, procedure_id: UUID) -> tuple[Any, str | None]:
    """Return its result, or why it failed."""
    with database.begin() as tx:
        return procedures.result_of(tx, procedures.get(tx, procedure_id))


def send(database: Database, procedure_id: UUID, name: str, data: Any = None, *, key: str | None = None) -> bool:
    """Send it an event; whether that was new."""
    with database.begin() as tx:
        return procedures.send(tx, procedure_id, name, data, key=key, actor=PERSON, now=CLOCK.now())[1]
