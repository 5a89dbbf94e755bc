"""Routes of actions: list what was or could not be delivered, resend dead letters, enable destinations again."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from andon import actions
from andon.access import Permission, Principal
from andon.actions import Action, ActionNotFound, ActionSelection, ActionState, AnswerKind, Attempt
from andon.gateway.dependencies import Bus, Caller, Db, Moment, Now, Parts
from andon.gateway.reasons import Why
from andon.kernel.db import Tx

router = APIRouter(prefix="/v1/actions", tags=["actions"])


class ActionOut(BaseModel):
    """An action. The receiver gets `id` as its idempotency key (`webhook-id`)."""

    id: UUID
    decision_id: UUID | None = Field(description="Null for an action that sends one of Andon's own events.")
    automation: str = Field(description="Empty for an action that sends one of Andon's own events.")
    action: str
    outcome: str
    connector: str
    destination: str
    state: ActionState
    attempts: int = Field(description="Attempts begun since a person last sent it.")
    created_at: datetime
    due_at: datetime
    settled_at: datetime | None
    last_error: str | None
    correlation_id: str


class AttemptOut(BaseModel):
    """One attempt. `kind` is null while it is under way, and `unknown` if the receiver may or may not have it."""

    number: int
    inquiry: bool = Field(description="Whether it only asked the receiver about the outcome of an earlier attempt.")
    began_at: datetime
    ended_at: datetime | None
    kind: AnswerKind | None
    status: int | None
    detail: str
    result: dict[str, Any] | None = Field(
        default=None, description="What the receiver returned, if it returns anything."
    )


class ActionDetail(ActionOut):
    """An action with every attempt at it, oldest first."""

    history: list[AttemptOut]


class ActionsOut(BaseModel):
    """A page of actions, newest first; `next` is the `before` of the following page."""

    actions: list[ActionOut]
    next: UUID | None


class DestinationOut(BaseModel):
    """A disabled destination, to which nothing is sent."""

    name: str
    disabled_at: datetime
    reason: str


class WhichIn(Why):
    """Which dead letters to send again: all that the caller may resend, narrowed by the given fields."""

    automation: str | None = None
    destination: str | None = None
    since: Moment | None = Field(default=None, description="Written at or after this time.")
    until: Moment | None = Field(default=None, description="Written before this time.")
    because: str | None = Field(
        default=None, min_length=1, max_length=200, description="Text that the last error contains."
    )
    limit: int = Field(
        default=10_000, strict=True, ge=1, le=100_000, description="The most to send again, oldest first."
    )


class ResentOut(BaseModel):
    """The number of dead letters to be delivered again."""

    count: int


@router.get("", operation_id="list_actions")
def index(
    caller: Caller,
    db: Db,
    state: ActionState = ActionState.DEAD,
    automation: str | None = None,
    destination: str | None = None,
    since: Moment | None = None,
    until: Moment | None = None,
    because: Annotated[str | None, Query(max_length=200, description="Text that the last error contains.")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    before: UUID | None = None,
) -> ActionsOut:
    """List the actions in one state that the caller may see. The default state is `dead`."""
    which = ActionSelection(
        _within(caller.scopes(Permission.READ_ACTIONS), automation), destination, since, until, because
    )
    with db.begin() as tx:
        found = actions.page(tx, state, which=which, limit=limit, before=before)
    return ActionsOut(
        actions=[ActionOut.model_validate(action, from_attributes=True) for action in found],
        next=found[-1].id if len(found) == limit else None,
    )


@router.get("/destinations", operation_id="list_disabled_destinations")
def disabled_destinations(caller: Caller, db: Db) -> list[DestinationOut]:
    """List the disabled destinations: they reported that they are gone. Nothing is sent until they are enabled.

    A key limited to some automations sees only the destinations for which one of them has an action.
    """
    caller.require_anywhere(Permission.READ_ACTIONS)
    with db.begin() as tx:
        found = actions.disabled_destinations(tx, caller.scopes(Permission.READ_ACTIONS))
    return [DestinationOut.model_validate(one, from_attributes=True) for one in found]


@router.post("/destinations/{name}/enable", status_code=204, operation_id="enable_destination")
def enable_destination(name: str, why: Why, caller: Caller, db: Db, now: Now) -> None:
    """Enable a destination again. Its dead letters stay until they are resent."""
    caller.require(Permission.RESEND_ACTIONS, None)
    with db.begin() as tx:
        actions.enable_destination(tx, name, actor=caller.actor, reason=why.reason, now=now)


@router.post(":resend", operation_id="resend_actions")
def resend_many(asked: WhichIn, caller: Caller, db: Db, now: Now, bus: Bus) -> ResentOut:
    """Send dead letters again, each under its own key.

    Dead letters of disabled destinations stay. Those whose error begins with `unknown:` stay too, unless `because`
    names them: their receivers may have taken them.
    """
    caller.require_anywhere(Permission.RESEND_ACTIONS)
    scopes = _within(caller.scopes(Permission.RESEND_ACTIONS), asked.automation)
    which = ActionSelection(scopes, asked.destination, asked.since, asked.until, asked.because)
    with db.begin() as tx:
        count = actions.resend_all(
            tx, which=which, actor=caller.actor, reason=asked.reason, events=bus, now=now, limit=asked.limit
        )
    return ResentOut(count=count)


@router.get("/{action_id}", operation_id="get_action")
def show(action_id: UUID, caller: Caller, db: Db, now: Now) -> ActionDetail:
    """Show one action with all attempts at it."""
    with db.begin() as tx:
        action = _visible(tx, action_id, caller)
        return _detail(action, actions.attempts(tx, action_id, now=now))


@router.post("/{action_id}/resend", operation_id="resend_action")
def resend(action_id: UUID, why: Why, caller: Caller, db: Db, now: Now, bus: Bus) -> ActionDetail:
    """Send a dead letter again, under the same key."""
    with db.begin() as tx:
        caller.require(Permission.RESEND_ACTIONS, _visible(tx, action_id, caller).automation)
        action = actions.resend(tx, action_id, actor=caller.actor, reason=why.reason, events=bus, now=now)
        return _detail(action, actions.attempts(tx, action_id, now=now))


@router.post("/{action_id}/confirm", operation_id="confirm_action")
def confirm(action_id: UUID, why: Why, caller: Caller, db: Db, now: Now, bus: Bus) -> ActionDetail:
    """Confirm that the receiver took a dead letter after all, so that it is not sent again."""
    with db.begin() as tx:
        caller.require(Permission.RESEND_ACTIONS, _visible(tx, action_id, caller).automation)
        action = actions.confirm(tx, action_id, actor=caller.actor, reason=why.reason, events=bus, now=now)
        return _detail(action, actions.attempts(tx, action_id, now=now))


@router.post("/{action_id}/callback", status_code=204, operation_id="call_back_action")
def call_back(
    action_id: UUID,
    token: Annotated[
        str, Query(min_length=1, max_length=200, description="The token from the address that the robot received.")
    ],
    gateway: Parts,
    now: Now,
) -> None:
    """Report that a robot ended its work on an action. The address is signed, so the call needs no key.

    The body is not read: Andon asks the robot's control room how the work ended.
    """
    with gateway.database.begin() as tx:
        action = actions.get(tx, action_id)
        destination = gateway.settings.destinations.get(action.destination)
        secrets = () if destination is None else destination.signing_secrets()
        if not actions.is_genuine_callback(secrets, action_id, token):
            raise ActionNotFound(f"No action {action_id}")
        actions.ask_now(tx, action_id, now=now)


def _within(scopes: Sequence[str] | None, automation: str | None) -> Sequence[str] | None:
    """Return the automations to select: all in `scopes`, or only the named one if it is in `scopes`."""
    if automation is None:
        return scopes
    return [automation] if scopes is None or automation in scopes else []


def _visible(tx: Tx, action_id: UUID, caller: Principal) -> Action:
    """Return an action that the caller may see. Raises ActionNotFound for any other."""
    action = actions.get(tx, action_id)
    if not caller.may(Permission.READ_ACTIONS, action.automation):
        raise ActionNotFound(f"No action {action_id}")
    return action


def _detail(action: Action, history: list[Attempt]) -> ActionDetail:
    shown = ActionOut.model_validate(action, from_attributes=True)
    attempts = [AttemptOut.model_validate(attempt, from_attributes=True) for attempt in history]
    return ActionDetail(**shown.model_dump(), history=attempts)
