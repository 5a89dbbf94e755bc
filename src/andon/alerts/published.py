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
    """An alert was raised, or its level rose; a repeat at the same level has no event."""

    type: ClassVar[str] = "andon.alert.raised"
    about: ClassVar[str] = "alert:{id}"

    id: Annotated[UUID, "Id of the alert."]
    automation: Annotated[str, "Name of the automation; empty if it concerns none."]
    monitor: Annotated[str, "Name of the monitor."]
    series: Annotated[str, "The measured series; empty if there is only one."]
    segment: Annotated[Mapping[str, Scalar], "Fields of the contract and their values; empty for the whole line."]
    level: Annotated[Level, "How serious it is."]
    level_before: Annotated[Level | None, "Previous level; null for a new alert."]
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
    series: Annotated[str, "The measured series; empty if there is only one."]
    segment: Annotated[Mapping[str, Scalar], "Fields of the contract and their values; empty for the whole line."]
    by: Annotated[str, "Who or what resolved it."]
    reason: Annotated[str, "Why."]
    drill: Annotated[bool, "Whether it belonged to a drill."]
