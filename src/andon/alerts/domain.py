"""Alerts: what is wrong, where and since when, their identity and their groups. Pure values and rules."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from andon.cord import Segment
from andon.monitors import Level

GATHERED = timedelta(minutes=5)
"""An alert raised within this time after the last one of its automation joins the same group."""

LONGEST_GROUP = timedelta(hours=1)
"""A group takes no further alerts after this time from its first one."""

FIRST_WAIT = timedelta(seconds=5)
"""A group waits this long for further alerts before it is sent."""

AGAIN_WAIT = timedelta(minutes=5)
"""Less urgent changes of a group are sent no sooner than this after the last message."""

_SEVERITY = {Level.WARNING: 1, Level.CRITICAL: 2}


class AlertState(StrEnum):
    """The states of an alert."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class AlertKey:
    """The identity of an alert: a repeat under the same key is the same alert. A drill has alerts of its own."""

    automation: str
    monitor: str
    series: str
    segment: Segment
    drill: UUID | None = None


@dataclass(frozen=True, slots=True)
class BadNews:
    """One sighting of something bad, from any source.

    `ends_at` is when it ends by itself, unless it is seen again.
    """

    automation: str
    monitor: str
    series: str
    segment: Segment
    level: Level
    since: datetime
    message: str
    arm: str = ""
    expected: float | None = None
    observed: float | None = None
    unit: str = ""
    false_alarm: float | None = None
    decisions: int = 0
    detail: Mapping[str, Any] | None = None
    ends_at: datetime | None = None
    done: tuple[str, ...] = ()
    drill: UUID | None = None

    @property
    def key(self) -> AlertKey:
        """The key of the alert that it raises or repeats."""
        return AlertKey(self.automation, self.monitor, self.series, self.segment, self.drill)


_SINGULAR = {
    "actions": "action",
    "decisions": "decision",
    "events": "event",
    "standard deviations": "standard deviation",
}


@dataclass(frozen=True, slots=True)
class Alert:
    """A breach from its first sighting until it is resolved.

    `done` is what Andon has already done about it; `changed` is what has not been sent yet.
    """

    id: UUID
    automation: str
    monitor: str
    series: str
    segment: Segment
    arm: str
    level: Level
    since: datetime
    raised_at: datetime
    last_seen_at: datetime
    count: int
    message: str
    expected: float | None
    observed: float | None
    unit: str
    false_alarm: float | None
    decisions: int
    detail: Mapping[str, Any]
    done: tuple[str, ...]
    ends_at: datetime | None
    alert_group: UUID
    incident: UUID | None
    drill: UUID | None
    changed: bool
    sent_at: datetime | None = None
    acknowledged_by: str | None = None
    acknowledged_at: datetime | None = None
    resolved_by: str | None = None
    resolved_at: datetime | None = None
    resolution: str | None = None

    def unit_of(self, figure: float | None) -> str:
        """Return the unit that follows a figure: `1 event`, `2 events`."""
        return _SINGULAR.get(self.unit, self.unit) if figure == 1 else self.unit

    @property
    def state(self) -> AlertState:
        """Its current state."""
        if self.resolved_at is not None:
            return AlertState.RESOLVED
        return AlertState.OPEN if self.acknowledged_at is None else AlertState.ACKNOWLEDGED

    @property
    def key(self) -> AlertKey:
        """Its identity while it is open."""
        return AlertKey(self.automation, self.monitor, self.series, self.segment, self.drill)

    @property
    def title(self) -> str:
        """A short title."""
        where = f" ({shown_segment(self.segment)})" if self.segment else ""
        series = f" of {self.series}" if self.series else ""
        return f"{self.monitor}{series}: {self.automation or 'Andon'}{where}"


@dataclass(frozen=True, slots=True)
class AlertGroup:
    """Alerts of one automation raised close together, sent as one message. `due_at` is when it is to be sent."""

    id: UUID
    automation: str
    opened_at: datetime
    joined_at: datetime
    drill: UUID | None = None
    due_at: datetime | None = None
    sent_at: datetime | None = None

    def takes(self, news: BadNews, now: datetime) -> bool:
        """Return whether a new alert joins it."""
        same = (self.automation, self.drill) == (news.automation, news.drill)
        return same and now - self.joined_at <= GATHERED and now - self.opened_at <= LONGEST_GROUP


def severity(level: Level) -> int:
    """Return 1 for a warning, 2 for a critical alert."""
    return _SEVERITY[level]


def rises(before: Level | None, after: Level) -> bool:
    """Return whether a sighting is news to a person: the first one, or one of a higher level."""
    return before is None or severity(after) > severity(before)


def due_at(group: AlertGroup, now: datetime, *, urgent: bool) -> datetime:
    """Return when to send a changed group: soon if it was never sent or the change is urgent.

    This never postpones a planned message.
    """
    wanted = now + FIRST_WAIT
    if not urgent and group.sent_at is not None:
        wanted = max(wanted, group.sent_at + AGAIN_WAIT)
    return wanted if group.due_at is None else min(wanted, group.due_at)


def first_seen(news: BadNews, identifier: UUID, group: UUID, now: datetime) -> Alert:
    """Return a new alert for a first sighting."""
    return Alert(
        id=identifier,
        automation=news.automation,
        monitor=news.monitor,
        series=news.series,
        segment=news.segment,
        arm=news.arm,
        level=news.level,
        since=news.since,
        raised_at=now,
        last_seen_at=now,
        count=1,
        message=news.message,
        expected=news.expected,
        observed=news.observed,
        unit=news.unit,
        false_alarm=news.false_alarm,
        decisions=news.decisions,
        detail=news.detail or {},
        done=news.done,
        ends_at=news.ends_at,
        alert_group=group,
        incident=None,
        drill=news.drill,
        changed=True,
    )


def seen_again(known: Alert, news: BadNews, now: datetime) -> Alert:
    """Return an open alert after one more sighting: the newest figures, the earliest start, the highest level.

    A higher level cancels an acknowledgement, as nobody has acknowledged that level.
    """
    higher = rises(known.level, news.level)
    again = replace(
        known,
        arm=news.arm,
        since=min(known.since, news.since),
        last_seen_at=max(known.last_seen_at, now),
        count=known.count + 1,
        message=news.message,
        expected=news.expected,
        observed=news.observed,
        unit=news.unit,
        false_alarm=news.false_alarm,
        decisions=news.decisions,
        detail=news.detail or {},
        ends_at=news.ends_at,
    )
    if not higher:
        return again
    done = (*known.done, *(text for text in news.done if text not in known.done))
    return replace(again, level=news.level, changed=True, acknowledged_by=None, acknowledged_at=None, done=done)


def shown_segment(segment: Segment) -> str:
    """Return a segment as text: `country=AT, amount=5`; empty for the whole line."""
    return ", ".join(f"{name}={value}" for name, value in sorted(segment.items()))
