"""The facts of a run in our own terms, without library or database."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

NEVER = datetime(9999, 1, 1, tzinfo=UTC)
"""The end of a wait that has no time limit."""


class RunState(StrEnum):
    """The states of a run."""

    QUEUED = "queued"
    """It may continue, and does so as soon as a process that has its code takes it."""
    RUNNING = "running"
    WAITING = "waiting"
    """It waits for an event, a person, a delivery or a time, and costs one row."""
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    """A person stopped it; it can be resumed where it was."""
    EXHAUSTED = "exhausted"
    """Its process died repeatedly while it ran, so it is not tried again; it can be resumed."""


OVER = frozenset({RunState.DONE, RunState.FAILED})
"""Final states."""

OF_LIBRARY = {
    "ENQUEUED": RunState.QUEUED,
    "PENDING": RunState.RUNNING,
    "DELAYED": RunState.WAITING,
    "SUCCESS": RunState.DONE,
    "ERROR": RunState.FAILED,
    "CANCELLED": RunState.CANCELLED,
    "MAX_RECOVERY_ATTEMPTS_EXCEEDED": RunState.EXHAUSTED,
}
"""DBOS's names for the states."""


@dataclass(frozen=True, slots=True)
class DurableRun:
    """The present state of a run. `flow` is the version of its code, `executor` the process that runs it."""

    id: UUID
    flow: str
    state: RunState
    executor: str | None
    updated_at: datetime
    ended_at: datetime | None
    wakes_at: datetime | None


@dataclass(frozen=True, slots=True)
class StepRecord:
    """A finished step: its number (from 1), its name, its result (JSON), and when it began and ended."""

    number: int
    name: str
    output: Any
    began_at: datetime
    ended_at: datetime


@dataclass(frozen=True, slots=True)
class Waiting:
    """The awaited result does not exist yet. Without `until` there is no time limit."""

    until: datetime | None = None


class Interrupted(asyncio.CancelledError):
    """This process stops executing the run: it waits, was cancelled, or belongs to another process. Do not catch."""


LEAVING: tuple[type[BaseException], ...] = (asyncio.CancelledError, GeneratorExit)
"""Exceptions that end code without a failure: run interrupted, process ending, event loop gone.

Any other exception is an error in the code. It must not reach the event loop: a `SystemExit` would end the loop and all
its runs.
"""
