"""Procedures: the steps that follow decisions, each with a timeline; cancel, resume, and fork from a step."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form
from starlette.responses import Response

from andon import procedures
from andon.access import Permission
from andon.console import notices
from andon.console.context import Console, Visitor
from andon.console.dependencies import Acting, Db, Here, Signed
from andon.console.errors import status_of
from andon.console.paging import PAGE, pager
from andon.kernel.db import Tx
from andon.kernel.errors import AndonError, Conflict, Invalid
from andon.procedures import OVER, ProcedureNotFound, ProcedureRecord, RunState

router = APIRouter(prefix="/procedures")

_STOPPED = (RunState.CANCELLED, RunState.EXHAUSTED)


@router.get("")
def show_list(
    here: Here, visitor: Signed, tx: Db, state: RunState | None = None, before: UUID | None = None
) -> Response:
    """Procedures, newest first."""
    scopes = visitor.scopes(Permission.READ_PROCEDURES)
    found = procedures.page(tx, automations=scopes, state=state, limit=PAGE, before=before)
    last = found[-1].id if found else None
    return here.pages.html(
        "procedures.html",
        visitor=visitor,
        section="/procedures",
        state=state,
        states=list(RunState),
        procedures=found,
        waits=procedures.waiting_for(tx, found),
        pager=pager("/procedures", {"state": state}, shown=len(found), last=last, before=before),
    )


@router.get("/{procedure_id}")
def show(here: Here, visitor: Signed, tx: Db, procedure_id: UUID, done: str = "") -> Response:
    """One procedure with its timeline. Out of the visitor's scope it does not exist."""
    return _page(here, visitor, tx, _seen(visitor, tx, procedure_id), notice=notices.text(done))


@router.post("/{procedure_id}/cancel")
def cancel(here: Here, visitor: Acting, procedure_id: UUID, reason: Annotated[str, Form()] = "") -> Response:
    """Stop it."""

    def act(tx: Tx, now: datetime) -> ProcedureRecord:
        return procedures.cancel(tx, procedure_id, actor=visitor.principal.actor, reason=reason, now=now)

    return _control(here, visitor, procedure_id, act, "cancelled")


@router.post("/{procedure_id}/resume")
def resume(here: Here, visitor: Acting, procedure_id: UUID, reason: Annotated[str, Form()] = "") -> Response:
    """Let it go on."""

    def act(tx: Tx, now: datetime) -> ProcedureRecord:
        return procedures.resume(tx, procedure_id, actor=visitor.principal.actor, reason=reason, now=now)

    return _control(here, visitor, procedure_id, act, "resumed")


@router.post("/{procedure_id}/fork")
def fork(
    here: Here,
    visitor: Acting,
    procedure_id: UUID,
    from_step: Annotated[int, Form()] = 1,
    reason: Annotated[str, Form()] = "",
) -> Response:
    """Begin a new one at a step, and show it."""

    def act(tx: Tx, now: datetime) -> ProcedureRecord:
        return procedures.fork(
            tx, procedure_id, from_step=from_step, actor=visitor.principal.actor, reason=reason, now=now
        )

    return _control(here, visitor, procedure_id, act, "forked")


def _control(
    here: Console, visitor: Visitor, procedure_id: UUID, act: Callable[[Tx, datetime], ProcedureRecord], done: str
) -> Response:
    with here.database.begin() as tx:
        procedure = _seen(visitor, tx, procedure_id)
    visitor.principal.require(Permission.CONTROL_PROCEDURES, procedure.automation)
    try:
        with here.database.begin() as tx:
            shown = act(tx, here.clock.now())
    except (Invalid, Conflict) as error:
        with here.database.begin() as tx:
            return _page(here, visitor, tx, _seen(visitor, tx, procedure_id), problem=error)
    return notices.back_to(f"/procedures/{shown.id}", done)


def _seen(visitor: Visitor, tx: Tx, procedure_id: UUID) -> ProcedureRecord:
    visitor.scopes(Permission.READ_PROCEDURES)
    procedure = procedures.get(tx, procedure_id)
    if not visitor.may(Permission.READ_PROCEDURES, procedure.automation):
        raise ProcedureNotFound(f"No procedure {procedure_id}")
    return procedure


def _page(here: Console, visitor: Visitor, tx: Tx, procedure: ProcedureRecord, **said: Any) -> Response:
    problem: AndonError | None = said.get("problem")
    timeline = procedures.timeline_of(tx, procedure)
    result, error = procedures.result_of(tx, procedure)
    last = procedures.beginnings_of(tx, procedure)[-1]
    return here.pages.html(
        "procedure.html",
        status=status_of(problem) if problem else 200,
        visitor=visitor,
        section="/procedures",
        procedure=procedure,
        timeline=timeline,
        last=last,
        first=1 if any(entry.undo for entry in timeline) else last,
        wait=procedures.waiting_for(tx, [procedure]).get(procedure.id),
        result=result,
        error=error,
        events=procedures.events_of(tx, procedure.id),
        notes=procedures.log_of(tx, procedure.id),
        may_control=visitor.may(Permission.CONTROL_PROCEDURES, procedure.automation),
        may_cancel=procedure.state not in (*OVER, *_STOPPED),
        may_resume=procedure.state in _STOPPED,
        **said,
    )
