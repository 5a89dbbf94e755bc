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
    """An alert was raised, or its level rose; a repeat at the same level is no event."""

    type: ClassVar[str] = "andon.alert.raised"
    about: ClassVar[str] = "alert:{id}"

    id: Annotated[UUID, "Id of the alert."]
    automation: Annotated[str, "Name of the automation; empty if it concerns none."]
    monitor: Annotated[str, "Name of the monitor."]
    series: Annotated[str, "What it measures; empty if there is one only."]
    segment: Annotated[Mapping[str, Scalar], "Fields of the contract and their values; empty for the whole line."]
    level: Annotated[Level, "How serious it is."]
    level_before: Annotated[Level | None, "Level until then; null for a new alert."]
    since: Annotated[datetime, "Estimated start of the change."]
    message: Annotated[str, "What changed, in a sentence."]
    false_alarm: Annotated[float | None, "Upper bound on the probability that an unchanged line causes such a breach."]
    done: Annotated[Sequence[str], "What Andon did already, in sentences."]
    drill: Annotated[bool, "Whether it belongs to a drill, so that nothing is wrong."]


@dataclass(frozen=True, slots=True)
class AlertResolved(DomainEvent):
    """An alert is over: its cause recovered, or a person said so."""

    type: ClassVar[str] = "andon.alert.resolved"
    about: ClassVar[str] = "alert:{id}"

    id: Annotated[UUID, "Id of the alert."]
    automation: Annotated[str, "Name of the automation; empty if it concerns none."]
    monitor: Annotated[str, "Name of the monitor."]
    series: Annotated[str, "What it measures; empty if there is one only."]
    segment: Annotated[Mapping[str, Scalar], "Fields of the contract and their values; empty for the whole line."]
    by: Annotated[str, "Who or what resolved it."]
    reason: Annotated[str, "Why."]
    drill: Annotated[bool, "Whether it belonged to a drill."]
