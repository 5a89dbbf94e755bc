"""Alerts: what is wrong, where and since when, with their findings, identity and groups. Pure values and rules."""

from collections.abc import Mapping, Sequence
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

NAMED = 3
"""How many series or messages of an alert are named in its title and its sentence."""

_SEVERITY = {Level.WARNING: 1, Level.CRITICAL: 2}


class AlertState(StrEnum):
    """The states of an alert."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class AlertKey:
    """The identity of an alert: a repeat under the same key is the same alert. A drill has alerts of its own.

    What a monitor finds in one arm and segment is gathered in one alert, which has no `series`. Elsewhere the series
    identifies an alert, such as a destination, whatever the arm.
    """

    automation: str
    monitor: str
    series: str
    segment: Segment
    drill: UUID | None = None
    arm: str | None = None


@dataclass(frozen=True, slots=True)
class BadNews:
    """One sighting of something bad, from any source.

    `ends_at` is when it ends by itself, unless it is seen again. `gathered`: what is seen in other series of the same
    monitor, arm and segment belongs to the same alert. `provisional`: it may be chance, so nobody is told yet, and no
    rule applies.
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
    gathered: bool = False
    provisional: bool = False

    @property
    def key(self) -> AlertKey:
        """The key of the alert that it raises or repeats."""
        if self.gathered:
            return AlertKey(self.automation, self.monitor, "", self.segment, self.drill, self.arm)
        return AlertKey(self.automation, self.monitor, self.series, self.segment, self.drill)


_SINGULAR = {
    "actions": "action",
    "decisions": "decision",
    "events": "event",
    "standard deviations": "standard deviation",
}


@dataclass(frozen=True, slots=True)
class AlertFinding:
    """One series of an alert, from its first sighting until it recovers."""

    series: str
    level: Level
    provisional: bool
    since: datetime
    found_at: datetime
    last_seen_at: datetime
    count: int
    message: str
    expected: float | None
    observed: float | None
    unit: str
    false_alarm: float | None
    decisions: int
    detail: Mapping[str, Any]
    ended_at: datetime | None = None

    def unit_of(self, figure: float | None) -> str:
        """Return the unit that follows a figure: `1 event`, `2 events`."""
        return _SINGULAR.get(self.unit, self.unit) if figure == 1 else self.unit


@dataclass(frozen=True, slots=True)
class Alert:
    """What is wrong in one place, from its first finding until it is resolved.

    `level` is the highest one that was reached. `done` is what Andon has already done about it; `changed` is what has
    not been sent yet. `series` is empty if the findings of several series are gathered.
    """

    id: UUID
    automation: str
    monitor: str
    series: str
    segment: Segment
    arm: str
    level: Level
    raised_at: datetime
    findings: tuple[AlertFinding, ...]
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

    @property
    def state(self) -> AlertState:
        """Its current state."""
        if self.resolved_at is not None:
            return AlertState.RESOLVED
        return AlertState.OPEN if self.acknowledged_at is None else AlertState.ACKNOWLEDGED

    @property
    def standing(self) -> tuple[AlertFinding, ...]:
        """The findings that did not recover, the worst first; once it is resolved, all of them."""
        shown = [one for one in self.findings if self.resolved_at is not None or one.ended_at is None]
        return tuple(sorted(shown, key=lambda one: (one.provisional, -severity(one.level), one.found_at)))

    @property
    def unsent(self) -> tuple[AlertFinding, ...]:
        """The findings that were seen after it was last sent; all that stand if there is none."""
        standing, sent_at = self.standing, self.sent_at
        return tuple(one for one in standing if sent_at is None or one.last_seen_at > sent_at) or standing

    @property
    def provisional(self) -> bool:
        """Whether nothing of it is more than provisional."""
        return all(one.provisional for one in self.standing)

    @property
    def standing_level(self) -> Level | None:
        """The highest level of what did not recover; None if that is at most provisional."""
        return max((one.level for one in self.standing if not one.provisional), key=severity, default=None)

    @property
    def since(self) -> datetime:
        """The estimated start of the first change."""
        return min(one.since for one in self.findings)

    @property
    def last_seen_at(self) -> datetime:
        """When anything of it was seen last."""
        return max(one.last_seen_at for one in self.findings)

    @property
    def count(self) -> int:
        """How often it was seen: as often as the finding that was seen most."""
        return max(one.count for one in self.findings)

    @property
    def message(self) -> str:
        """What is wrong, in a few sentences."""
        return named([one.message for one in self.standing], "; ")

    @property
    def title(self) -> str:
        """A short title."""
        where = f" ({shown_segment(self.segment)})" if self.segment else ""
        series = [one.series for one in self.standing if one.series]
        of = f" of {named(series, ', ')}" if series else ""
        return f"{self.monitor}{of}: {self.automation or 'Andon'}{where}"

    def finding(self, series: str) -> AlertFinding | None:
        """Return the finding of a series, if there is one."""
        return next((one for one in self.findings if one.series == series), None)


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


def seen(known: AlertFinding | None, news: BadNews, now: datetime) -> AlertFinding:
    """Return a finding after one more sighting: the newest figures, the earliest start, the highest level."""
    lasting = known if known is not None and known.ended_at is None else None
    return AlertFinding(
        series=news.series,
        level=news.level if lasting is None else max(lasting.level, news.level, key=severity),
        provisional=news.provisional and (lasting is None or lasting.provisional),
        since=news.since if lasting is None else min(lasting.since, news.since),
        found_at=now if known is None else known.found_at,
        last_seen_at=now if known is None else max(known.last_seen_at, now),
        count=1 if known is None else known.count + 1,
        message=news.message,
        expected=news.expected,
        observed=news.observed,
        unit=news.unit,
        false_alarm=news.false_alarm,
        decisions=news.decisions,
        detail=news.detail or {},
    )


def raised(finding: AlertFinding, news: BadNews, identifier: UUID, group: UUID, now: datetime) -> Alert:
    """Return a new alert for a first finding."""
    return Alert(
        id=identifier,
        automation=news.automation,
        monitor=news.monitor,
        series=news.key.series,
        segment=news.segment,
        arm=news.arm,
        level=news.level,
        raised_at=now,
        findings=(finding,),
        done=(),
        ends_at=news.ends_at,
        alert_group=group,
        incident=None,
        drill=news.drill,
        changed=False,
    )


def sighted(known: Alert, finding: AlertFinding, news: BadNews) -> Alert:
    """Return an open alert with one of its findings as it is now."""
    others = tuple(one for one in known.findings if one.series != finding.series)
    level = max(known.level, news.level, key=severity)
    return replace(known, findings=(*others, finding), level=level, ends_at=news.ends_at)


def named(texts: Sequence[str], between: str) -> str:
    """Return the first few texts, and how many more there are."""
    more = len(texts) - NAMED
    return between.join(texts[:NAMED]) + (f" and {more} more" if more > 0 else "")


def shown_segment(segment: Segment) -> str:
    """Return a segment as text: `country=AT, amount=5`; empty for the whole line."""
    return ", ".join(f"{name}={value}" for name, value in sorted(segment.items()))
