"""Starting an experiment: first what an answer would take at today's traffic, then the start itself."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Form, Query
from starlette.responses import Response

from andon import experiments, rollouts
from andon.access import Permission
from andon.console import notices
from andon.console.automation_view import force_of
from andon.console.candidate_choices import offered_policies, offered_versions, ready_of, suits_of
from andon.console.context import Console, Visitor
from andon.console.dependencies import Acting, Db, Here, Signed
from andon.console.errors import status_of
from andon.console.experiment_form import ExperimentForm, TypedExperiment
from andon.experiments import Experiment, ExperimentForecast, ExperimentInvalid
from andon.kernel.db import Tx
from andon.kernel.errors import AndonError, Conflict, Invalid, NotFound
from andon.models import tried_first

router = APIRouter()

_CHANGED = "The experiment differs from the one whose forecast you saw. This is the forecast now."


@dataclass(frozen=True, slots=True)
class PlannedExperiment:
    """An experiment that is not started yet, with its forecast."""

    experiment: Experiment
    forecast: ExperimentForecast

    @property
    def today(self) -> str:
        """Present figures of the measure and of the traffic."""
        return experiments.forecast_sentences(self.experiment, self.forecast)[0]


@router.get("/experiments/start")
def show(here: Here, visitor: Signed, tx: Db, automation: Annotated[str, Query(max_length=200)] = "") -> Response:
    """Show the form of one automation."""
    return _page(here, visitor, tx, automation, ExperimentForm())


@router.post("/experiments/start")
@tried_first("here")
def send(
    here: Here,
    visitor: Acting,
    typed: TypedExperiment,
    automation: Annotated[str, Form()] = "",
    step: Annotated[str, Form()] = "forecast",
) -> Response:
    """Show what an experiment takes, or start it once that was seen."""
    visitor.principal.require(Permission.READ_MODELS, automation)
    visitor.principal.require(Permission.RUN_ROLLOUT, automation)
    if typed.names_policy:
        visitor.principal.require(Permission.PUBLISH_POLICY, automation)
    seen = step == "start" and typed.seen == typed.fingerprint
    planned: PlannedExperiment | None
    try:
        with here.database.begin() as tx:
            if seen:
                started = _start(here, visitor, tx, automation, typed)
                return notices.back_to(f"/experiments/{automation}/{started.number}", "experiment-started")
            planned = _planned(here, visitor, tx, automation, typed)
            notice = _CHANGED if step == "start" else None
            return _page(here, visitor, tx, automation, typed, notice=notice, planned=planned)
    except (Invalid, Conflict, NotFound) as error:
        with here.database.begin() as tx:
            stands = seen and not isinstance(error, ExperimentInvalid | NotFound)
            planned = _planned(here, visitor, tx, automation, typed) if stands else None
            return _page(here, visitor, tx, automation, typed, problem=error, planned=planned)


def _start(here: Console, visitor: Visitor, tx: Tx, automation: str, typed: ExperimentForm) -> Experiment:
    force, now = force_of(tx, automation), here.clock.now()
    return experiments.start(
        tx,
        typed.wish(automation, force.model, now),
        actor=visitor.principal.actor,
        reason=typed.reason,
        events=here.events,
        now=now,
        ready=ready_of(here, tx, force, now),
        suits=suits_of(force),
    )


def _planned(here: Console, visitor: Visitor, tx: Tx, automation: str, typed: ExperimentForm) -> PlannedExperiment:
    now = here.clock.now()
    wish = typed.wish(automation, force_of(tx, automation).model, now)
    planned = experiments.plan(tx, wish, actor=visitor.principal.actor, reason=typed.reason, now=now)
    return PlannedExperiment(planned, experiments.forecast(tx, planned, now))


def _page(
    here: Console,
    visitor: Visitor,
    tx: Tx,
    automation: str,
    form: ExperimentForm,
    *,
    notice: str | None = None,
    problem: AndonError | None = None,
    planned: PlannedExperiment | None = None,
) -> Response:
    visitor.principal.require(Permission.READ_MODELS, automation)
    visitor.principal.require(Permission.RUN_ROLLOUT, automation)
    force = force_of(tx, automation)
    newest = next(iter(experiments.page(tx, [automation], limit=1)), None)
    rollout = next(iter(rollouts.page(tx, [automation], limit=1)), None)
    return here.pages.html(
        "experiment_start.html",
        status=status_of(problem) if problem else 200,
        visitor=visitor,
        section="/experiments",
        notice=notice,
        problem=problem,
        faults=() if problem is None else problem.faults,
        force=force,
        form=form,
        planned=planned,
        running=newest if newest is not None and newest.is_running else None,
        rollout=rollout if rollout is not None and not rollout.is_over else None,
        measures=experiments.measures_of(tx, automation),
        versions=offered_versions(tx, force),
        policies=offered_policies(tx, force, visitor),
    )
