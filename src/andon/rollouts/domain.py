"""A rollout: a candidate that takes over an automation stage by stage, and its history."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, Self

from andon.authoring import RolloutPlan
from andon.serving import Candidate
from andon.trials import TrafficTrial, TrialEvent, TrialStore


class RolloutState(StrEnum):
    """The states of a rollout. The last four are final."""

    AWAITING_APPROVAL = "awaiting_approval"
    RUNNING = "running"
    PAUSED = "paused"
    PROMOTED = "promoted"
    ABORTED = "aborted"
    ROLLED_BACK = "rolled_back"
    COMPLETED = "completed"


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollout(TrafficTrial):
    """One rollout: its second arm is the candidate. `seen` counts its decisions in this stage.

    In the first stage these are the ones that it saw as a shadow, up to the transaction `shadowed_to`.
    """

    kind: ClassVar[str] = "rollout"
    states: ClassVar[type[StrEnum]] = RolloutState

    state: RolloutState
    plan: RolloutPlan
    stage: int = 0
    stage_at: datetime
    approved_by: str | None = None
    shadowed_to: int = 0

    @property
    def candidate(self) -> Candidate:
        """What may take over."""
        return self.arms[1]

    @property
    def arm(self) -> str:
        """The arm of the candidate."""
        return self.arm_names[1]

    @property
    def control(self) -> str:
        """The arm with which it is compared."""
        return self.arm_names[0]

    @property
    def split_since(self) -> datetime:
        """Since when processes have to follow its arms."""
        return self.stage_at

    @property
    def at(self) -> RolloutStage:
        """Its stage."""
        stages = self.plan.stages
        following = stages[self.stage + 1] if self.stage + 1 < len(stages) else None
        return RolloutStage(self.stage, stages[self.stage], following)

    def own(self) -> dict[str, Any]:
        """Return what only a rollout has, as JSON values."""
        own = {name: getattr(self, name) for name in ("stage", "approved_by", "shadowed_to")}
        return {**own, "plan": self.plan.described(), "stage_at": self.stage_at.isoformat()}

    @classmethod
    def read(cls, common: Mapping[str, Any], own: Mapping[str, Any]) -> Self:
        """Read one from its common fields, and from what `own` wrote."""
        plan, stage_at = RolloutPlan.from_description(own["plan"]), datetime.fromisoformat(own["stage_at"])
        return cls(**{**common, **own, "plan": plan, "stage_at": stage_at})


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutEvent(TrialEvent):
    """One step of a rollout, and the stage before and after."""

    stage_before: int | None
    stage_after: int


@dataclass(frozen=True, slots=True)
class RolloutHistory:
    """A rollout with its events, oldest first."""

    rollout: Rollout
    events: Sequence[RolloutEvent]


ROLLOUTS = TrialStore(Rollout, RolloutEvent)
"""The rows of rollouts."""
