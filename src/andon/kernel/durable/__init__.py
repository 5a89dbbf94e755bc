"""Durable runs: functions of several steps that survive their process, on DBOS, behind this small face.

A run is named by an id and belongs to a flow, the exact version of some code. Its steps are written down as they end; after a
kill another process goes on behind the last of them. A run that waits is one row and no task anywhere, for however long.
`rows` is what anybody may do in a transaction of his own, without DBOS in the process; `engine` executes, and is imported only
by processes that do.
"""

from andon.kernel.durable.domain import LEAVING, OVER, DurableRun, Interrupted, RunState, StepRecord, Waiting
from andon.kernel.durable.rows import (
    cancel,
    counts,
    find,
    fork,
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
