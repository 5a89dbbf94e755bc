"""Routes of streams: their progress, pause, resume and seek; dead events, which people mend and send again."""

import json
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field, JsonValue

from andon import streams
from andon.access import Permission, Principal
from andon.gateway.dependencies import Caller, Db, Now, Parts
from andon.gateway.reasons import Why
from andon.kernel.db import Tx
from andon.streams import DeadEvent, DeadEventNotFound, DeadState, Stream, StreamKey, StreamNotFound, StreamState

router = APIRouter(prefix="/v1", tags=["streams"])
documents = APIRouter(tags=["streams"])

_AUTOMATIONS = Permission.READ_AUTOMATIONS


class PartitionOut(BaseModel):
    """One partition of a stream. `seek`: where a person wants it to continue, until its reader is there."""

    name: str
    position: int
    end: int | None
    lag: int | None
    per_second: float | None
    seek: str | None
    owner: UUID | None
    watermark: datetime | None
    moved_at: datetime | None


class StreamOut(BaseModel):
    """A stream. `lag` is approximate, in messages. The counts cover all events since it was first read."""

    automation: str
    stream: str
    state: StreamState
    lag: int | None
    per_second: float | None = Field(
        description="Events processed per second recently; null if nothing reads the stream."
    )
    watermark: datetime | None
    decided: int
    repeated: int
    left_out: int
    dead: int
    dead_waiting: int = Field(description="Dead events that wait for a person.")
    paused_at: datetime | None
    paused_by: str | None
    pause_reason: str | None
    problem: str | None
    problem_at: datetime | None
    partitions: list[PartitionOut]


class FaultOut(BaseModel):
    """One fault of an event."""

    where: str
    message: str


class DeadEventOut(BaseModel):
    """An event that could not be decided."""

    id: UUID
    automation: str
    stream: str
    partition: str
    position: int
    source: str | None
    event_id: str | None
    type: str | None
    reason: str
    faults: list[FaultOut]
    state: DeadState
    died_at: datetime
    happened_at: datetime | None
    settled_at: datetime | None
    settled_by: str | None
    settle_reason: str | None
    decision_id: UUID | None


class DeadEventDetail(DeadEventOut):
    """An event that could not be decided, with its data as text and its headers."""

    data: str
    headers: dict[str, str]
    key: str | None


class DeadEventsOut(BaseModel):
    """A page of dead events, newest first; `next` is the `before` of the following page."""

    events: list[DeadEventOut]
    next: UUID | None


class Seek(Why):
    """The place to continue from: `start`, `end`, a position, or a moment such as 2026-11-25T09:30:00Z."""

    to: str = Field(max_length=64)
    partition: str | None = Field(None, description="Only this partition.")


class Resend(Why):
    """`data` replaces the data of the event: the automation's input, or the input of the trigger's `read`."""

    data: JsonValue = None


@documents.get("/asyncapi.json", operation_id="get_asyncapi")
def asyncapi(caller: Caller, parts: Parts) -> dict[str, Any]:
    """Return an AsyncAPI 3.0 document of the events and results of the automations that the caller may see."""
    caller.require_anywhere(Permission.READ_AUTOMATIONS)
    automations = [line.automation for name, line in sorted(parts.lines.items()) if caller.may(_AUTOMATIONS, name)]
    return streams.asyncapi_document(automations, title=parts.settings.project.name)


@router.get("/streams", operation_id="list_streams")
def index(caller: Caller, db: Db) -> list[StreamOut]:
    """List the streams that the caller may see."""
    scopes = caller.scopes(Permission.READ_STREAMS)
    with db.begin() as tx:
        dead = streams.count_dead(tx, scopes)
        return [_out(stream, dead.get(stream.key, 0)) for stream in streams.page(tx, scopes)]


@router.get("/streams/{automation}/{stream:path}", operation_id="get_stream")
def show(automation: str, stream: str, caller: Caller, db: Db) -> StreamOut:
    """Show one stream with its partitions."""
    with db.begin() as tx:
        return _told(tx, _visible(tx, StreamKey(automation, stream), caller))


@router.post("/streams:pause/{automation}/{stream:path}", operation_id="pause_stream")
def pause(automation: str, stream: str, why: Why, caller: Caller, db: Db, now: Now) -> StreamOut:
    """Pause a stream. Once this is answered, none of its events is decided; new ones wait at the source."""
    key = StreamKey(automation, stream)
    with db.begin() as tx:
        _may_run(tx, key, caller)
        return _told(tx, streams.pause(tx, key, actor=caller.actor, reason=why.reason, now=now))


@router.post("/streams:resume/{automation}/{stream:path}", operation_id="resume_stream")
def resume(automation: str, stream: str, why: Why, caller: Caller, db: Db, now: Now) -> StreamOut:
    """Resume a stream from where it stopped."""
    key = StreamKey(automation, stream)
    with db.begin() as tx:
        _may_run(tx, key, caller)
        return _told(tx, streams.resume(tx, key, actor=caller.actor, reason=why.reason, now=now))


