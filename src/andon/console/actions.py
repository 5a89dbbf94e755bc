"""Actions: what is on its way, what was given up (dead letters), and sending such a one again."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form
from starlette.responses import Response

from andon import actions
from andon.access import Permission
from andon.actions import ActionState
from andon.console import notices
from andon.console.context import Console, Visitor
from andon.console.dependencies import Acting, Db, Here, Signed
from andon.console.errors import status_of
from andon.console.paging import PAGE, pager
from andon.kernel.db import Tx
from andon.kernel.errors import AndonError, Conflict, Invalid

router = APIRouter(prefix="/actions")


@router.get("")
def show_list(
    here: Here, visitor: Signed, tx: Db, state: ActionState = ActionState.DEAD, before: UUID | None = None
) -> Response:
    """The actions in one state, newest first; the dead letters unless another is asked for."""
    scopes = visitor.scopes(Permission.READ_ACTIONS)
    found = actions.page(tx, state, automations=scopes, limit=PAGE, before=before)
    return here.pages.html(
        "actions.html",
        visitor=visitor,
        section="/actions",
        state=state,
        states=list(ActionState),
        dead=sum(actions.dead_letters(tx, automations=scopes).values()),
        actions=found,
        disabled=actions.disabled_destinations(tx),
        pager=pager(
            "/actions", {"state": state}, shown=len(found), last=found[-1].id if found else None, before=before
        ),
    )


@router.get("/{action_id}")
def show(here: Here, visitor: Signed, tx: Db, action_id: UUID, done: str = "") -> Response:
    """One action with all attempts at it. Out of the visitor's scope it does not exist."""
    return _page(here, visitor, tx, _seen(visitor, tx, action_id), notice=notices.text(done))


@router.post("/{action_id}/resend")
def resend(here: Here, visitor: Acting, action_id: UUID, reason: Annotated[str, Form()] = "") -> Response:
    """Send a dead letter again, under its old key."""
    with here.database.begin() as tx:
        action = _seen(visitor, tx, action_id)
    visitor.principal.require(Permission.RESEND_ACTIONS, action.automation)
    now = here.clock.now()
    try:
        with here.database.begin() as tx:
            actions.resend(tx, action_id, actor=visitor.principal.actor, reason=reason, now=now)
    except (Invalid, Conflict) as error:
        with here.database.begin() as tx:
            return _page(here, visitor, tx, _seen(visitor, tx, action_id), problem=error)
    return notices.back_to(f"/actions/{action_id}", "resent")


def _seen(visitor: Visitor, tx: Tx, action_id: UUID) -> actions.Action:
    visitor.scopes(Permission.READ_ACTIONS)
    action = actions.get(tx, action_id)
    if not visitor.may(Permission.READ_ACTIONS, action.automation):
        raise actions.ActionNotFound(f"No action {action_id}")
    return action


def _page(here: Console, visitor: Visitor, tx: Tx, action: actions.Action, **said: Any) -> Response:
    problem: AndonError | None = said.get("problem")
    return here.pages.html(
        "action.html",
        status=status_of(problem) if problem else 200,
        visitor=visitor,
        section="/actions",
        action=action,
        attempts=actions.attempts(tx, action.id, now=here.clock.now()),
        may_resend=action.state is ActionState.DEAD and visitor.may(Permission.RESEND_ACTIONS, action.automation),
        **said,
    )
