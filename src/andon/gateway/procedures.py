"""Routes of procedures: show their progress, send events, cancel, resume, and fork from a step."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, Query, Response, status
from pydantic import BaseModel, ConfigDict, Field

from andon import procedures
from andon.access import Permission, Principal
from andon.gateway.dependencies import Caller, Db, Now
from andon.gateway.reasons import Why
from andon.kernel.db import Tx
from andon.procedures import EntryState, ProcedureNotFound, ProcedureRecord, RunState, TimelineEntry

router = APIRouter(prefix="/v1/procedures", tags=["procedures"])


class ProcedureOut(BaseModel):
    """A procedure; `id` is the key under which it was started. `waits_for` and `waits_until` are set while it waits."""

    id: UUID
    name: str
    version: str
    automation: str
    decision_id: UUID
    state: RunState
    waits_for: str | None
    waits_until: datetime | None
    started_at: datetime
    ended_at: datetime | None
    correlation_id: str
    forked_from: UUID | None
    forked_at_step: int | None


class FailureOut(BaseModel):
    """A failed attempt at a step."""

    number: int
    began_at: datetime
    ended_at: datetime
    error: str


class TimelineEntryOut(BaseModel):
    """A step. `kind` is step, deliver, wait, ask, sleep, now or random. `undo`: it compensates another step."""

    number: int
    kind: str
    name: str
    undo: bool
    state: EntryState
    began_at: datetime
    ended_at: datetime | None
    until: datetime | None
    attempts: int
    detail: str
    failures: list[FailureOut]


class EventOut(BaseModel):
    """An event that was sent. `taken_by` is the step that received it."""

    name: str
    key: str
    data: Any
    sent_by: str
    sent_at: datetime
    taken_by: int | None


class NoteOut(BaseModel):
    """What a person did to a procedure, and why."""

    action: str
    by: str
    at: datetime
    reason: str | None


class ProcedureDetail(ProcedureOut):
    """A procedure with its timeline, its events and what people did to it; once it has ended, its result or error."""

    result: Any
    error: str | None
    timeline: list[TimelineEntryOut]
    events: list[EventOut]
    notes: list[NoteOut]


class ProceduresOut(BaseModel):
    """A page of procedures, newest first; `next` is the `before` of the following page."""

    procedures: list[ProcedureOut]
    next: UUID | None


class ForkIn(Why):
    """The step at which the new procedure begins. Everything before it is taken from the old one."""

    from_step: int = Field(strict=True, ge=1)


class EventIn(BaseModel):
    """The data of an event, any JSON value."""

    model_config = ConfigDict(extra="forbid")

    data: Any = None


@router.get("", operation_id="list_procedures")
def index(
    caller: Caller,
    db: Db,
    state: RunState | None = None,
    name: str | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    before: UUID | None = None,
) -> ProceduresOut:
    """List the procedures that the caller may see, newest first."""
    scopes = caller.scopes(Permission.READ_PROCEDURES)
    with db.begin() as tx:
        found = procedures.page(tx, automations=scopes, state=state, name=name, limit=limit, before=before)
        shown = _shown(tx, found)
    return ProceduresOut(procedures=shown, next=found[-1].id if len(found) == limit else None)


@router.get("/{procedure_id}", operation_id="get_procedure")
def show(procedure_id: UUID, caller: Caller, db: Db) -> ProcedureDetail:
    """Show one procedure with its timeline."""
    with db.begin() as tx:
        return _detail(tx, _visible(tx, procedure_id, caller, Permission.READ_PROCEDURES))


@router.post("/{procedure_id}/events/{name}", status_code=status.HTTP_201_CREATED, operation_id="send_procedure_event")
def send(
    procedure_id: UUID,
    name: str,
    said: EventIn,
    caller: Caller,
    db: Db,
    now: Now,
    response: Response,
    idempotency_key: Annotated[str | None, Header(description="Repeating a key sends nothing more.")] = None,
) -> EventOut:
    """Send an event. The procedure takes it when it waits for one of this name. A repeat is answered with 200."""
    with db.begin() as tx:
        _visible(tx, procedure_id, caller, Permission.SEND_EVENTS)
        event, new = procedures.send(
            tx, procedure_id, name, said.data, key=idempotency_key, actor=caller.actor, now=now
        )
    if not new:
        response.status_code = status.HTTP_200_OK
    return EventOut.model_validate(event, from_attributes=True)


@router.post("/{procedure_id}/cancel", operation_id="cancel_procedure")
def cancel(procedure_id: UUID, why: Why, caller: Caller, db: Db, now: Now) -> ProcedureDetail:
    """Cancel a procedure where it is. Nothing is undone, and it can be resumed."""
    with db.begin() as tx:
        _controlled(tx, procedure_id, caller)
        procedure = procedures.cancel(tx, procedure_id, actor=caller.actor, reason=why.reason, now=now)
        return _detail(tx, procedure)


@router.post("/{procedure_id}/resume", operation_id="resume_procedure")
def resume(procedure_id: UUID, why: Why, caller: Caller, db: Db, now: Now) -> ProcedureDetail:
    """Resume a cancelled procedure after its last step."""
    with db.begin() as tx:
        _controlled(tx, procedure_id, caller)
        procedure = procedures.resume(tx, procedure_id, actor=caller.actor, reason=why.reason, now=now)
        return _detail(tx, procedure)


@router.post("/{procedure_id}/fork", status_code=status.HTTP_201_CREATED, operation_id="fork_procedure")
def fork(procedure_id: UUID, where: ForkIn, caller: Caller, db: Db, now: Now) -> ProcedureDetail:
    """Begin a new procedure at a step of this one, with the present version of the code."""
    with db.begin() as tx:
        _controlled(tx, procedure_id, caller)
        new = procedures.fork(
            tx, procedure_id, from_step=where.from_step, actor=caller.actor, reason=where.reason, now=now
        )
        return _detail(tx, new)


def _visible(tx: Tx, procedure_id: UUID, caller: Principal, needed: Permission) -> ProcedureRecord:
    """Return a procedure on which the caller has the permission `needed`. Raises ProcedureNotFound, Forbidden."""
    procedure = procedures.get(tx, procedure_id)
    if not caller.may(needed, procedure.automation):
        if caller.may(Permission.READ_PROCEDURES, procedure.automation):
            caller.require(needed, procedure.automation)
        raise ProcedureNotFound(f"No procedure {procedure_id}")
    return procedure


def _controlled(tx: Tx, procedure_id: UUID, caller: Principal) -> None:
    _visible(tx, procedure_id, caller, Permission.CONTROL_PROCEDURES)


def _shown(tx: Tx, found: list[ProcedureRecord]) -> list[ProcedureOut]:
    waits = procedures.waiting_for(tx, found)
    shown = []
    for procedure in found:
        wait, run = waits.get(procedure.id), procedure.run
        shown.append(
            ProcedureOut(
                **{name: getattr(procedure, name) for name in _SAME},
                waits_for=None if wait is None else wait.what,
                waits_until=None if wait is None else wait.until,
                ended_at=None if run is None else run.ended_at,
            )
        )
    return shown


_SAME = set(ProcedureOut.model_fields) - {"waits_for", "waits_until", "ended_at"}


def _detail(tx: Tx, procedure: ProcedureRecord) -> ProcedureDetail:
    (shown,) = _shown(tx, [procedure])
    result, error = procedures.result_of(tx, procedure)
    return ProcedureDetail(
        **shown.model_dump(),
        result=result,
        error=error,
        timeline=[_entry(entry) for entry in procedures.timeline_of(tx, procedure)],
        events=[
            EventOut.model_validate(event, from_attributes=True) for event in procedures.events_of(tx, procedure.id)
        ],
        notes=[
            NoteOut(action=entry.leaf.action, by=entry.leaf.actor, at=entry.leaf.at, reason=entry.reason)
            for entry in procedures.log_of(tx, procedure.id)
        ],
    )


def _entry(entry: TimelineEntry) -> TimelineEntryOut:
    return TimelineEntryOut.model_validate(entry, from_attributes=True)
