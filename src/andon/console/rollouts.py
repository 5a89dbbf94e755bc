"""Rollouts: the list of all, and one with its stages, guardrails, forecast, history and what may be done with it."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Form, Path
from starlette.responses import Response

from andon import decisions, rollouts
from andon.access import Permission
from andon.console import notices
from andon.console.automation_view import force_of
from andon.console.candidate_choices import suits_of
from andon.console.context import Console, Visitor
from andon.console.dependencies import Acting, Db, Here, Signed
from andon.console.errors import status_of
from andon.console.paging import PAGE
from andon.console.rollout_view import NEWEST, view_of
from andon.kernel.db import Tx
from andon.kernel.errors import AndonError, Conflict, Invalid
from andon.rollouts import Rollout, RolloutInvalid, RolloutState, SecondPersonNeeded

router = APIRouter()

Number = Annotated[int, Path(ge=1, le=1_000_000_000)]

_CHANGES: Mapping[str, tuple[Permission, Callable[..., Rollout]]] = {
    "pause": (Permission.RUN_ROLLOUT, rollouts.pause),
    "resume": (Permission.RUN_ROLLOUT, rollouts.resume),
    "abort": (Permission.RUN_ROLLOUT, rollouts.abort),
    "approve": (Permission.APPROVE_ROLLOUT, rollouts.approve),
    "promote": (Permission.APPROVE_ROLLOUT, rollouts.promote),
}
_OFFERED: Mapping[RolloutState, tuple[str, ...]] = {
    RolloutState.AWAITING_APPROVAL: ("approve", "abort"),
    RolloutState.RUNNING: ("pause", "promote", "abort"),
    RolloutState.PAUSED: ("resume", "promote", "abort"),
}


@router.get("/rollouts")
def show_list(here: Here, visitor: Signed, tx: Db) -> Response:
    """Show the rollouts of the automations that the visitor may see."""
    startable = [name for name in decisions.automations(tx) if visitor.may(Permission.RUN_ROLLOUT, name)]
    listed = _listed(here, visitor, tx)
    return here.pages.html("rollouts.html", visitor=visitor, section="/rollouts", startable=startable, **listed)


@router.get("/live/rollouts")
def live_list(here: Here, visitor: Signed, tx: Db) -> Response:
    """Show the part of the list that is fetched again every two seconds."""
    return here.pages.html("rollouts_live.html", visitor=visitor, **_listed(here, visitor, tx))


@router.get("/rollouts/{automation}/{number}")
def show(here: Here, visitor: Signed, tx: Db, automation: str, number: Number, done: str = "") -> Response:
    """One rollout."""
    return _page(here, visitor, tx, automation, number, notice=notices.text(done))


@router.get("/live/rollouts/{automation}/{number}")
def live(here: Here, visitor: Signed, tx: Db, automation: str, number: Number) -> Response:
    """Show the part of one rollout that is fetched again every two seconds."""
    return here.pages.html("rollout_live.html", visitor=visitor, **_shown(here, visitor, tx, automation, number))


@router.get("/live/rollouts/{automation}/{number}/forecast")
def live_forecast(here: Here, visitor: Signed, tx: Db, automation: str, number: Number) -> Response:
    """Show the forecast, which costs more and changes slowly: fetched again every minute."""
    visitor.principal.require(Permission.READ_MODELS, automation)
    return here.pages.html("rollout_forecast.html", visitor=visitor, **_forecast(here, tx, automation, number))


@router.post("/rollouts/{automation}/{number}")
def change(
    here: Here,
    visitor: Acting,
    automation: str,
    number: Number,
    what: Annotated[str, Form()] = "",
    reason: Annotated[str, Form()] = "",
) -> Response:
    """Pause, resume, abort, approve or promote, with a reason."""
    try:
        if what not in _CHANGES:
            raise RolloutInvalid("Choose an action with one of the buttons")
        permission, move = _CHANGES[what]
        visitor.principal.require(Permission.READ_MODELS, automation)
        visitor.principal.require(permission, automation)
        with here.database.begin() as tx:
            more = {"suits": suits_of(force_of(tx, automation))} if what == "promote" else {}
            move(
                tx,
                automation,
                number,
                actor=visitor.principal.actor,
                reason=reason,
                events=here.events,
                now=here.clock.now(),
                **more,
            )
    except (Invalid, Conflict, SecondPersonNeeded) as error:
        with here.database.begin() as tx:
            return _page(here, visitor, tx, automation, number, problem=error, reason=reason)
    return notices.back_to(f"/rollouts/{automation}/{number}", f"rollout-{what}")


def _listed(here: Console, visitor: Visitor, tx: Tx) -> dict[str, Any]:
    """Return the open rollouts first, then those that are over, newest first."""
    scopes = visitor.scopes(Permission.READ_MODELS)
    under_way = [one for one in rollouts.open_rollouts(tx) if scopes is None or one.automation in scopes]
    over = [one for one in rollouts.page(tx, scopes, limit=PAGE) if one.is_over]
    return {"now": here.clock.now(), "rollouts": [*under_way, *over]}


def _shown(here: Console, visitor: Visitor, tx: Tx, automation: str, number: int) -> dict[str, Any]:
    """Return the live values of one rollout."""
    visitor.principal.require(Permission.READ_MODELS, automation)
    now = here.clock.now()
    view = view_of(tx, automation, number, now)
    offered = _OFFERED.get(view.rollout.state, ())
    return {
        "now": now,
        "view": view,
        "rollout": view.rollout,
        "newest": NEWEST,
        "offered": [what for what in offered if visitor.may(_CHANGES[what][0], automation)],
        "may_read_models": visitor.may(Permission.READ_MODELS),
        "may_read_decisions": visitor.may(Permission.READ_DECISIONS, automation),
    }


def _forecast(here: Console, tx: Tx, automation: str, number: int) -> dict[str, Any]:
    rollout = rollouts.show(tx, automation, number).rollout
    found = None if rollout.is_over else rollouts.forecast_of(tx, rollout, here.clock.now())
    return {"rollout": rollout, "forecast": found}


def _page(
    here: Console,
    visitor: Visitor,
    tx: Tx,
    automation: str,
    number: int,
    *,
    notice: str | None = None,
    problem: AndonError | None = None,
    reason: str = "",
) -> Response:
    shown = _shown(here, visitor, tx, automation, number)
    return here.pages.html(
        "rollout.html",
        status=status_of(problem) if problem else 200,
        visitor=visitor,
        section="/rollouts",
        notice=notice,
        problem=problem,
        reason=reason,
        may_change=visitor.may(Permission.RUN_ROLLOUT, automation),
        **(shown | _forecast(here, tx, automation, number)),
    )
