"""The page on which a policy is tried on the newest decisions before anybody publishes it."""

from typing import Annotated

from fastapi import APIRouter, Form
from starlette.responses import Response

from andon import policies
from andon.access import Permission
from andon.console.automation_view import force_of
from andon.console.context import Console, Visitor
from andon.console.dependencies import Acting, Here, Signed
from andon.console.errors import status_of
from andon.kernel.errors import AndonError, Conflict, Invalid, NotFound
from andon.replays import EARLIEST, SECONDS, ReplayQuestion, ReplayReport, TriedPolicy

router = APIRouter(prefix="/automations")

NEWEST = 5000
"""The most decisions on which a policy is tried."""


class NothingToTryWith(NotFound):
    """This console was started without the project's code, so policies cannot be tried here."""


@router.get("/{name}/policy")
def show(here: Here, visitor: Signed, name: str) -> Response:
    """Show the policy in force, to be changed and tried."""
    _check(visitor, name)
    return _page(here, visitor, name, _in_force(here, name))


@router.post("/{name}/policy")
def try_policy(here: Here, visitor: Acting, name: str, text: Annotated[str, Form()] = "") -> Response:
    """Decide the newest decisions by the policy in a text, and show the report."""
    _check(visitor, name)
    if here.rehearse is None:
        raise NothingToTryWith
    written = text.replace("\r\n", "\n")
    try:
        policy = TriedPolicy(written, "the text")
        report = here.rehearse(ReplayQuestion(name, EARLIEST, here.clock.now(), last=NEWEST, policy=policy))
    except (Invalid, Conflict) as error:
        return _page(here, visitor, name, written, error=error)
    return _page(here, visitor, name, written, report=report)


def _check(visitor: Visitor, name: str) -> None:
    visitor.principal.require(Permission.READ_MODELS, name)
    visitor.principal.require(Permission.READ_DECISIONS, name)


def _in_force(here: Console, name: str) -> str:
    with here.database.begin() as tx:
        force = force_of(tx, name)
        published = policies.in_force(tx, name)
    return str(force.version.description["policy"]) if published is None else published.text


def _page(
    here: Console,
    visitor: Visitor,
    name: str,
    text: str,
    *,
    report: ReplayReport | None = None,
    error: AndonError | None = None,
) -> Response:
    return here.pages.html(
        "policy_try.html",
        status=status_of(error) if error else 200,
        visitor=visitor,
        section="/endpoints",
        problem=None if error is None or error.faults else error,
        faults=() if error is None else error.faults,
        name=name,
        text=text,
        report=report,
        links=True,
        newest=NEWEST,
        seconds=SECONDS,
    )
