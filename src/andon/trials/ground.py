"""The ground of a trial: the split, the champion and the policy that it began with, and the lease of its traffic."""

from dataclasses import dataclass
from datetime import datetime

from andon import policies, serving
from andon.kernel.db import Tx
from andon.trials.domain import TrafficTrial

RENEWED_AT = 2 / 3
"""A lease is renewed when less than this part of it is left."""


@dataclass(frozen=True, slots=True)
class ChangedGround:
    """A change that ends a trial. `by_split`: somebody else split the traffic, and that split stays."""

    reason: str
    by_split: bool


def changed_ground(tx: Tx, trial: TrafficTrial) -> ChangedGround | None:
    """Return what changed under a trial: another split, another champion, another policy in force."""
    split = serving.split_of(tx, trial.automation, trial.model)
    if split.number != trial.split:
        return ChangedGround(f"{split.set_by} has since split the traffic: {split.reason}", by_split=True)
    champion = serving.champion_of(tx, trial.model)
    if champion != trial.champion:
        return ChangedGround(f"The champion of {trial.model} is now version {champion}", by_split=False)
    in_force = policies.in_force(tx, trial.automation)
    now_in_force = "" if in_force is None else in_force.version
    if now_in_force != trial.in_force:
        return ChangedGround(f"Policy {now_in_force} has since been put in force", by_split=False)
    return None


def lease_runs_out(tx: Tx, trial: TrafficTrial, now: datetime) -> bool:
    """Tell whether the lease of a trial's split is to be renewed now, so that its traffic stays."""
    lease = serving.leases(tx).get(trial.automation)
    return lease is None or lease.split != trial.split or lease.expires_at - now < RENEWED_AT * trial.dead_man