@router.post("/streams:seek/{automation}/{stream:path}", status_code=202, operation_id="seek_stream")
def seek(automation: str, stream: str, wanted: Seek, caller: Caller, db: Db, now: Now) -> StreamOut:
    """Move a stream to another place. Until its reader is there, none of its events is decided."""
    key = StreamKey(automation, stream)
    with db.begin() as tx:
        _may_run(tx, key, caller)
        sought = streams.seek(
            tx, key, wanted.to, partition=wanted.partition, actor=caller.actor, reason=wanted.reason, now=now
        )
        return _told(tx, sought)


@router.get("/dead-events", operation_id="list_dead_events")
def dead(
    caller: Caller,
    db: Db,
    state: DeadState = DeadState.DEAD,
    stream: str | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    before: UUID | None = None,
) -> DeadEventsOut:
    """List the dead events in one state that the caller may see."""
    scopes = caller.scopes(Permission.READ_STREAMS)
    with db.begin() as tx:
        found = streams.dead_events(tx, state, automations=scopes, stream=stream, limit=limit, before=before)
    return DeadEventsOut(
        events=[DeadEventOut.model_validate(_plain(event)) for event in found],
        next=found[-1].id if len(found) == limit else None,
    )


@router.get("/dead-events/{event_id}", operation_id="get_dead_event")
def show_dead(event_id: UUID, caller: Caller, db: Db) -> DeadEventDetail:
    """Show one event that could not be decided, with its data as received."""
    with db.begin() as tx:
        return _detail(_dead(tx, event_id, caller))


@router.post("/dead-events/{event_id}/resend", status_code=202, operation_id="resend_dead_event")
def resend(event_id: UUID, wanted: Resend, caller: Caller, db: Db, now: Now) -> DeadEventDetail:
    """Try an event again, with new `data` if given. `decision_id` will name its decision."""
    with db.begin() as tx:
        caller.require(Permission.MEND_EVENTS, _dead(tx, event_id, caller).automation)
        data = _as_written(wanted.data) if "data" in wanted.model_fields_set else None
        return _detail(streams.resend(tx, event_id, data=data, actor=caller.actor, reason=wanted.reason, now=now))


@router.post("/dead-events/{event_id}/discard", operation_id="discard_dead_event")
def discard(event_id: UUID, why: Why, caller: Caller, db: Db, now: Now) -> DeadEventDetail:
    """Discard an event permanently."""
    with db.begin() as tx:
        caller.require(Permission.MEND_EVENTS, _dead(tx, event_id, caller).automation)
        return _detail(streams.discard(tx, event_id, actor=caller.actor, reason=why.reason, now=now))


def _as_written(data: JsonValue) -> bytes:
    """Return the data as JSON that keeps half characters and NaN, so that the later check finds and refuses them."""
    return json.dumps(data, separators=(",", ":")).encode()


def _visible(tx: Tx, key: StreamKey, caller: Principal) -> Stream:
    """Return a stream that the caller may see. Raises StreamNotFound for any other."""
    if not caller.may(Permission.READ_STREAMS, key.automation):
        raise StreamNotFound(f"No stream {key}")
    return streams.get(tx, key)


def _may_run(tx: Tx, key: StreamKey, caller: Principal) -> None:
    _visible(tx, key, caller)
    caller.require(Permission.RUN_STREAMS, key.automation)


def _dead(tx: Tx, event_id: UUID, caller: Principal) -> DeadEvent:
    event = streams.get_dead(tx, event_id)
    if not caller.may(Permission.READ_STREAMS, event.automation):
        raise DeadEventNotFound(f"No dead event {event_id}")
    return event


def _told(tx: Tx, stream: Stream) -> StreamOut:
    return _out(stream, streams.count_dead(tx, [stream.key.automation]).get(stream.key, 0))


def _out(stream: Stream, dead: int) -> StreamOut:
    return StreamOut(
        automation=stream.key.automation,
        stream=stream.key.stream,
        state=stream.state,
        lag=stream.lag,
        per_second=stream.per_second,
        watermark=stream.watermark,
        decided=stream.total("decided"),
        repeated=stream.total("repeated"),
        left_out=stream.total("left_out"),
        dead=stream.total("dead"),
        dead_waiting=dead,
        paused_at=stream.paused_at,
        paused_by=stream.paused_by,
        pause_reason=stream.pause_reason,
        problem=stream.problem,
        problem_at=stream.problem_at,
        partitions=[PartitionOut.model_validate(p, from_attributes=True) for p in stream.partitions],
    )


def _plain(event: DeadEvent) -> dict[str, object]:
    return {name: getattr(event, name) for name in DeadEventOut.model_fields} | {
        "faults": [asdict(fault) for fault in event.faults]
    }


def _detail(event: DeadEvent) -> DeadEventDetail:
    data = event.data.decode("utf-8", "replace")
    return DeadEventDetail.model_validate({**_plain(event), "data": data, "headers": event.headers, "key": event.key})
