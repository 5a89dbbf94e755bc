"""Findings and states of the series that monitors watch. Pure values."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Self, TypeAlias

from andon.cord import Segment

SeriesKey: TypeAlias = tuple[str, str, str, str]
"""Monitor, series, arm (empty if it concerns all) and segment, as `segment_json` writes it."""


class Level(StrEnum):
    """The severity of a breach: a warning is handled in working hours, a critical one immediately."""

    WARNING = "warning"
    CRITICAL = "critical"


class MonitorState(StrEnum):
    """The state of a series: as expected, one of the two levels, or unable to say anything."""

    GOOD = "good"
    WARNING = "warning"
    CRITICAL = "critical"
    SILENT = "silent"

    @property
    def severity(self) -> int:
        """0 for good and silent, 1 for warning, 2 for critical."""
        return {MonitorState.WARNING: 1, MonitorState.CRITICAL: 2}.get(self, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One look of a monitor at one series. `message` describes it; if it is silent, why nothing can be concluded.

    `low` and `high` are a 95% interval of the observed value. `false_alarm` is the p-value bound behind the state.
    `provisional` means that the line's own rhythm is not known yet and may be the cause.
    """

    monitor: str
    series: str = ""
    segment: Segment = field(default_factory=dict)
    arm: str = ""
    state: MonitorState
    message: str
    expected: float | None = None
    observed: float | None = None
    low: float | None = None
    high: float | None = None
    unit: str = ""
    false_alarm: float | None = None
    decisions: int = 0
    since: datetime | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)
    provisional: bool = False

    @classmethod
    def silent(cls, monitor: str, message: str, series: str = "", **more: Any) -> Self:
        """Return an observation from which nothing can be concluded, with the reason."""
        return cls(monitor=monitor, series=series, state=MonitorState.SILENT, message=message, **more)

    @property
    def key(self) -> SeriesKey:
        """The identity of the series within its automation."""
        return self.monitor, self.series, self.arm, segment_json(self.segment)


@dataclass(frozen=True, slots=True)
class SeriesStatus:
    """The present state of one series of a monitor.

    `state` is in force: a breach lasts until the series is good again, even while it is silent. `since` is the best
    estimate of its beginning. `reason` is the message of the last judgement. `decisions` are those behind the observed
    value. A `provisional` breach may be the rhythm of the line, which is not known yet.
    """

    automation: str
    monitor: str
    series: str
    segment: Segment
    arm: str
    state: MonitorState
    reason: str
    unit: str
    observed: float | None
    expected: float | None
    low: float | None
    high: float | None
    false_alarm: float | None
    decisions: int
    since: datetime
    judged_at: datetime
    detail: Mapping[str, Any]
    provisional: bool = False


@dataclass(frozen=True, slots=True)
class TrendPoint:
    """One window of one arm, for a plot: values of its series by name, and the decisions behind each.

    `complete` is true if the window has ended.
    """

    starts_at: datetime
    hours: int
    arm: str
    decisions: int
    complete: bool
    values: Mapping[str, float]


def segment_json(segment: Segment) -> str:
    """Write a segment as text; equal segments have equal texts."""
    return json.dumps(dict(segment), sort_keys=True, separators=(",", ":"))
