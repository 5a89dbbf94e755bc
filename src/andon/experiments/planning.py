"""Planning: a requested experiment, checked and completed; nothing is written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from andon import decisions, models, policies, rollouts, serving
from andon.experiments.domain import (
    BUILT_IN,
    EXPERIMENTS,
    MOST_ARMS,
    AllocationKind,
    Direction,
    Experiment,
    ExperimentState,
    equal_shares,
    usual_direction,
)
from andon.experiments.errors import (
    ExperimentInvalid,
)
from andon.kernel.db import Tx
from andon.kernel.errors import Fault
from andon.kernel.identity import Actor
from andon.kernel.ids import uuid7
from andon.serving import Candidate, SplitUnit


@dataclass(frozen=True, slots=True)
class ExperimentWish:
    """The wish for an experiment. The present champion always takes part; `shares` are percents."""

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
    """Return the experiment that a wish would start, without writing. Raises ExperimentInvalid and not-found errors."""
    decisions.require_deployed(tx, wish.automation)
    champion = serving.champion_of(tx, wish.model)
    in_force = policies.in_force(tx, wish.automation)
    if champion is None or in_force is None:
        raise ExperimentInvalid(f"{wish.automation} decides nothing yet: there is nothing to compare with")
    control = Candidate(champion)
    named = [_named(one, in_force.version) for one in wish.arms]
    arms = (control, *dict.fromkeys(one for one in named if one != control))
    for arm in arms:
        models.get(tx, wish.model, arm.version)
        if arm.policy:
            policies.get(tx, wish.automation, arm.policy)
    unit: SplitUnit = "decision" if wish.allocation == "thompson" else wish.unit or "subject"
    given = {_named(one, in_force.version): share for one, share in wish.shares.items()}
    faults = [*_faults(tx, wish, arms, now), *_share_faults(given, arms, wish)]
    if faults:
        raise ExperimentInvalid(faults=faults)
    declared = rollouts.plan_of(tx, wish.automation)
    split = serving.split_of(tx, wish.automation, wish.model)
    return Experiment(
        id=uuid7(now),
        automation=wish.automation,
        number=EXPERIMENTS.next_number(tx, wish.automation),
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
        why="Nothing was decided yet",
    )


def measures_of(tx: Tx, automation: str) -> list[str]:
    """Return the measures that can compare arms of an automation: the built-in ones, then its own."""
    deployed = decisions.version_in_force(tx, automation)
    declared = [] if deployed is None else deployed.description.get("measures", [])
    return [*BUILT_IN, *(one["name"] for one in declared)]


def _named(one: Candidate, in_force: str) -> Candidate:
    """Return a candidate that follows the policy in force where it names that one."""
    return Candidate(one.version) if one.policy == in_force else one


def _faults(tx: Tx, wish: ExperimentWish, arms: Sequence[Candidate], now: datetime) -> list[Fault]:
    found = []
    if len(arms) < 2:
        found.append(Fault("arms", "Name an arm to compare with what decides now: VERSION or VERSION+POLICY"))
    if len(arms) > MOST_ARMS:
        found.append(Fault("arms", f"At most {MOST_ARMS} arms, including what decides now"))
    if any(arm.gate is not None for arm in arms):
        found.append(Fault("arms", "An arm has no gate of its own here: `andon rollout start` compares gates"))
    if wish.allocation == "thompson" and wish.unit == "subject":
        found.append(Fault("unit", "Thompson sampling draws each decision separately"))
    if wish.until is not None and wish.until <= now:
        found.append(Fault("until", "This time has passed"))
    known, usual = measures_of(tx, wish.automation), usual_direction(wish.measure)
    if wish.measure not in known:
        found.append(Fault("measure", f"{wish.measure!r} is not one of {', '.join(known)}"))
    if usual not in (None, wish.better):
        found.append(Fault("better", f"For {wish.measure}, {usual} is better"))
    return found


def _share_faults(given: Mapping[Candidate, float], arms: Sequence[Candidate], wish: ExperimentWish) -> list[Fault]:
    found = []
    if given and wish.allocation == "thompson":
        found.append(Fault("shares", "Thompson sampling begins with equal shares and sets them itself"))
    for arm, share in given.items():
        if arm not in arms:
            found.append(Fault(f"shares.{arm}", "This is not an arm of the experiment"))
        elif not 0.01 <= share < 100 or round(share, 2) != share:
            found.append(Fault(f"shares.{arm}", "A share is a percentage between 0 and 100 with at most two decimals"))
    total = sum(given.values())
    if total > 100 or (set(given) >= set(arms) and round(total, 2) != 100) or (set(given) < set(arms) and total >= 100):
        found.append(Fault("shares", f"The shares add up to {total:g} percent; every arm needs some, and 100 in all"))
    return found


def _shares(given: Mapping[Candidate, float], arms: Sequence[Candidate]) -> tuple[float, ...]:
    """Compute the percent of each arm; arms without one share the rest equally, and the control gets the remainder."""
    if not given:
        return equal_shares(len(arms))
    others = [arm for arm in arms if arm not in given]
    each = int((100 - sum(given.values())) * 100 / len(others)) / 100 if others else 0.0
    shares = {arm: given.get(arm, each) for arm in arms}
    if arms[0] not in given:
        shares[arms[0]] = round(100 - sum(shares[arm] for arm in arms[1:]), 2)
    return tuple(shares[arm] for arm in arms)
