"""One line: its state, the cord to pull and release, and the revisions of its risk gates."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Form
from starlette.responses import Response

from andon import alerts, cord, decisions, gates
from andon.access import Permission
from andon.alerts import ChecklistOpen
from andon.console import notices
from andon.console.context import Console, Visitor
from andon.console.cord_rules import rules_shown
from andon.console.dependencies import Acting, Db, Here, Signed
from andon.console.errors import status_of
from andon.cord import LineState
from andon.decisions import AutomationNotFound
from andon.kernel.db import Tx
from andon.kernel.errors import AndonError, Invalid

router = APIRouter()


@router.get("/lines/{name}")
def show(here: Here, visitor: Signed, tx: Db, name: str, done: str = "") -> Response:
    """Show the state of a line, its last change and the reason."""
    return _page(here, visitor, tx, name, notice=notices.text(done))


@router.post("/lines/{name}/pull")
def pull(
    here: Here,
    visitor: Acting,
    name: str,
    state: Annotated[LineState, Form()] = LineState.SUPERVISED,
    field: Annotated[list[str], Form()] = [],  # noqa: B006 - FastAPI copies it
    value: Annotated[list[str], Form()] = [],  # noqa: B006
    reason: Annotated[str, Form()] = "",
) -> Response:
    """Make the line, or a segment of it, more careful."""
    visitor.principal.require(Permission.PULL_CORD, name)
    return _change(here, visitor, name, cord.pull, state, field, value, reason, "cord-pulled")


@router.post("/lines/{name}/release")
def release(
    here: Here,
    visitor: Acting,
    name: str,
    state: Annotated[LineState, Form()] = LineState.AUTOMATIC,
    field: Annotated[list[str], Form()] = [],  # noqa: B006 - FastAPI copies it
    value: Annotated[list[str], Form()] = [],  # noqa: B006
    reason: Annotated[str, Form()] = "",
    item: Annotated[list[str], Form()] = [],  # noqa: B006
    anyway: Annotated[str, Form()] = "",
) -> Response:
    """Make the line, or a segment of it, less careful again.

    After a rule pulled, the checklist is done and the alert over.
    """
    visitor.principal.require(Permission.RELEASE_CORD, name)
    releasing = partial(alerts.release, done=item, anyway=bool(anyway))
    return _change(here, visitor, name, releasing, state, field, value, reason, "cord-released")


def _change(
    here: Console,
    visitor: Visitor,
    name: str,
    change: Callable[..., Any],
    state: LineState,
    field: Sequence[str],
    value: Sequence[str],
    reason: str,
    notice: str,
) -> Response:
    try:
        with here.database.begin() as tx:
            contract = decisions.newest_version(tx, name).description["contract"]
            segment = cord.segment_of({one: text for one, text in zip(field, value, strict=False) if one}, contract)
            change(
                tx,
                name,
                state=state,
                segment=segment,
                actor=visitor.principal.actor,
                reason=reason,
                events=here.events,
                now=here.clock.now(),
            )
    except (Invalid, ChecklistOpen) as error:
        with here.database.begin() as tx:
            return _page(here, visitor, tx, name, problem=error)
    return notices.back_to(f"/lines/{name}", notice)


def _page(
    here: Console, visitor: Visitor, tx: Tx, name: str, *, notice: str | None = None, problem: AndonError | None = None
) -> Response:
    visitor.scopes(Permission.READ_AUTOMATIONS)
    if not visitor.may(Permission.READ_AUTOMATIONS, name):
        raise AutomationNotFound(f"No automation {name!r} was ever deployed here")
    deployed, now = decisions.newest_version(tx, name), here.clock.now()
    changes = cord.in_force(tx, name)
    return here.pages.html(
        "line.html",
        status=200 if problem is None else status_of(problem),
        visitor=visitor,
        section="/",
        notice=notice,
        problem=problem,
        name=name,
        deployed=deployed,
        state=next((change.after for change in changes if not change.segment), LineState.AUTOMATIC),
        changes=changes,
        history=cord.history(tx, name, limit=20),
        revisions=gates.page(tx, name, limit=20),
        living=decisions.gates_in_force(tx, name, now),
        fields=sorted(deployed.description["contract"].get("properties", {})),
        may_pull=visitor.may(Permission.PULL_CORD, name),
        may_release=visitor.may(Permission.RELEASE_CORD, name),
        **rules_shown(tx, visitor, name, deployed),
    )
