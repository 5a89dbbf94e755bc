"""Procedures: what follows a decision in several steps that survive their process.

The engine is `kernel.durable`; here is what a step, a wait, a question and a compensation are, what people may do with a
procedure, and what a worker does for them (`conducting`, which alone loads the engine). Start reading at `domain.py`.
"""

from andon.kernel.durable import OVER, RunState
from andon.procedures.domain import Attempt, Entry, EntryState, Event, Procedure, Version, Wait, key_of
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
from andon.procedures.ports import Observer, Unobserved
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
    "Attempt",
    "Entry",
    "EntryState",
    "Event",
    "EventInvalid",
    "EventKeyReused",
    "NotStarted",
    "Observer",
    "Procedure",
    "ProcedureNotFound",
    "ProcedureNotStopped",
    "ProcedureOver",
    "ProcedureUnknown",
    "Rehearsal",
    "RunState",
    "StartRefused",
    "StepInvalid",
    "Unobserved",
    "Version",
    "Wait",
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
