"""Procedures: steps that follow a decision and survive their process.

The engine is `kernel.durable`; this package defines steps, waits, questions and compensations, people's operations on
procedures, and the worker's part in them (`conducting`, which alone loads the engine). Start reading at `domain.py`.
"""

from andon.kernel.durable import OVER, RunState
from andon.procedures.domain import (
    EntryState,
    ProcedureEvent,
    ProcedureRecord,
    StepAttempt,
    TimelineEntry,
    Version,
    Wait,
    key_of,
)
from andon.procedures.errors import (
    EventInvalid,
    EventKeyReused,
    NotStarted,
    ProcedureNotFound,
    ProcedureNotStopped,
    ProcedureOver,
    ProcedureUnknown,
    StartRefused,
    StepInvalid,
)
from andon.procedures.histories import ProcedureHistories
from andon.procedures.histories import adopt as adopt_histories
from andon.procedures.ports import AgentDesk, StepObserver, ToolDesk, UnobservedSteps
from andon.procedures.rehearsal import Rehearsal, rehearse
from andon.procedures.service import (
    beginnings_of,
    cancel,
    events_of,
    fork,
    get,
    log_of,
    of_decision,
    page,
    result_of,
    resume,
    send,
    subscribe,
    timeline_of,
    waiting_for,
)

__all__ = [
    "OVER",
    "AgentDesk",
    "EntryState",
    "EventInvalid",
    "EventKeyReused",
    "NotStarted",
    "ProcedureEvent",
    "ProcedureHistories",
    "ProcedureNotFound",
    "ProcedureNotStopped",
    "ProcedureOver",
    "ProcedureRecord",
    "ProcedureUnknown",
    "Rehearsal",
    "RunState",
    "StartRefused",
    "StepAttempt",
    "StepInvalid",
    "StepObserver",
    "TimelineEntry",
    "ToolDesk",
    "UnobservedSteps",
    "Version",
    "Wait",
    "adopt_histories",
    "beginnings_of",
    "cancel",
    "events_of",
    "fork",
    "get",
    "key_of",
    "log_of",
    "of_decision",
    "page",
    "rehearse",
    "result_of",
    "resume",
    "send",
    "subscribe",
    "timeline_of",
    "waiting_for",
]
