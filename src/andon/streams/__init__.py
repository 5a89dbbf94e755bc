"""The event door: what comes as an event, or was accepted to be decided later, goes through the same line as every call.

A source of events implements `ports.Source`; `Streams` reads and decides the streams of a process. Start reading at
`consumer.py`.
"""

from andon.streams.consumer import Watch
from andon.streams.domain import DeadEvent, DeadState, Partition, State, Stream, StreamKey
from andon.streams.errors import (
    DeadEventNotFound,
    EventSettled,
    PositionGone,
    SeekInvalid,
    SourceUnavailable,
    SourceUnknown,
    StreamMissing,
    StreamNotFound,
)
from andon.streams.intake import Intake
from andon.streams.ports import Arrival, Source
from andon.streams.progress import Moved
from andon.streams.runner import Streams

__all__ = [
    "Arrival",
    "DeadEvent",
    "DeadEventNotFound",
    "DeadState",
    "EventSettled",
    "Intake",
    "Moved",
    "Partition",
    "PositionGone",
    "SeekInvalid",
    "Source",
    "SourceUnavailable",
    "SourceUnknown",
    "State",
    "Stream",
    "StreamKey",
    "StreamMissing",
    "StreamNotFound",
    "Streams",
    "Watch",
]
