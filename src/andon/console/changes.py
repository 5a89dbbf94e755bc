"""Pages of changes: the figures of all lines and of one line, and what was in force on a line at a moment."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from andon import changes, plans
from andon.access import Permission
from andon.changes import MomentNotYet
from andon.console.context import Visitor
from andon.console.dependencies import Db, Here, Signed
from andon.console.errors import status_of
from andon.console.moments import FilterInvalid, moment_in
from andon.console.weeks import HEIGHT, WIDTH, charts_of
from andon.decisions import AutomationNotFound

router = APIRouter()

SPANS = {"7d": "7 days", "30d": "30 days", "90d": "90 days", "365d": "a year"}
_SHOWN = 100


@router.get("/changes")
def index(here: Here, visitor: Signed, tx: Db, since: Annotated[str, Query(max_length=20)] = "90d") -> Response:
    """Show the figures of every line that the visitor may see, and the configurations that were applied."""
    scopes, now = visitor.scopes(Permission.READ_AUTOMATIONS), here.clock.now()
    found = changes.figures(tx, since=changes.since_of(now, since), now=now, automations=scopes)
    return here.pages.html(
        "changes.html",
        visitor=visitor,
        section="/changes",
        found=found,
        applied=plans.applied_plans(tx, visitor.principal, limit=_SHOWN),
        shown=plans.shown,
        since=since,
        spans=SPANS,
    )


@router.get("/lines/{name}/changes")
def show(
    here: Here, visitor: Signed, tx: Db, name: str, since: Annotated[str, Query(max_length=20)] = "90d"
) -> Response:
    """Show the figures of one line, its weeks and its changes."""
    _require(visitor, name)
    now = here.clock.now()
    found = changes.account_of(tx, name, since=changes.since_of(now, since), now=now, sees=_sees(visitor))
    return here.pages.html(
        "line_changes.html",
        visitor=visitor,
        section="/changes",
        name=name,
        figures=found.figures,
        weeks=found.weeks,
        charts=charts_of(found.weeks),
        width=WIDTH,
        height=HEIGHT,
        made=found.changes[:_SHOWN],
        hidden=max(len(found.changes) - _SHOWN, 0),
        since=since,
        spans=SPANS,
        window=changes.WINDOW.days,
    )


@router.get("/lines/{name}/history")
def history(here: Here, visitor: Signed, tx: Db, name: str, at: Annotated[str, Query(max_length=40)] = "") -> Response:
    """Show what was in force on one line at a moment, and the acts around it."""
    _require(visitor, name)
    now, problem = here.clock.now(), None
    try:
        found = changes.moment_of_line(tx, name, moment_in("At", at) or now, now=now, sees=_sees(visitor))
    except (FilterInvalid, MomentNotYet) as error:
        problem, found = error, changes.moment_of_line(tx, name, now, now=now, sees=_sees(visitor))
    return here.pages.html(
        "line_history.html",
        status=200 if problem is None else status_of(problem),
        visitor=visitor,
        section="/changes",
        problem=problem,
        name=name,
        line=found.line,
        before=found.before[::-1],
        after=found.after[::-1],
        asked=at if at.strip() else f"{now:%Y-%m-%d %H:%M:%S}",
    )


def _require(visitor: Visitor, name: str) -> None:
    visitor.scopes(Permission.READ_AUTOMATIONS)
    if not visitor.may(Permission.READ_AUTOMATIONS, name):
        raise AutomationNotFound(f"No automation {name!r} was ever deployed here")


def _sees(visitor: Visitor) -> Callable[[str], bool]:
    return lambda name: visitor.may(Permission.READ_AUTOMATIONS, name)
