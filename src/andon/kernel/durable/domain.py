"""The facts of a run, in our own terms; no library, no database."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

NEVER = datetime(9999, 1, 1, tzinfo=UTC)
"""Until when a run waits that has no time limit."""


class RunState(StrEnum):
    """The states of a run."""

    QUEUED = "queued"
    """It may go on, and does as soon as a process that has its code takes it."""
    RUNNING = "running"
    WAITING = "waiting"
    """For an event, a person, a delivery or a time; it costs one row."""
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    """A person stopped it where it was; it can be resumed."""
    EXHAUSTED = "exhausted"
    """Its process died repeatedly while it ran, so it is no longer tried; it can be resumed."""


OVER = frozenset({RunState.DONE, RunState.FAILED})
"""States that nothing leads out of."""

OF_LIBRARY = {
    "ENQUEUED": RunState.QUEUED,
    "PENDING": RunState.RUNNING,
    "DELAYED": RunState.WAITING,
    "SUCCESS": RunState.DONE,
    "ERROR": RunState.FAILED,
    "CANCELLED": RunState.CANCELLED,
    "MAX_RECOVERY_ATTEMPTS_EXCEEDED": RunState.EXHAUSTED,
}
"""DBOS's names of the states."""


@dataclass(frozen=True, slots=True)
class DurableRun:
    """A run as it stands. `flow` is the version of the code that it runs on, `executor` the process that runs it."""

    id: UUID
    flow: str
    state: RunState
    executor: str | None
    updated_at: datetime
    ended_at: datetime | None
    wakes_at: datetime | None


@dataclass(frozen=True, slots=True)
class StepRecord:
    """A step that has ended: its number from 1, its name, what it returned (JSON), when it began and ended."""

    number: int
    name: str
    output: Any
    began_at: datetime
    ended_at: datetime


@dataclass(frozen=True, slots=True)
class Waiting:
    """The awaited thing is not there yet. Without `until` there is no limit."""

    until: datetime | None = None


class Interrupted(asyncio.CancelledError):
    """This process stops executing the run: it waits, was cancelled, or belongs to another one. Not to be caught."""


LEAVING: tuple[type[BaseException], ...] = (asyncio.CancelledError, GeneratorExit)
"""Exceptions by which code leaves without having failed: run interrupted, process ending, event loop gone.

Any other exception is an error of the code and must not reach the event loop, which a `SystemExit` would end together
with all the runs on it.
"""
