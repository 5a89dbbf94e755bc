"""Tools: the calls that agents asked for, each with its arguments, its state and what became of it."""

from uuid import UUID

from fastapi import APIRouter
from starlette.responses import Response

from andon import tools
from andon.access import Permission
from andon.console.dependencies import Db, Here, Signed
from andon.console.paging import PAGE, pager
from andon.tools import CallState, ToolCallNotFound

router = APIRouter(prefix="/tools")


@router.get("")
def show_list(
    here: Here, visitor: Signed, tx: Db, state: CallState | None = None, before: UUID | None = None
) -> Response:
    """Show calls, newest first."""
    scopes = visitor.scopes(Permission.READ_DECISIONS)
    found = tools.page(tx, toolboxes=scopes, now=here.clock.now(), state=state, limit=PAGE, before=before)
    last = found[-1].id if found else None
    return here.pages.html(
        "tools.html",
        visitor=visitor,
        section="/tools",
        state=state,
        states=list(CallState),
        calls=found,
        pager=pager("/tools", {"state": state}, shown=len(found), last=last, before=before),
    )


@router.get("/{call_id}")
def show(here: Here, visitor: Signed, tx: Db, call_id: UUID) -> Response:
    """Show one call. Out of the visitor's scope it does not exist."""
    call = tools.get(tx, call_id, here.clock.now())
    if not visitor.may(Permission.READ_DECISIONS, call.toolbox):
        raise ToolCallNotFound(f"No call {call_id}")
    return here.pages.html(
        "tool.html",
        visitor=visitor,
        section="/tools",
        call=call,
        arguments=tools.arguments_of(tx, call),
        review=tools.review_of(tx, call),
        question=tools.question_of(tx, call),
    )
