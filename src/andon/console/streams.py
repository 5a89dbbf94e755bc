"""Streams: progress, pause and resume; dead events, corrected and resent."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Form
from starlette.responses import Response

from andon import streams
from andon.access import Permission
from andon.console import notices
from andon.console.context import Console, Visitor
from andon.console.dependencies import Acting, Db, Here, Signed
from andon.console.errors import status_of
from andon.console.paging import PAGE, pager
from andon.kernel.db import Tx
from andon.kernel.errors import AndonError, Conflict, Invalid, NotFound
from andon.streams import DeadEvent, DeadEventNotFound, DeadState, StreamKey, StreamNotFound

router = APIRouter()

SHOWN_BYTES = 100_000
"""The shown size of a dead event's data; larger data is corrected by the command line."""


@router.get("/streams")
def show_list(
    here: Here,
    visitor: Signed,
    tx: Db,
    state: DeadState = DeadState.DEAD,
    before: UUID | None = None,
    done: str = "",
) -> Response:
    """All streams, and the dead events."""
    scopes = visitor.scopes(Permission.READ_STREAMS)
    found = streams.dead_events(tx, state, automations=scopes, limit=PAGE, before=before)
    last = found[-1].id if found else None
    return here.pages.html(
        "streams.html",
        visitor=visitor,
        section="/streams",
        **_listed(visitor, tx),
        state=state,
        events=found,
        notice=notices.text(done),
        pager=pager("/streams", {"state": state}, shown=len(found), last=last, before=before),
    )


@router.get("/live/streams")
def live(here: Here, visitor: Signed, tx: Db) -> Response:
    """Show the part of the page that is fetched again every two seconds."""
    return here.pages.html("streams_live.html", visitor=visitor, **_listed(visitor, tx))


@router.get("/streams/dead_events/{event_id}")
def show_dead(here: Here, visitor: Signed, tx: Db, event_id: UUID, done: str = "") -> Response:
    """Show one event with its original data. Outside the visitor's scope it does not exist."""
    return _dead_page(here, visitor, _dead(visitor, tx, event_id), notice=notices.text(done))


@router.post("/streams/dead_events/{event_id}/resend")
def resend(
    here: Here,
    visitor: Acting,
    event_id: UUID,
    data: Annotated[str, Form()] = "",
    came: Annotated[str, Form()] = "",
    reason: Annotated[str, Form()] = "",
) -> Response:
    """Try an event again; with other data than what was shown it is mended."""
    mended = None if _same(data, came) else data.encode()
    return _settle(
        here,
        visitor,
        event_id,
        "event-resent",
        lambda tx, now: streams.resend(
            tx, event_id, data=mended, actor=visitor.principal.actor, reason=reason, now=now
        ),
        mending={"typed": data, "reason": reason},
    )


@router.post("/streams/dead_events/{event_id}/discard")
def discard(here: Here, visitor: Acting, event_id: UUID, reason: Annotated[str, Form()] = "") -> Response:
    """Give an event up permanently."""
    return _settle(
        here,
        visitor,
        event_id,
        "event-discarded",
        lambda tx, now: streams.discard(tx, event_id, actor=visitor.principal.actor, reason=reason, now=now),
    )


@router.get("/streams/{automation}/{stream:path}")
def show(here: Here, visitor: Signed, tx: Db, automation: str, stream: str, done: str = "") -> Response:
    """One stream with its partitions."""
    return _page(here, visitor, tx, StreamKey(automation, stream), notice=notices.text(done))


