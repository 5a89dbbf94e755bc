"""A rollout: a candidate that takes over an automation stage by stage, and its history. Pure values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from andon.authoring import RolloutPlan
from andon.serving import Candidate, arm_of
from andon.trials import salt_of


class RolloutState(StrEnum):
    """The states of a rollout. The last four are final."""

    AWAITING_APPROVAL = "awaiting_approval"
    RUNNING = "running"
    PAUSED = "paused"
    PROMOTED = "promoted"
    ABORTED = "aborted"
    ROLLED_BACK = "rolled_back"
    COMPLETED = "completed"

    @property
    def is_over(self) -> bool:
        """Whether the state is final."""
        return self in (self.PROMOTED, self.ABORTED, self.ROLLED_BACK, self.COMPLETED)

    @property
    def is_watched(self) -> bool:
        """Whether a worker watches it."""
        return self in (self.RUNNING, self.PAUSED)


@dataclass(frozen=True, slots=True)
class RolloutStage:
    """One stage: the candidate's percent of traffic, and that of the stage after it; None after the last."""

    number: int
    share: float
    following: float | None

    @property
    def is_shadow(self) -> bool:
        """Whether the candidate runs only as a shadow."""
        return self.share == 0.0

    @property
    def is_last(self) -> bool:
        """Whether the candidate takes over after this stage, or the rollout ends without traffic."""
        return self.following is None or self.following == 100.0


@dataclass(frozen=True, slots=True)
class Rollout:
    """One rollout. `champion` and `in_force` decided when it was started; `split` is the number of its newest split.

    `why` says what it waits for, or why it ended.
    """

    id: UUID
    automation: str
    number: int
    model: str
    candidate: Candidate
    champion: int
    in_force: str
    plan: RolloutPlan
    state: RolloutState
    stage: int
    stage_at: datetime
    split: int
    shadows_before: tuple[Candidate, ...]
    started_by: str
    reason: str
    created_at: datetime
    approved_by: str | None
    ended_at: datetime | None
    ended_by: str | None
    why: str
    shadowed_to: int
    seen: int = 0
    """Decisions of the candidate in this stage; in the first stage, those that it saw as a shadow."""

    @property
    def name(self) -> str:
        """Its name in sentences and as a consumer of the feed."""
        return f"rollout {self.number} of {self.automation}"

    @property
    def consumer(self) -> str:
        """The name under which it reads the feed."""
        return f"rollouts/{self.automation}/{self.number}"

    @property
    def salt(self) -> str:
        """The salt of its splits, so that every rollout draws its units afresh."""
        return salt_of("rollout", self.automation, self.number)

    @property
    def arm(self) -> str:
        """The arm of the candidate."""
        return arm_of(self.model, self.candidate, in_force=self.in_force)

    @property
    def control(self) -> str:
        """The arm with which it is compared."""
        return arm_of(self.model, Candidate(self.champion), in_force=self.in_force)

    @property
    def at(self) -> RolloutStage:
        """Its stage."""
        stages = self.plan.stages
        following = stages[self.stage + 1] if self.stage + 1 < len(stages) else None
        return RolloutStage(self.stage, stages[self.stage], following)


@dataclass(frozen=True, slots=True)
class RolloutEvent:
    """One step of a rollout: its actor and reason, and the state before and after."""

    number: int
    at: datetime
    kind: str
    state_before: RolloutState | None
    state_after: RolloutState
    stage_before: int | None
    stage_after: int
    by: str
    reason: str
    evidence: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RolloutHistory:
    """A rollout with its events, oldest first."""

    rollout: Rollout
    events: Sequence[RolloutEvent]
