"""Actions: those on their way, dead letters, and resending."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Query
from starlette.responses import Response

from andon import actions
from andon.access import Permission
from andon.actions import ActionSelection, ActionState
from andon.console import notices
from andon.console.context import Console, Visitor
from andon.console.dependencies import Acting, Db, Here, Signed
from andon.console.errors import status_of
from andon.console.paging import PAGE, pager
from andon.kernel.db import Tx
from andon.kernel.errors import AndonError, Conflict, Invalid

router = APIRouter(prefix="/actions")

RESENT_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class ActionFilters:
    """The filters as typed in the form; empty is any."""

    automation: str = ""
    destination: str = ""
    because: str = ""

    def read(self, scopes: list[str] | None) -> ActionSelection:
        """As a filter over what the visitor may see or do."""
        within = scopes
        if self.automation:
            within = [self.automation] if scopes is None or self.automation in scopes else []
        return ActionSelection(within, self.destination.strip() or None, because=self.because.strip() or None)

    def values(self) -> dict[str, str | None]:
        """By name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


@router.get("")
def show_list(
    here: Here,
    visitor: Signed,
    tx: Db,
    state: ActionState = ActionState.DEAD,
    automation: str = "",
    destination: str = "",
    because: Annotated[str, Query(max_length=200)] = "",
    before: UUID | None = None,
    done: str = "",
) -> Response:
    """Show the actions in one state, newest first; dead letters by default."""
    filters = ActionFilters(automation, destination, because)
    return _list(here, visitor, tx, state, filters, before=before, notice=notices.text(done))


@router.post("/resend")
def resend_many(
    here: Here,
    visitor: Acting,
    automation: Annotated[str, Form()] = "",
    destination: Annotated[str, Form()] = "",
    because: Annotated[str, Form(max_length=200)] = "",
    reason: Annotated[str, Form()] = "",
) -> Response:
    """Send again all dead letters that fit the filters and that the visitor may, each under its old key."""
    filters = ActionFilters(automation, destination, because)
    which = filters.read(visitor.scopes(Permission.RESEND_ACTIONS))
    try:
        with here.database.begin() as tx:
            actions.resend_all(
                tx,
                which=which,
                actor=visitor.principal.actor,
                reason=reason,
                events=here.events,
                now=here.clock.now(),
                limit=RESENT_AT_ONCE,
            )
    except Invalid as error:
        with here.database.begin() as tx:
            return _list(here, visitor, tx, ActionState.DEAD, filters, problem=error)
    return notices.back_to("/actions", "resent-many")


def _list(
    here: Console,
    visitor: Visitor,
    tx: Tx,
    state: ActionState,
    filters: ActionFilters,
    *,
    before: UUID | None = None,
    **said: Any,
) -> Response:
    scopes = visitor.scopes(Permission.READ_ACTIONS)
    which = filters.read(scopes)
    found = actions.page(tx, state, which=which, limit=PAGE, before=before)
    problem: AndonError | None = said.get("problem")
    may_resend = state is ActionState.DEAD and visitor.principal.scopes(Permission.RESEND_ACTIONS) != []
    return here.pages.html(
        "actions.html",
        status=status_of(problem) if problem else 200,
        visitor=visitor,
        section="/actions",
        state=state,
        states=list(ActionState),
        dead=sum(actions.dead_letters(tx, automations=scopes).values()),
        actions=found,
        filters=filters,
        filtered=filters != ActionFilters(),
        resendable=actions.count_resendable(tx, which=filters.read(visitor.principal.scopes(Permission.RESEND_ACTIONS)))
        if may_resend
        else 0,
        disabled=actions.disabled_destinations(tx, scopes),
        pager=pager(
            "/actions",
            {"state": state, **filters.values()},
            shown=len(found),
            last=found[-1].id if found else None,
            before=before,
        ),
        **said,
    )


@router.get("/{action_id}")
def show(here: Here, visitor: Signed, tx: Db, action_id: UUID, done: str = "") -> Response:
    """One action with all attempts at it. Out of the visitor's scope it does not exist."""
    return _page(here, visitor, tx, _seen(visitor, tx, action_id), notice=notices.text(done))


@router.get("/{action_id}/evidence/{step_id}.jpg")
def picture(visitor: Signed, tx: Db, action_id: UUID, step_id: UUID) -> Response:
    """Show what could be seen after a step of a script. It shows what a decision saw, so it takes that permission."""
    action = _seen(visitor, tx, action_id)
    visitor.principal.require(Permission.READ_DECISIONS, action.automation)
    content = actions.picture_of(tx, action_id, step_id)
    return Response(content, media_type="image/jpeg", headers={"Content-Disposition": "inline"})


@router.post("/{action_id}/resend")
def resend(here: Here, visitor: Acting, action_id: UUID, reason: Annotated[str, Form()] = "") -> Response:
    """Send a dead letter again, under its old key."""
    return _settle(here, visitor, action_id, reason, actions.resend, "resent")


@router.post("/{action_id}/confirm")
def confirm(here: Here, visitor: Acting, action_id: UUID, reason: Annotated[str, Form()] = "") -> Response:
    """Say that the receiver took a dead letter after all."""
    return _settle(here, visitor, action_id, reason, actions.confirm, "confirmed")


def _settle(
    here: Console, visitor: Visitor, action_id: UUID, reason: str, settle: Callable[..., actions.Action], done: str
) -> Response:
    with here.database.begin() as tx:
        action = _seen(visitor, tx, action_id)
    visitor.principal.require(Permission.RESEND_ACTIONS, action.automation)
    try:
        with here.database.begin() as tx:
            settle(
                tx,
                action_id,
                actor=visitor.principal.actor,
                reason=reason,
                events=here.events,
                now=here.clock.now(),
            )
    except (Invalid, Conflict) as error:
        with here.database.begin() as tx:
            return _page(here, visitor, tx, _seen(visitor, tx, action_id), problem=error)
    return notices.back_to(f"/actions/{action_id}", done)


def _seen(visitor: Visitor, tx: Tx, action_id: UUID) -> actions.Action:
    visitor.scopes(Permission.READ_ACTIONS)
    action = actions.get(tx, action_id)
    if not visitor.may(Permission.READ_ACTIONS, action.automation):
        raise actions.ActionNotFound(f"No action {action_id}")
    return action


def _page(here: Console, visitor: Visitor, tx: Tx, action: actions.Action, **said: Any) -> Response:
    problem: AndonError | None = said.get("problem")
    may_look = visitor.may(Permission.READ_DECISIONS, action.automation)
    return here.pages.html(
        "action.html",
        status=status_of(problem) if problem else 200,
        visitor=visitor,
        section="/actions",
        action=action,
        attempts=actions.attempts(tx, action.id, now=here.clock.now()),
        evidence=actions.evidence_of(tx, action.id) if may_look else [],
        may_resend=action.state is ActionState.DEAD and visitor.may(Permission.RESEND_ACTIONS, action.automation),
        **said,
    )