@router.post("/streams/{automation}/{stream:path}/{what}")
def change(
    here: Here,
    visitor: Acting,
    automation: str,
    stream: str,
    what: str,
    reason: Annotated[str, Form()] = "",
    to: Annotated[str, Form()] = "",
    partition: Annotated[str, Form()] = "",
) -> Response:
    """Pause, resume or seek."""
    key, actor, now = StreamKey(automation, stream), visitor.principal.actor, here.clock.now()
    with here.database.begin() as tx:
        _seen(visitor, tx, key)
    visitor.principal.require(Permission.RUN_STREAMS, automation)
    try:
        with here.database.begin() as tx:
            if what == "pause":
                streams.pause(tx, key, actor=actor, reason=reason, now=now)
            elif what == "resume":
                streams.resume(tx, key, actor=actor, reason=reason, now=now)
            elif what == "seek":
                streams.seek(tx, key, to.strip(), partition=partition or None, actor=actor, reason=reason, now=now)
            else:
                raise StreamNotFound(f"A stream cannot {what}")
    except (Invalid, NotFound) as error:
        with here.database.begin() as tx:
            return _page(here, visitor, tx, key, problem=error)
    return notices.back_to(f"/streams/{automation}/{quote(stream)}", f"stream-{what}")


def _listed(visitor: Visitor, tx: Tx) -> dict[str, Any]:
    """Return the streams that the visitor may see, with the number of dead events of each."""
    scopes = visitor.scopes(Permission.READ_STREAMS)
    return {"streams": streams.page(tx, scopes), "waiting": streams.count_dead(tx, scopes)}


def _settle(
    here: Console,
    visitor: Visitor,
    event_id: UUID,
    notice: str,
    work: Callable[[Tx, datetime], DeadEvent],
    *,
    mending: Mapping[str, str] | None = None,
) -> Response:
    """Do it, or show why not, keeping the typed values in the form."""
    with here.database.begin() as tx:
        event = _dead(visitor, tx, event_id)
    visitor.principal.require(Permission.MEND_EVENTS, event.automation)
    try:
        with here.database.begin() as tx:
            work(tx, here.clock.now())
    except (Invalid, Conflict) as error:
        return _dead_page(here, visitor, event, problem=error, **(mending or {}))
    return notices.back_to(f"/streams/dead_events/{event_id}", notice)


def _seen(visitor: Visitor, tx: Tx, key: StreamKey) -> streams.Stream:
    visitor.scopes(Permission.READ_STREAMS)
    if not visitor.may(Permission.READ_STREAMS, key.automation):
        raise StreamNotFound(f"No stream {key}")
    return streams.get(tx, key)


def _dead(visitor: Visitor, tx: Tx, event_id: UUID) -> DeadEvent:
    visitor.scopes(Permission.READ_STREAMS)
    event = streams.get_dead(tx, event_id)
    if not visitor.may(Permission.READ_STREAMS, event.automation):
        raise DeadEventNotFound(f"No dead event {event_id}")
    return event


def _page(here: Console, visitor: Visitor, tx: Tx, key: StreamKey, **said: Any) -> Response:
    problem: AndonError | None = said.get("problem")
    stream = _seen(visitor, tx, key)
    return here.pages.html(
        "stream.html",
        status=status_of(problem) if problem else 200,
        visitor=visitor,
        section="/streams",
        stream=stream,
        waiting=streams.count_dead(tx, [key.automation]).get(key, 0),
        may_run=visitor.may(Permission.RUN_STREAMS, key.automation),
        **said,
    )


def _dead_page(here: Console, visitor: Visitor, event: DeadEvent, **said: Any) -> Response:
    problem: AndonError | None = said.get("problem")
    return here.pages.html(
        "dead_event.html",
        status=status_of(problem) if problem else 200,
        visitor=visitor,
        section="/streams",
        event=event,
        data=event.data[:SHOWN_BYTES].decode("utf-8", "replace"),
        cut=len(event.data) > SHOWN_BYTES,
        may_mend=event.state is DeadState.DEAD and visitor.may(Permission.MEND_EVENTS, event.automation),
        **said,
    )


def _same(one: str, other: str) -> bool:
    """Return whether two texts differ in nothing but their line ends, which browsers change."""
    return one.replace("\r\n", "\n").strip() == other.replace("\r\n", "\n").strip()
