"""Durable runs: functions of several steps that survive their process, implemented on DBOS behind a small interface.

A run has an id and belongs to a flow, the exact version of some code. Its steps are recorded as they end; after a kill
another process continues after the last recorded step. A waiting run is one row and no task, however long it waits. Any
process may call `rows` in its own transaction, without importing DBOS. `engine` executes runs, and only processes that
do so import it.
"""

from andon.kernel.durable.domain import LEAVING, OVER, DurableRun, Interrupted, RunState, StepRecord, Waiting
from andon.kernel.durable.rows import (
    cancel,
    counts,
    find,
    fork,
    histories,
    hold,
    in_state,
    is_set_up,
    oldest,
    outcome_of,
    record,
    resume,
    steps,
    unfinished,
    wake,
)

__all__ = [
    "LEAVING",
    "OVER",
    "DurableRun",
    "Interrupted",
    "RunState",
    "StepRecord",
    "Waiting",
    "cancel",
    "counts",
    "find",
    "fork",
    "histories",
    "hold",
    "in_state",
    "is_set_up",
    "oldest",
    "outcome_of",
    "record",
    "resume",
    "steps",
    "unfinished",
    "wake",
]
