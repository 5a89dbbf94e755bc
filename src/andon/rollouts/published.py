"""The event of rollouts."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from andon.kernel.events import DomainEvent


@dataclass(frozen=True, slots=True)
class RolloutMoved(DomainEvent):
    """A rollout was started, approved, paused or resumed, went to its next stage, or ended."""

    type: ClassVar[str] = "andon.rollout.moved"
    about: ClassVar[str] = "automation:{automation}"

    automation: Annotated[str, "Name of the automation."]
    number: Annotated[int, "Number of the rollout."]
    arm: Annotated[str, "The candidate's arm."]
    kind: Annotated[
        str, "What happened: start, begin, approve, pause, resume, advance, promote, complete, abort or roll_back."
    ]
    state: Annotated[str, "The rollout's state now."]
    share: Annotated[float, "Percentage of the traffic that the candidate has now."]
    by: Annotated[str, "Who did it."]
    reason: Annotated[str, "Why."]
