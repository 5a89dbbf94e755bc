"""Change figures, named as in DORA 2025, with 95% intervals, and the time in each line state. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from andon.changes.domain import WINDOW, ActKind, ChangeRecord, LineChange, Rollback
from andon.changes.states import StateTimes
from andon.statistics.intervals import median_interval, median_of, rate_interval, share_interval

WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class ChangeRate:
    """The frequency of an event per week, with the exact Poisson interval; None for an empty span."""

    count: int
    per_week: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class ChangeShare:
    """A share of cases, with the exact binomial interval; None without cases."""

    some: int
    all: int
    share: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class ChangeSpan:
    """The median of spans of time, with the interval between order statistics, which is None for fewer than six."""

    count: int
    median: timedelta | None
    low: timedelta | None
    high: timedelta | None


@dataclass(frozen=True, slots=True)
class ChangeWeek:
    """The figures of the part of one week, Monday to Sunday in UTC, that lies in the span."""

    starts_at: datetime
    changes: int
    failed: int
    rollbacks: int
    automatic_rollbacks: int
    rework: int
    lead_time: timedelta | None
    held: timedelta


@dataclass(frozen=True, slots=True)
class ChangeFigures:
    """The change figures of one automation from `since` to `until`.

    `undecided` changes are younger than WINDOW and have not failed; `unrecovered` failures are not over.
    """

    automation: str
    since: datetime
    until: datetime
    kinds: Mapping[ActKind, int]
    frequency: ChangeRate
    lead_time: ChangeSpan
    failures: ChangeShare
    undecided: int
    recovery_time: ChangeSpan
    unrecovered: int
    automatic_rollbacks: ChangeShare
    rework: ChangeShare
    states: StateTimes

    @property
    def changes(self) -> int:
        """The number of changes."""
        return self.frequency.count


def figures_of(
    automation: str, record: ChangeRecord, states: StateTimes, since: datetime, until: datetime
) -> ChangeFigures:
    """Compute the figures of the changes made since `since` and before `until`."""
    made, undone = _within(record, since, until)
    failed = [one for one in made if one.failed]
    kinds = {kind: sum(one.kind is kind for one in made) for kind in ActKind}
    return ChangeFigures(
        automation=automation,
        since=since,
        until=until,
        kinds={kind: count for kind, count in kinds.items() if count},
        frequency=_rate(len(made), until - since),
        lead_time=_span([one.lead_time for one in made if one.lead_time is not None]),
        failures=_share(len(failed), len(made)),
        undecided=sum(not one.failed and until - one.at < WINDOW for one in made),
        recovery_time=_span([one.recovery_time for one in failed if one.recovery_time is not None]),
        unrecovered=sum(one.recovered_at is None for one in failed),
        automatic_rollbacks=_share(sum(one.automatic for one in undone), len(undone)),
        rework=_share(sum(one.rework for one in made), len(made)),
        states=states,
    )


def week_of(
    record: ChangeRecord, states: StateTimes, starts_at: datetime, since: datetime, until: datetime
) -> ChangeWeek:
    """Compute the figures of one week of a span."""
    made, undone = _within(record, since, until)
    lead_times = [one.lead_time for one in made if one.lead_time is not None]
    return ChangeWeek(
        starts_at=starts_at,
        changes=len(made),
        failed=sum(one.failed for one in made),
        rollbacks=len(undone),
        automatic_rollbacks=sum(one.automatic for one in undone),
        rework=sum(one.rework for one in made),
        lead_time=_span(lead_times).median,
        held=states.held,
    )


def _within(record: ChangeRecord, since: datetime, until: datetime) -> tuple[Sequence[LineChange], Sequence[Rollback]]:
    made = [one for one in record.changes if since <= one.at < until]
    return made, [one for one in record.rollbacks if since <= one.at < until]


def _rate(count: int, exposure: timedelta) -> ChangeRate:
    weeks = exposure / WEEK
    if weeks <= 0:
        return ChangeRate(count, None, None, None)
    return ChangeRate(count, count / weeks, *rate_interval(count, weeks))


def _share(some: int, total: int) -> ChangeShare:
    if not total:
        return ChangeShare(0, 0, None, None, None)
    return ChangeShare(some, total, some / total, *share_interval(some, total))


def _span(lengths: Sequence[timedelta]) -> ChangeSpan:
    seconds = [one.total_seconds() for one in lengths]
    middle, bounds = median_of(seconds), median_interval(seconds)
    low, high = (None, None) if bounds is None else map(_seconds, bounds)
    return ChangeSpan(len(seconds), None if middle is None else _seconds(middle), low, high)


def _seconds(length: float) -> timedelta:
    return timedelta(seconds=length)
