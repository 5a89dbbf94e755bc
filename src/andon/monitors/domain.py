"""Breaches: what a monitor saw in one series of an automation. Pure values."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from andon.cord import Segment


class Level(StrEnum):
    """How serious a breach is: a warning is looked at in working hours, a critical one at once."""

    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class MonitorFinding:
    """One breach of one series: what changed, since when, and how sure that is.

    `series` names what was measured within the monitor: a feature, a class, a rule, a tier; empty if there is one only.
    `segment` is the part of the line concerned; empty for the whole line. `since` is the estimated start of the change,
    `at` the moment of the breach. `false_alarm` is the probability bound under which an unchanged line gives such a
    breach. `expected` and `observed` are in `unit`. `detail` holds what a page shows beside it, such as two histograms.
    """

    automation: str
    monitor: str
    series: str
    segment: Segment
    arm: str
    level: Level
    since: datetime
    at: datetime
    message: str
    expected: float | None
    observed: float | None
    unit: str
    false_alarm: float | None
    decisions: int
    detail: Mapping[str, Any]

    @property
    def key(self) -> tuple[str, str, str, str]:
        """The identity of a breach: automation, monitor, series and segment."""
        segment = ",".join(f"{name}={value}" for name, value in sorted(self.segment.items()))
        return self.automation, self.monitor, self.series, segment
