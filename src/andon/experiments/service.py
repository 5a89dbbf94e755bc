"""What people do with experiments: start, look at, stop, adopt the winner."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from andon import decisions, models, policies, rollouts, serving
from andon.experiments import store
from andon.experiments.domain import (
    BUILT_IN,
    MOST_ARMS,
    AllocationKind,
    Direction,
    Experiment,
    ExperimentHistory,
    ExperimentState,
    equal_shares,
)
from andon.experiments.errors import (
    ExperimentInvalid,
    ExperimentNotFound,
    ExperimentOver,
    ExperimentUnderWay,
    NothingToAdopt,
)
from andon.experiments.estimates import ExperimentEstimates
from andon.experiments.moving import ExperimentMover
from andon.kernel import reasons
from andon.kernel.db import Tx
from andon.kernel.errors import Fault
from andon.kernel.events import Events
from andon.kernel.identity import Actor
from andon.kernel.ids import uuid7
from andon.models import Ready
from andon.serving import Candidate, SplitUnit, Suits


@dataclass(frozen=True, slots=True)
class ExperimentWish:
    """What somebody wants to find out. What decides now takes part whether it is named or not; `shares` are percents."""

    automation: str
    model: str
    arms: Sequence[Candidate]
    measure: str
    better: Direction
    allocation: AllocationKind = "fixed"
    unit: SplitUnit | None = None
    shares: Mapping[Candidate, float] = field(default_factory=dict)
    most_decisions: int | None = None
    until: datetime | None = None


def plan(tx: Tx, wish: ExperimentWish, *, actor: Actor, reason: str, now: datetime) -> Experiment:
    """Make the experiment that a wish would start; nothing is written. Raises ExperimentInvalid and what is not found."""
    decisions.require_deployed(tx, wish.automation)
    champion = serving.champion_of(tx, wish.model)
    in_force = policies.in_force(tx, wish.automation)
    if champion is None or in_force is None:
        raise ExperimentInvalid(f"{wish.automation} decides nothing yet: there is nothing to compare with")
    control = Candidate(champion)
    named = [replace_policy(one, in_force.version) for one in wish.arms]
    arms = (control, *dict.fromkeys(one for one in named if one != control))
    for arm in arms:
        models.get(tx, wish.model, arm.version)
        if arm.policy:
            policies.get(tx, wish.automation, arm.policy)
    unit: SplitUnit = "decision" if wish.allocation == "thompson" else wish.unit or "subject"
    given = {replace_policy(one, in_force.version): share for one, share in wish.shares.items()}
    faults = [*_faults(tx, wish, arms, now), *_share_faults(given, arms, wish)]
    if faults:
        raise ExperimentInvalid(faults=faults)
    declared = rollouts.plan_of(tx, wish.automation)
    split = serving.split_of(tx, wish.automation, wish.model)
    return Experiment(
        id=uuid7(now),
        automation=wish.automation,
        number=store.next_number(tx, wish.automation),
        model=wish.model,
        arms=arms,
        champion=champion,
        in_force=in_force.version,
        measure=wish.measure,
        better=wish.better,
        allocation=wish.allocation,
        unit=unit,
        most_decisions=wish.most_decisions,
        until=wish.until,
        dead_man=declared.dead_man,
        four_eyes=declared.four_eyes,
        shares=_shares(given, arms),
        allocated_at=now,
        state=ExperimentState.RUNNING,
        split=split.number,
        shadows_before=split.shadows,
        started_by=actor.name,
        reason=reason,
        created_at=now,
        ended_at=None,
        ended_by=None,
        why="Nothing was decided yet",
        winner=None,
    )


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

    Raises ExperimentInvalid, ExperimentUnderWay, RolloutUnderWay, TrafficSplitByHand, ReasonInvalid, and what is not found.
    """
    why = reasons.require(reason)
    serving.hold(tx, wish.automation)
    made = plan(tx, wish, actor=actor, reason=why, now=now)
    _check_arms(tx, made, ready, suits)
    _require_free(tx, made.automation)
    split = serving.split_of(tx, made.automation, made.model)
    if split.shares:
        raise rollouts.TrafficSplitByHand(
            f"{made.automation} is split ({split.summary}), by {split.set_by}: {split.reason}. "
            f"End that first: `andon split set {made.automation} --reason ...`"
        )
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
            f"{found.started_by} started experiment {found.number} of {automation}: somebody else adopts its winner"
        )
    _require_free(tx, automation)
    _check_arms(tx, replace(found, arms=(winner,)), ready, suits)
    return ExperimentMover(tx, events, now, actor).adopt(found, winner, why)


