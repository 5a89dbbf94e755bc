"""The events of monitors."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, ClassVar

from andon.cord import Scalar
from andon.kernel.events import DomainEvent
from andon.monitors.domain import Level


@dataclass(frozen=True, slots=True)
class MonitorBreached(DomainEvent):
    """A monitor found a change in one series, or found that a known change became more serious or is confirmed."""

    type: ClassVar[str] = "andon.monitor.breached"
    about: ClassVar[str] = "automation:{automation}"

    automation: Annotated[str, "Name of the automation."]
    monitor: Annotated[str, "Name of the monitor: `drift`, `calibration`, `latency` and so on."]
    series: Annotated[str, "The measured series: a feature, a class, a rule; empty if there is only one."]
    segment: Annotated[Mapping[str, Scalar], "Fields of the contract and their values; empty for the whole line."]
    arm: Annotated[str, "Name of the arm; empty if it concerns all."]
    level: Annotated[Level, "How serious it is."]
    since: Annotated[datetime, "Estimated start of the change."]
    message: Annotated[str, "The change, in a sentence."]
    expected: Annotated[float | None, "Value expected from the reference."]
    observed: Annotated[float | None, "Value observed."]
    unit: Annotated[str, "Unit of both."]
    false_alarm: Annotated[float | None, "Upper bound on the probability of such a breach in an unchanged line."]
    decisions: Annotated[int, "Number of decisions behind it."]
    detail: Annotated[Mapping[str, Any], "Further details for display, such as two histograms."]
    provisional: Annotated[bool, "Whether the line's own rhythm is still unknown, so that this may be part of it."] = (
        False
    )


@dataclass(frozen=True, slots=True)
class MonitorRecovered(DomainEvent):
    """A series of a monitor is as expected again."""

    type: ClassVar[str] = "andon.monitor.recovered"
    about: ClassVar[str] = "automation:{automation}"

    automation: Annotated[str, "Name of the automation."]
    monitor: Annotated[str, "Name of the monitor."]
    series: Annotated[str, "The measured series."]
    segment: Annotated[Mapping[str, Scalar], "Fields of the contract and their values; empty for the whole line."]
    arm: Annotated[str, "Name of the arm of the breach; empty if it concerns all."]
    message: Annotated[str, "The recovery, in a sentence."]
