"""Operations on rollouts for people: start, show, approve, pause, resume, abort, promote."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import NoReturn

from andon import decisions, models, policies, serving
from andon.authoring import Automation, RolloutPlan
from andon.kernel import reasons
from andon.kernel.db import Tx
from andon.kernel.errors import Fault
from andon.kernel.events import Events
from andon.kernel.identity import Actor
from andon.kernel.ids import uuid7
from andon.models import Ready
from andon.rollouts.declared import require_measures
from andon.rollouts.domain import ROLLOUTS, Rollout, RolloutHistory, RolloutState
from andon.rollouts.errors import RolloutInvalid, RolloutNotFound, RolloutNotThere, RolloutOver
from andon.rollouts.gates import require_gate
from andon.rollouts.moving import RolloutMover
from andon.serving import Candidate, Suits
from andon.trials import SecondPersonNeeded, TrialDesk, check_arms, free_split, require_unsplit


@dataclass(frozen=True, slots=True)
class RolloutWish:
    """The requested candidate: a model version, a policy version, a gate's threshold, or several of these.

    Omitted parts stay unchanged.
    """

    automation: str
    model: str
    version: int | None
    policy: str
    plan: RolloutPlan
    gate: float | None = None


def start(
    tx: Tx,
    wish: RolloutWish,
    *,
    actor: Actor,
    reason: str,
    events: Events,
    now: datetime,
    ready: Ready | None = None,
    suits: Suits | None = None,
    declared: Automation | None = None,
) -> Rollout:
    """Begin a rollout, or let it wait for its approval.

    `ready` and `suits` make sure that the candidate can answer here. `declared` is the code, if it is here: by it a
    gate of the candidate is proven that no process has loaded yet.

    Raises RolloutInvalid, GateInvalid, RolloutUnderWay, ExperimentUnderWay, TrafficSplitByHand, ModelNotFound,
    VersionNotFound, PolicyNotFound, ReasonInvalid.
    """
    why = reasons.require(reason)
    decisions.require_deployed(tx, wish.automation)
    require_measures(tx, wish.automation, wish.plan)
    candidate, champion, in_force = _candidate(tx, wish)
    check_arms(tx, wish.automation, wish.model, [candidate], ready, suits)
    serving.hold(tx, wish.automation)
    split = free_split(tx, wish.automation, wish.model)
    made = Rollout(
        id=uuid7(now),
        automation=wish.automation,
        number=ROLLOUTS.next_number(tx, wish.automation),
        model=wish.model,
        arms=(Candidate(champion), candidate),
        champion=champion,
        in_force=in_force,
        unit=wish.plan.unit,
        dead_man=wish.plan.dead_man,
        four_eyes=wish.plan.four_eyes,
        plan=wish.plan,
        state=RolloutState.AWAITING_APPROVAL,
        stage_at=now,
        split=split.number,
        shadows_before=split.shadows,
        started_by=actor.name,
        reason=why,
        created_at=now,
        why="It waits for its approval",
    )
    require_gate(tx, made, declared=declared, events=events, now=now)
    mover = RolloutMover(tx, events, now, actor)
    added = mover.add(made)
    return added if wish.plan.approval else mover.begin(added, why)


def _missing(message: str) -> NoReturn:
    raise RolloutNotFound(message)


_DESK = TrialDesk(ROLLOUTS, "rollout", _missing)

page, open_rollouts, ended_counts = _DESK.page, _DESK.open_ones, _DESK.ended_counts


def show(tx: Tx, automation: str, number: int | None = None) -> RolloutHistory:
    """Return a rollout with its events; without a number the newest. Raises RolloutNotFound."""
    found = _DESK.get(tx, automation, number)
    return RolloutHistory(found, ROLLOUTS.events_of(tx, found.id))


def lease_end(tx: Tx, rollout: Rollout) -> datetime | None:
    """Return until when an unwatched candidate may have traffic; None if the rollout is over."""
    lease = serving.leases(tx).get(rollout.automation)
    return None if lease is None or not rollout.is_watched else lease.expires_at


def approve(
    tx: Tx, automation: str, number: int | None, *, actor: Actor, reason: str, events: Events, now: datetime
) -> Rollout:
    """Approve a rollout that waits for it.

    Raises RolloutNotFound, RolloutNotThere, SecondPersonNeeded, ReasonInvalid.
    """
    why, rollout = _locked(tx, automation, number, reason)
    _require(rollout, RolloutState.AWAITING_APPROVAL)
    _require_second(rollout, actor)
    current = serving.split_of(tx, automation, rollout.model)
    require_unsplit(current)
    return RolloutMover(tx, events, now, actor).approve(replace(rollout, split=current.number), why)


def pause(
    tx: Tx, automation: str, number: int | None, *, actor: Actor, reason: str, events: Events, now: datetime
) -> Rollout:
    """Let a rollout stay at its stage. Raises RolloutNotFound, RolloutOver, RolloutNotThere, ReasonInvalid."""
    why, rollout = _locked(tx, automation, number, reason)
    _require(rollout, RolloutState.RUNNING)
    return RolloutMover(tx, events, now, actor).pause(rollout, why)


def resume(
    tx: Tx, automation: str, number: int | None, *, actor: Actor, reason: str, events: Events, now: datetime
) -> Rollout:
    """Let a paused rollout continue. Raises RolloutNotFound, RolloutOver, RolloutNotThere, ReasonInvalid."""
    why, rollout = _locked(tx, automation, number, reason)
    _require(rollout, RolloutState.PAUSED)
    return RolloutMover(tx, events, now, actor).resume(rollout, why)


def abort(
    tx: Tx, automation: str, number: int | None, *, actor: Actor, reason: str, events: Events, now: datetime
) -> Rollout:
    """End a rollout: all traffic to the champion. Raises RolloutNotFound, RolloutOver, ReasonInvalid."""
    why, rollout = _locked(tx, automation, number, reason)
    kept = serving.split_of(tx, automation, rollout.model).number != rollout.split
    return RolloutMover(tx, events, now, actor).abort(rollout, why, keep_split=kept)


def promote(
    tx: Tx,
    automation: str,
    number: int | None,
    *,
    actor: Actor,
    reason: str,
    events: Events,
    now: datetime,
    suits: Suits | None = None,
) -> Rollout:
    """Let the candidate take over now, whatever the tests show. Raises as `pause` does, and SecondPersonNeeded."""
    why, rollout = _locked(tx, automation, number, reason)
    _require(rollout, RolloutState.RUNNING, RolloutState.PAUSED)
    _require_second(rollout, actor)
    if suits is not None and rollout.candidate.policy:
        suits(policies.get(tx, automation, rollout.candidate.policy))
    return RolloutMover(tx, events, now, actor).promote(rollout, why, {"by_hand": True})


def _candidate(tx: Tx, wish: RolloutWish) -> tuple[Candidate, int, str]:
    """Return the candidate, the champion and the policy in force. Raises RolloutInvalid."""
    champion = serving.champion_of(tx, wish.model)
    in_force = policies.in_force(tx, wish.automation)
    if champion is None or in_force is None:
        raise RolloutInvalid(f"{wish.automation} decides nothing yet: there is nothing to compare a candidate with")
    if wish.policy:
        policies.get(tx, wish.automation, wish.policy)
    own = "" if wish.policy == in_force.version else wish.policy
    candidate = Candidate(champion if wish.version is None else wish.version, own, wish.gate)
    models.get(tx, wish.model, candidate.version)
    if candidate == Candidate(champion):
        message = f"Version {champion} by policy {in_force.version} already decides"
        raise RolloutInvalid(message, faults=[Fault("model", message)])
    return candidate, champion, in_force.version


def _locked(tx: Tx, automation: str, number: int | None, reason: str) -> tuple[str, Rollout]:
    """Return the reason and the locked rollout; without a number the newest."""
    why, found = _DESK.locked(tx, automation, number, reason)
    if found.is_over:
        raise RolloutOver(
            f"{found.title} is over: {found.state.value.replace('_', ' ')} "
            f"by {found.ended_by} at {found.ended_at:%Y-%m-%d %H:%M:%S} UTC: {found.why}"
        )
    return why, found


def _require(rollout: Rollout, *states: RolloutState) -> None:
    if rollout.state not in states:
        raise RolloutNotThere(f"{rollout.title} is {rollout.state.value.replace('_', ' ')}")


def _require_second(rollout: Rollout, actor: Actor) -> None:
    if rollout.four_eyes and decisions.is_same_person(rollout.started_by, actor.name):
        raise SecondPersonNeeded(f"{rollout.started_by} started {rollout.name}: somebody else must do that")
