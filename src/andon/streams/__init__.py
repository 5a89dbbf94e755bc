"""The entry point for events: they, and requests accepted for later, go through the same line as every call.

A source of events implements `ports.Source`; `Streams` reads and decides the streams of a process. Start reading at
`consumer.py`.
"""

from andon.streams.asyncapi import document as asyncapi_document
from andon.streams.consumer import Watch
from andon.streams.domain import DeadEvent, DeadState, Partition, Stream, StreamKey, StreamState
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
from andon.streams.events import BATCHED, STRUCTURED, Event, EventUnreadable, events_of
from andon.streams.evidence import StreamPositions
from andon.streams.intake import Intake
from andon.streams.journal import adopt
from andon.streams.mails import MailReader, MoveReader, RawMail, ReadsMails
from andon.streams.ports import Arrival, MailCopy, Source
from andon.streams.progress import Moved
from andon.streams.published import EventsDied
from andon.streams.reading import ArrivalReader
from andon.streams.runner import Streams
from andon.streams.service import (
    ReceivedEvent,
    count_dead,
    dead_events,
    decisions_of_mails,
    discard,
    get,
    get_dead,
    keep_house,
    mail_of,
    page,
    pause,
    publish_dead,
    receive,
    resend,
    resume,
    seek,
)

__all__ = [
    "BATCHED",
    "STRUCTURED",
    "Arrival",
    "ArrivalReader",
    "DeadEvent",
    "DeadEventNotFound",
    "DeadState",
    "Event",
    "EventSettled",
    "EventUnreadable",
    "EventsDied",
    "Intake",
    "MailCopy",
    "MailReader",
    "MoveReader",
    "Moved",
    "Partition",
    "PositionGone",
    "RawMail",
    "ReadsMails",
    "ReceivedEvent",
    "SeekInvalid",
    "Source",
    "SourceUnavailable",
    "SourceUnknown",
    "Stream",
    "StreamKey",
    "StreamMissing",
    "StreamNotFound",
    "StreamPositions",
    "StreamState",
    "Streams",
    "Watch",
    "adopt",
    "asyncapi_document",
    "count_dead",
    "dead_events",
    "decisions_of_mails",
    "discard",
    "events_of",
    "get",
    "get_dead",
    "keep_house",
    "mail_of",
    "page",
    "pause",
    "publish_dead",
    "receive",
    "resend",
    "resume",
    "seek",
]
