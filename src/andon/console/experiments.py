"""Experiments: the list of all, and one with its arms, the better arm, and the history of shares and estimates."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Form, Path
from starlette.responses import Response

from andon import decisions, experiments
from andon.access import Permission
from andon.console import notices
from andon.console.automation_view import force_of
from andon.console.candidate_choices import ready_of, suits_of
from andon.console.context import Console, Visitor
from andon.console.dependencies import Acting, Db, Here, Signed
from andon.console.errors import status_of
from andon.console.paging import PAGE
from andon.experiments import EstimatePoint, Experiment, ExperimentInvalid, ExperimentState
from andon.kernel.db import Tx
from andon.kernel.errors import AndonError, Conflict, Invalid
from andon.models import tried_first
from andon.rollouts import SecondPersonNeeded

router = APIRouter()

ExperimentNumber = Annotated[int, Path(ge=1, le=1_000_000_000)]

_PERMISSIONS = {"stop": Permission.RUN_ROLLOUT, "adopt": Permission.APPROVE_ROLLOUT}


@router.get("/experiments")
def show_list(here: Here, visitor: Signed, tx: Db) -> Response:
    """Show the experiments of the automations that the visitor may see."""
    found = experiments.page(tx, visitor.scopes(Permission.READ_MODELS), limit=PAGE)
    return here.pages.html(
        "experiments.html",
        visitor=visitor,
        section="/experiments",
        experiments=found,
        startable=[name for name in decisions.automations(tx) if visitor.may(Permission.RUN_ROLLOUT, name)],
    )


@router.get("/experiments/{automation}/{number}")
def show(here: Here, visitor: Signed, tx: Db, automation: str, number: ExperimentNumber, done: str = "") -> Response:
    """One experiment."""
    return _page(here, visitor, tx, automation, number, notice=notices.text(done))


@router.get("/live/experiments/{automation}/{number}")
def live(here: Here, visitor: Signed, tx: Db, automation: str, number: ExperimentNumber) -> Response:
    """Show the part of one experiment that is fetched again every few seconds."""
    return here.pages.html("experiment_live.html", visitor=visitor, **_shown(visitor, tx, automation, number))


@router.post("/experiments/{automation}/{number}")
@tried_first("here")
def change(
    here: Here,
    visitor: Acting,
    automation: str,
    number: ExperimentNumber,
    what: Annotated[str, Form()] = "",
    reason: Annotated[str, Form()] = "",
) -> Response:
    """Stop it or adopt its winner, with a reason."""
    try:
        if what not in _PERMISSIONS:
            raise ExperimentInvalid("Choose an action with one of the buttons")
        visitor.principal.require(Permission.READ_MODELS, automation)
        visitor.principal.require(_PERMISSIONS[what], automation)
        with here.database.begin() as tx:
            _change(here, visitor, tx, automation, number, what, reason)
    except (Invalid, Conflict, SecondPersonNeeded) as error:
        with here.database.begin() as tx:
            return _page(here, visitor, tx, automation, number, problem=error, reason=reason)
    return notices.back_to(f"/experiments/{automation}/{number}", f"experiment-{what}")


def _change(here: Console, visitor: Visitor, tx: Tx, automation: str, number: int, what: str, reason: str) -> None:
    given: dict[str, Any] = {
        "actor": visitor.principal.actor,
        "reason": reason,
        "events": here.events,
        "now": here.clock.now(),
    }
    if what == "stop":
        experiments.stop(tx, automation, number, **given)
        return
    force = force_of(tx, automation)
    ready = ready_of(here, tx, force, given["now"])
    experiments.adopt(tx, automation, number, ready=ready, suits=suits_of(force), **given)


def _shown(visitor: Visitor, tx: Tx, automation: str, number: int) -> dict[str, Any]:
    """Return the live values of one experiment."""
    visitor.principal.require(Permission.READ_MODELS, automation)
    history = experiments.show(tx, automation, number)
    one = history.experiment
    counted = experiments.estimates(tx, one)
    arms = zip(one.titles, one.shares, counted.arms, experiments.arm_estimates(one, counted), strict=True)
    return {
        "experiment": one,
        "arms": list(arms),
        "pairs": experiments.pair_estimates(one, counted),
        "value": lambda value: experiments.value_text(one, value) or "–",
        "columns": columns_of(one, counted.path),
        "history": list(reversed(history.events))[:PAGE],
        "may_read_decisions": visitor.may(Permission.READ_DECISIONS, automation),
    }


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
    shown = _shown(visitor, tx, automation, number)
    one: Experiment = shown["experiment"]
    adopts = one.state is ExperimentState.DECIDED and one.winner != one.arms[0]
    offered = ["stop"] if one.is_running else ["adopt"] if adopts else []
    return here.pages.html(
        "experiment.html",
        status=200 if problem is None else status_of(problem),
        visitor=visitor,
        section="/experiments",
        notice=notice,
        problem=problem,
        reason=reason,
        offered=[what for what in offered if visitor.may(_PERMISSIONS[what], automation)],
        **shown,
    )


def columns_of(experiment: Experiment, path: Sequence[EstimatePoint]) -> dict[str, Any]:
    """Return the points of both plots; rates in percent."""
    scale = 100 if experiments.is_share(experiment) else 1
    places = range(len(experiment.arms))

    def column(name: str, place: int) -> list[float | None]:
        found = [getattr(point, name)[place] for point in path]
        return [None if value is None else scale * value for value in found]

    return {
        "names": experiment.titles,
        "at": [point.at.timestamp() for point in path],
        "shares": [[point.shares[place] for point in path] for place in places],
        "values": [column("values", place) for place in places],
        "lows": [column("lows", place) for place in places],
        "highs": [column("highs", place) for place in places],
    }
