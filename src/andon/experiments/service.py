"""Operations on experiments for people: start, look at, stop, adopt the winner."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from andon import decisions, models, policies, rollouts, serving
from andon.experiments import store
from andon.experiments.domain import (
    Experiment,
    ExperimentHistory,
    ExperimentState,
)
from andon.experiments.errors import (
    ExperimentNotFound,
    ExperimentOver,
    NothingToAdopt,
)
from andon.experiments.estimates import ExperimentEstimates
from andon.experiments.moving import ExperimentMover
from andon.experiments.planning import ExperimentWish, plan
from andon.kernel import reasons
from andon.kernel.db import Tx
from andon.kernel.events import Events
from andon.kernel.identity import Actor
from andon.models import Ready
from andon.serving import Candidate, Suits
from andon.trials import ExperimentUnderWay, end_command, require_unsplit


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
    _check_arms(tx, made, ready, suits)
    _require_free(tx, made.automation)
    split = serving.split_of(tx, made.automation, made.model)
    require_unsplit(tx, split)
    return ExperimentMover(tx, events, now, actor).begin(made)


def show(tx: Tx, automation: str, number: int | None = None) -> ExperimentHistory:
    """Return an experiment with its events; without a number the newest. Raises ExperimentNotFound."""
    if number is None:
        newest = store.page(tx, [automation], limit=1)
        found = newest[0] if newest else None
    else:
        found = store.find(tx, automation, number)
    if found is None:
        raise _not_found(automation, number)
    return ExperimentHistory(found, store.events_of(tx, found.id))


def estimates(tx: Tx, experiment: Experiment) -> ExperimentEstimates:
    """Return what an experiment has counted."""
    return ExperimentEstimates.of(store.estimates_of(tx, experiment.id), len(experiment.arms))


def page(tx: Tx, automations: Sequence[str] | None = None, *, limit: int = 50) -> Sequence[Experiment]:
    """Return experiments of some automations, or of all; newest first."""
    return store.page(tx, automations, limit=limit)


def running_experiments(tx: Tx) -> Sequence[Experiment]:
    """Return the experiments of all automations that are not over."""
    return store.running_experiments(tx)


def ended_outcomes(tx: Tx) -> Sequence[tuple[str, str, int]]:
    """Return how many experiments of each automation ended in each way."""
    return store.ended_outcomes(tx)


def stop(
    tx: Tx, automation: str, number: int | None, *, actor: Actor, reason: str, events: Events, now: datetime
) -> Experiment:
    """End an experiment: all traffic to the champion. Raises ExperimentNotFound, ExperimentOver, ReasonInvalid."""
    why, found = _locked(tx, automation, number, reason)
    if not found.is_running:
        raise ExperimentOver(
            f"Experiment {found.number} of {automation} is over: {found.state.value} by {found.ended_by} "
            f"at {found.ended_at:%Y-%m-%d %H:%M:%S} UTC: {found.why}"
        )
    kept = serving.split_of(tx, automation, found.model).number != found.split
    return ExperimentMover(tx, events, now, actor).stop(found, why, keep_split=kept)


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
    why, found = _locked(tx, automation, number, reason)
    winner = _winner(tx, found)
    if found.four_eyes and decisions.is_same_person(found.started_by, actor.name):
        raise rollouts.SecondPersonNeeded(
            f"{found.started_by} started experiment {found.number} of {automation}: somebody else must adopt its winner"
        )
    _require_free(tx, automation)
    _check_arms(tx, replace(found, arms=(winner,)), ready, suits)
    return ExperimentMover(tx, events, now, actor).adopt(found, winner, why)


def _winner(tx: Tx, experiment: Experiment) -> Candidate:
    """Return the winner that can still take over. Raises NothingToAdopt."""
    title = f"Experiment {experiment.number} of {experiment.automation}"
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


def _check_arms(tx: Tx, experiment: Experiment, ready: Ready | None, suits: Suits | None) -> None:
    for arm in experiment.arms:
        version = models.get(tx, experiment.model, arm.version)
        models.require_same_score(tx, version)
        if ready is not None:
            ready(version)
        if suits is not None and arm.policy:
            suits(policies.get(tx, experiment.automation, arm.policy))


def _require_free(tx: Tx, automation: str) -> None:
    """Require that no experiment or rollout of the automation is under way; lock its split first."""
    running = store.find_open(tx, automation)
    if running is not None:
        end = end_command("experiment", automation, running.number)
        raise ExperimentUnderWay(
            f"Experiment {running.number} of {automation} is under way, started by {running.started_by}: "
            f"{running.reason}. Wait until it is over, or end it: `{end}`"
        )
    newest = next(iter(rollouts.page(tx, [automation], limit=1)), None)
    if newest is not None and not newest.state.is_over:
        raise rollouts.RolloutUnderWay(
            f"Rollout {newest.number} of {automation} is under way, started by {newest.started_by}: "
            f"{newest.reason}. Wait until it is over, or end it: `{end_command('rollout', automation, newest.number)}`"
        )


def _locked(tx: Tx, automation: str, number: int | None, reason: str) -> tuple[str, Experiment]:
    """Return the reason and the locked experiment; without a number the newest."""
    why = reasons.require(reason)
    wanted = show(tx, automation, number).experiment.number
    found = store.find(tx, automation, wanted, for_update=True)
    if found is None:
        raise _not_found(automation, number)
    serving.hold(tx, automation)
    return why, found


def _not_found(automation: str, number: int | None) -> ExperimentNotFound:
    if number is None:
        return ExperimentNotFound(f"{automation} never had an experiment")
    return ExperimentNotFound(f"{automation} has no experiment {number}")
