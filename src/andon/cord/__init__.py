"""The cord: line states, which override any policy."""

from andon.cord.domain import (
    ALL_AUTOMATIC,
    ALL_SUPERVISED,
    DRILL_FIELD,
    LineState,
    LineStateChange,
    LineStates,
    Scalar,
    Segment,
    belongs,
    segment_of,
)
from andon.cord.errors import CordInvalid
from andon.cord.published import LineStateChanged
from andon.cord.service import (
    ANNOUNCED,
    all_states,
    doubted,
    history,
    hold,
    in_force,
    pull,
    release,
    state_of,
    states_in_force,
)

__all__ = [
    "ALL_AUTOMATIC",
    "ALL_SUPERVISED",
    "ANNOUNCED",
    "DRILL_FIELD",
    "CordInvalid",
    "LineState",
    "LineStateChange",
    "LineStateChanged",
    "LineStates",
    "Scalar",
    "Segment",
    "all_states",
    "belongs",
    "doubted",
    "history",
    "hold",
    "in_force",
    "pull",
    "release",
    "segment_of",
    "state_of",
    "states_in_force",
]
