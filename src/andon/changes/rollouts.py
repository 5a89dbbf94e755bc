"""Rollouts as changes: when a candidate first got traffic, and which acts were part of the rollout."""

from dataclasses import dataclass
from datetime import datetime

from andon import rollouts
from andon.kernel.db import Tx
from andon.models import Alias
from andon.policies import PolicySetting
from andon.rollouts import Rollout, RolloutState
from andon.serving import TrafficSplit

EVERY = 1_000_000
"""A limit beyond all trials of an automation."""


@dataclass(frozen=True, slots=True)
class RolloutTrace:
    """One rollout. `traffic_at` is when its candidate first got traffic; None if it never did."""

    rollout: Rollout
    traffic_at: datetime | None

    @property
    def promoted_at(self) -> datetime | None:
        """The moment when its candidate took over."""
        return self.rollout.ended_at if self.rollout.state is RolloutState.PROMOTED else None

    @property
    def withdrawn_at(self) -> datetime | None:
        """The moment when its candidate lost its traffic: aborted by a person, or rolled back by the tests."""
        lost = (RolloutState.ABORTED, RolloutState.ROLLED_BACK)
        return self.rollout.ended_at if self.rollout.state in lost else None

    def lasted(self, moment: datetime) -> bool:
        """Return whether it was running at a moment."""
        ended_at = self.rollout.ended_at
        return self.rollout.created_at <= moment and (ended_at is None or moment < ended_at)

    def made(self, act: TrafficSplit | Alias | PolicySetting) -> bool:
        """Return whether an act was a step of it."""
        if isinstance(act, TrafficSplit):
            return _is_of(act, self.rollout)
        if act.set_at != self.promoted_at or act.set_by != self.rollout.ended_by:
            return False
        candidate = self.rollout.candidate
        if isinstance(act, Alias):
            return (act.name, act.number) == (self.rollout.model, candidate.version)
        return act.version == candidate.policy


def traces_of(tx: Tx, automation: str, splits: list[TrafficSplit]) -> list[RolloutTrace]:
    """Read the rollouts of an automation, oldest first, given all its splits."""
    return [_trace(one, splits) for one in reversed(rollouts.page(tx, [automation], limit=EVERY))]


def _trace(rollout: Rollout, splits: list[TrafficSplit]) -> RolloutTrace:
    own = [one.set_at for one in splits if one.shares and one.set_at is not None and _is_of(one, rollout)]
    promoted_at = rollout.ended_at if rollout.state is RolloutState.PROMOTED else None
    return RolloutTrace(rollout, min(own, default=promoted_at))


def _is_of(split: TrafficSplit, rollout: Rollout) -> bool:
    """Return whether a rollout made a split: it has the rollout's salt, and is not newer than the rollout's last split.

    A split by hand keeps the salt but is newer.
    """
    return split.salt == rollout.salt and split.number <= rollout.split