def replace_policy(one: Candidate, in_force: str) -> Candidate:
    """Return a candidate that follows the policy in force where it names that one."""
    return Candidate(one.version) if one.policy == in_force else one


def _winner(tx: Tx, experiment: Experiment) -> Candidate:
    """The winner that can still take over. Raises NothingToAdopt."""
    title = f"Experiment {experiment.number} of {experiment.automation}"
    if experiment.state is ExperimentState.ADOPTED:
        raise NothingToAdopt(f"{title} was adopted already")
    if experiment.winner is None:
        raise NothingToAdopt(f"{title} has no winner: {experiment.why}")
    if experiment.winner == experiment.arms[0]:
        raise NothingToAdopt(f"{title} was won by what decides already: {experiment.why}")
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
        if ready is not None:
            ready(models.get(tx, experiment.model, arm.version))
        if suits is not None and arm.policy:
            suits(policies.get(tx, experiment.automation, arm.policy))


def _require_free(tx: Tx, automation: str) -> None:
    """That neither an experiment nor a rollout of the automation is under way; hold its split first."""
    running = store.find_open(tx, automation)
    if running is not None:
        raise ExperimentUnderWay(
            f"Experiment {running.number} of {automation} is under way, started by {running.started_by}: "
            f"{running.reason}. Stop it, or wait until it is over"
        )
    newest = next(iter(rollouts.page(tx, [automation], limit=1)), None)
    if newest is not None and not newest.state.is_over:
        raise rollouts.RolloutUnderWay(
            f"Rollout {newest.number} of {automation} is under way, started by {newest.started_by}: "
            f"{newest.reason}. Abort it, or wait until it is over"
        )


def _faults(tx: Tx, wish: ExperimentWish, arms: Sequence[Candidate], now: datetime) -> list[Fault]:
    found = []
    if len(arms) < 2:
        found.append(Fault("arms", "Name an arm beside what decides now: VERSION or VERSION+POLICY"))
    if len(arms) > MOST_ARMS:
        found.append(Fault("arms", f"At most {MOST_ARMS} arms, what decides now among them"))
    if wish.allocation == "thompson" and wish.unit == "subject":
        found.append(Fault("unit", "Thompson sampling draws each decision by itself"))
    if wish.until is not None and wish.until <= now:
        found.append(Fault("until", "This moment has passed"))
    deployed = decisions.version_in_force(tx, wish.automation)
    declared = [] if deployed is None else deployed.description.get("measures", [])
    known = [one["name"] for one in declared if one.get("value") is not None]
    if wish.measure not in (*BUILT_IN, *known):
        found.append(Fault("measure", f"{wish.measure!r} is none of {', '.join((*BUILT_IN, *known))}"))
    if wish.measure in BUILT_IN:
        right = "higher" if wish.measure == "automatic" else "lower"
        if wish.better != right:
            found.append(Fault("better", f"Of {wish.measure}, {right} is better"))
    return found


def _share_faults(given: Mapping[Candidate, float], arms: Sequence[Candidate], wish: ExperimentWish) -> list[Fault]:
    found = []
    if given and wish.allocation == "thompson":
        found.append(Fault("shares", "Thompson sampling begins with equal shares and sets them itself"))
    for arm, share in given.items():
        if arm not in arms:
            found.append(Fault(f"shares.{arm}", "This is no arm of the experiment"))
        elif not 0.01 <= share < 100 or round(share, 2) != share:
            found.append(Fault(f"shares.{arm}", "A share is a percent between 0 and 100 with at most two decimals"))
    total = sum(given.values())
    if total > 100 or (set(given) >= set(arms) and round(total, 2) != 100) or (set(given) < set(arms) and total >= 100):
        found.append(Fault("shares", f"The shares add up to {total:g} percent; every arm needs some, and 100 in all"))
    return found


def _shares(given: Mapping[Candidate, float], arms: Sequence[Candidate]) -> tuple[float, ...]:
    """Compute the percent of each arm; those without one share the rest equally, the control has what that leaves over."""
    if not given:
        return equal_shares(len(arms))
    others = [arm for arm in arms if arm not in given]
    each = int((100 - sum(given.values())) * 100 / len(others)) / 100 if others else 0.0
    shares = {arm: given.get(arm, each) for arm in arms}
    if arms[0] not in given:
        shares[arms[0]] = round(100 - sum(shares[arm] for arm in arms[1:]), 2)
    return tuple(shares[arm] for arm in arms)


def _locked(tx: Tx, automation: str, number: int | None, reason: str) -> tuple[str, Experiment]:
    """The reason and the experiment, which nobody else moves meanwhile; without a number the newest."""
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
