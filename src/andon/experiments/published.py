"""The event of experiments."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from andon.kernel.events import DomainEvent


@dataclass(frozen=True, slots=True)
class ExperimentMoved(DomainEvent):
    """An experiment was started, decided, stopped or adopted, or its traffic was reallocated."""

    type: ClassVar[str] = "andon.experiment.moved"
    about: ClassVar[str] = "automation:{automation}"

    automation: Annotated[str, "Name of the automation."]
    number: Annotated[int, "Number of the experiment."]
    kind: Annotated[str, "What happened: start, allocate, decide, end, stop or adopt."]
    state: Annotated[str, "The experiment's state now."]
    shares: Annotated[dict[str, float], "Current percentage of the traffic of each arm."]
    winner: Annotated[str | None, "The arm that is shown to be better than all others, if any."]
    by: Annotated[str, "Who did it."]
    reason: Annotated[str, "Why."]
