"""The view of a procedure, without a database: its facts, its state, and its timeline."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from andon.kernel.durable import DurableRun, RunState, StepRecord

UNDO = "undo "
"""The prefix of steps that undo another."""


@dataclass(frozen=True, slots=True)
class ProcedureRecord:
    """One procedure: its origin, the version of its code, and its state.

    It receives its decision, read from the ledger, with the outcome of the `verdict` if a person gave one. If another
    procedure started it, it receives the `input` that that procedure wrote.
    """

    id: UUID
    name: str
    version: str
    automation: str
    decision_id: UUID
    input: Mapping[str, Any] | None
    correlation_id: str
    traceparent: str | None
    started_at: datetime
    verdict: str | None = None
    forked_from: UUID | None = None
    forked_at_step: int | None = None
    run: DurableRun | None = None

    @property
    def flow(self) -> str:
        """The name and version of the code it runs on."""
        return f"{self.name}@{self.version}"

    @property
    def state(self) -> RunState:
        """The state of its run."""
        return RunState.QUEUED if self.run is None else self.run.state


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a procedure's code that some process has or had."""

    name: str
    version: str
    retired: bool
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class ProcedureEvent:
    """An event that was sent to a procedure. `taken_by` is the step that received it."""

    id: UUID
    name: str
    key: str
    data: Any
    sent_by: str
    sent_at: datetime
    taken_by: int | None = None


@dataclass(frozen=True, slots=True)
class Wait:
    """The wait of a step, and its limit."""

    step: int
    what: str
    began_at: datetime
    until: datetime | None
    over: bool


@dataclass(frozen=True, slots=True)
class StepAttempt:
    """A failed attempt at a step."""

    step: int
    name: str
    number: int
    began_at: datetime
    ended_at: datetime
    error: str


class EntryState(StrEnum):
    """The states of a step in the timeline."""

    DONE = "done"
    FAILED = "failed"
    WAITING = "waiting"
    TRYING = "trying"
    """It failed and will be tried again."""


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """A step in the timeline. `kind` is step, deliver, wait, ask, sleep, now or random; `undo` marks a compensation."""

    number: int
    kind: str
    name: str
    undo: bool
    state: EntryState
    began_at: datetime
    ended_at: datetime | None
    detail: str = ""
    until: datetime | None = None
    failures: tuple[StepAttempt, ...] = ()

    @property
    def attempts(self) -> int:
        """The number of attempts."""
        return len(self.failures) + (self.state is EntryState.DONE)


def key_of(procedure_id: UUID, step: int) -> UUID:
    """Return the key of a step's outside effect, the same at each repetition; it sorts by the procedure's start."""
    drawn = hashlib.sha256(procedure_id.bytes + step.to_bytes(8)).digest()
    return UUID(
        bytes=procedure_id.bytes[:6] + bytes([0x70 | drawn[0] & 0x0F, drawn[1], 0x80 | drawn[2] & 0x3F]) + drawn[3:10]
    )


def timeline(
    records: Sequence[StepRecord], waits: Sequence[Wait], attempts: Sequence[StepAttempt], *, over: bool
) -> list[TimelineEntry]:
    """Return the steps in order: those that ended, and last the one under way, if it has left a trace."""
    failures: dict[int, list[StepAttempt]] = {}
    for attempt in attempts:
        failures.setdefault(attempt.step, []).append(attempt)
    limits = {wait.step: wait for wait in waits}
    entries = [_ended(record, limits.get(record.number)) for record in records]
    known = {record.number for record in records}
    for wait in waits:
        if wait.step not in known and not over:
            kind, name, undo = parts_of(wait.what)
            state = EntryState.WAITING
            entries.append(TimelineEntry(wait.step, kind, name, undo, state, wait.began_at, None, until=wait.until))
    for step, failed in failures.items():
        if step not in known:
            kind, name, undo = parts_of(failed[-1].name)
            state = EntryState.FAILED if over else EntryState.TRYING
            entries.append(TimelineEntry(step, kind, name, undo, state, failed[0].began_at, None, failed[-1].error))
    ordered = sorted(entries, key=lambda entry: entry.number)
    return [replace(entry, failures=tuple(failures.get(entry.number, ()))) for entry in ordered]


def beginnings(records: Sequence[StepRecord]) -> range:
    """Return the steps that a fork may begin at: the finished ones and the next; of compensations, only the first."""
    undoing = [record.number for record in records if record.name.startswith(UNDO)]
    behind = max((record.number for record in records), default=0) + 1
    return range(1, min(undoing, default=behind) + 1)


def parts_of(name: str) -> tuple[str, str, bool]:
    """Return a step's kind, its own name, and whether it undoes another."""
    undo = name.startswith(UNDO)
    kind, _, rest = name.removeprefix(UNDO).partition(":")
    return kind, rest or kind, undo


def _ended(record: StepRecord, wait: Wait | None) -> TimelineEntry:
    kind, name, undo = parts_of(record.name)
    output = record.output if isinstance(record.output, dict) else {}
    failed = output.get("failed")
    began_at = min(record.began_at, wait.began_at) if wait is not None else record.began_at
    return TimelineEntry(
        number=record.number,
        kind=kind,
        name=name,
        undo=undo,
        state=EntryState.DONE if failed is None else EntryState.FAILED,
        began_at=began_at,
        ended_at=record.ended_at,
        detail=_detail(kind, output) if failed is None else str(failed),
        until=None if wait is None else wait.until,
    )


def _detail(kind: str, output: Mapping[str, Any]) -> str:
    """Describe how a step ended, without its returned value, which may be private data."""
    value = output.get("ok")
    if kind == "wait":
        return "the time was up" if value is None else f"sent by {value['by']}"
    if kind == "ask" and value is not None:
        return f"{value['choice']}, by {value['by']}: {value['reason']}"
    return ""
