"""Operations on experiments for people: start, look at, stop, adopt the winner."""

from datetime import datetime
from typing import NoReturn

from andon import decisions, policies, serving
from andon.experiments.domain import EXPERIMENTS, Experiment, ExperimentHistory, ExperimentState
from andon.experiments.errors import ExperimentNotFound, ExperimentOver, NothingToAdopt
from andon.experiments.estimates import ESTIMATES, ExperimentEstimates
from andon.experiments.moving import ExperimentMover
from andon.experiments.planning import ExperimentWish, plan
from andon.kernel import reasons
from andon.kernel.db import Tx
from andon.kernel.events import Events
from andon.kernel.identity import Actor
from andon.models import Ready
from andon.serving import Candidate, Suits
from andon.trials import SecondPersonNeeded, TrialDesk, check_arms, counts_of, free_split, require_free


def start(
    tx: Tx,
    wish: ExperimentWish,
    *,
    actor: Actor,
    reason: str,
    events: Events,
    now: datetime,
    ready: Ready | None = None,
    suits: Suits | None = None,
) -> Experiment:
    """Begin an experiment. `ready` and `suits` make sure that its arms can answer here.

    Raises ExperimentInvalid, ExperimentUnderWay, RolloutUnderWay, TrafficSplitByHand, ReasonInvalid, and not-found
    errors.
    """
    why = reasons.require(reason)
    serving.hold(tx, wish.automation)
    made = plan(tx, wish, actor=actor, reason=why, now=now)
    check_arms(tx, made.automation, made.model, made.arms, ready, suits)
    free_split(tx, made.automation, made.model)
    return ExperimentMover(tx, events, now, actor).begin(made)


def _missing(message: str) -> NoReturn:
    raise ExperimentNotFound(message)


_DESK = TrialDesk(EXPERIMENTS, "experiment", _missing)

page, running_experiments, ended_outcomes = _DESK.page, _DESK.open_ones, _DESK.ended_counts


def show(tx: Tx, automation: str, number: int | None = None) -> ExperimentHistory:
    """Return an experiment with its events; without a number the newest. Raises ExperimentNotFound."""
    found = _DESK.get(tx, automation, number)
    return ExperimentHistory(found, EXPERIMENTS.events_of(tx, found.id))


def estimates(tx: Tx, experiment: Experiment) -> ExperimentEstimates:
    """Return what an experiment has counted."""
    return ExperimentEstimates.of(counts_of(tx, experiment.id).get(ESTIMATES), len(experiment.arms))


def stop(
    tx: Tx, automation: str, number: int | None, *, actor: Actor, reason: str, events: Events, now: datetime
) -> Experiment:
    """End an experiment: all traffic to the champion. Raises ExperimentNotFound, ExperimentOver, ReasonInvalid."""
    why, found = _DESK.locked(tx, automation, number, reason)
    if not found.is_running:
        raise ExperimentOver(
            f"{found.title} is over: {found.state.value} by {found.ended_by} "
            f"at {found.ended_at:%Y-%m-%d %H:%M:%S} UTC: {found.why}"
        )
    kept = serving.split_of(tx, automation, found.model).number != found.split
    return ExperimentMover(tx, events, now, actor).withdraw_because(found, why, keep_split=kept)


def adopt(
    tx: Tx,
    automation: str,
    number: int | None,
    *,
    actor: Actor,
    reason: str,
    events: Events,
    now: datetime,
    ready: Ready | None = None,
    suits: Suits | None = None,
) -> Experiment:
    """Make the winner the champion and put its policy in force.

    Raises ExperimentNotFound, NothingToAdopt, SecondPersonNeeded, RolloutUnderWay, ExperimentUnderWay, ReasonInvalid.
    """
    why, found = _DESK.locked(tx, automation, number, reason)
    winner = _winner(tx, found)
    if found.four_eyes and decisions.is_same_person(found.started_by, actor.name):
        raise SecondPersonNeeded(f"{found.started_by} started {found.name}: somebody else must adopt its winner")
    require_free(tx, automation)
    check_arms(tx, automation, found.model, [winner], ready, suits)
    return ExperimentMover(tx, events, now, actor).adopt(found, winner, why)


def _winner(tx: Tx, experiment: Experiment) -> Candidate:
    """Return the winner that can still take over. Raises NothingToAdopt."""
    title = experiment.title
    if experiment.state is ExperimentState.ADOPTED:
        raise NothingToAdopt(f"{title} was already adopted")
    if experiment.winner is None:
        raise NothingToAdopt(f"{title} has no winner: {experiment.why}")
    if experiment.winner == experiment.arms[0]:
        raise NothingToAdopt(f"{title} was won by the arm that already decides: {experiment.why}")
    in_force = policies.in_force(tx, experiment.automation)
    now_in_force = "" if in_force is None else in_force.version
    champion = serving.champion_of(tx, experiment.model)
    if (champion, now_in_force) != (experiment.champion, experiment.in_force):
        raise NothingToAdopt(
            f"{title} compared with version {experiment.champion} by policy {experiment.in_force}; "
            f"version {champion} by policy {now_in_force} decides now"
        )
    return experiment.winner
