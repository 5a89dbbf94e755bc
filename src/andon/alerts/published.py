"""The events of alerts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, ClassVar
from uuid import UUID

from andon.cord import Scalar
from andon.kernel.events import DomainEvent
from andon.monitors import Level


@dataclass(frozen=True, slots=True)
class AlertRaised(DomainEvent):
    """An alert was raised, its level rose, or it is no longer provisional. Repeats and further findings have none."""

    type: ClassVar[str] = "andon.alert.raised"
    about: ClassVar[str] = "alert:{id}"

    id: Annotated[UUID, "Id of the alert."]
    automation: Annotated[str, "Name of the automation; empty if it concerns none."]
    monitor: Annotated[str, "Name of the monitor."]
    series: Annotated[str, "The measured series in which it was found; empty if there is only one."]
    arm: Annotated[str, "Name of the arm; empty if it concerns all."]
    segment: Annotated[Mapping[str, Scalar], "Fields of the contract and their values; empty for the whole line."]
    level: Annotated[Level, "How serious it is."]
    level_before: Annotated[Level | None, "Previous level; null for a new alert."]
    provisional: Annotated[bool, "Whether it may be part of the line's own rhythm: then nothing is done about it."]
    since: Annotated[datetime, "Estimated start of the change."]
    message: Annotated[str, "The change, in a sentence."]
    false_alarm: Annotated[float | None, "Upper bound on the probability of such a breach in an unchanged line."]
    done: Annotated[Sequence[str], "What Andon has already done about it, in sentences."]
    drill: Annotated[bool, "Whether it belongs to a drill and nothing is wrong."]


@dataclass(frozen=True, slots=True)
class AlertResolved(DomainEvent):
    """An alert was resolved: its cause recovered, or a person resolved it."""

    type: ClassVar[str] = "andon.alert.resolved"
    about: ClassVar[str] = "alert:{id}"

    id: Annotated[UUID, "Id of the alert."]
    automation: Annotated[str, "Name of the automation; empty if it concerns none."]
    monitor: Annotated[str, "Name of the monitor."]
    arm: Annotated[str, "Name of the arm; empty if it concerns all."]
    segment: Annotated[Mapping[str, Scalar], "Fields of the contract and their values; empty for the whole line."]
    by: Annotated[str, "Who or what resolved it."]
    reason: Annotated[str, "Why."]
    drill: Annotated[bool, "Whether it belonged to a drill."]
