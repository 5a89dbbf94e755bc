"""The change figures, changes and weeks of an automation, computed from the rows of other slices."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from andon import decisions
from andon.changes.blaming import blame
from andon.changes.counting import count_changes
from andon.changes.domain import LineChange, Rollback
from andon.changes.figures import WEEK, ChangeFigures, ChangeWeek, figures_of, week_of
from andon.changes.history import Sees, history_of
from andon.changes.states import times_of
from andon.kernel.db import Tx


@dataclass(frozen=True, slots=True)
class ChangeAccount:
    """The figures of one automation, its weeks (oldest first), and its changes and rollbacks (newest first)."""

    figures: ChangeFigures
    weeks: Sequence[ChangeWeek]
    changes: Sequence[LineChange]
    rollbacks: Sequence[Rollback]


def account_of(tx: Tx, automation: str, *, since: datetime, now: datetime, sees: Sees | None = None) -> ChangeAccount:
    """Return the figures of one automation since a moment, or since its first release if that was later.

    Raises AutomationNotFound.
    """
    history = history_of(tx, automation, sees)
    record = blame(count_changes(history), history)
    released_at = history.releases[0].released_at if history.releases else now
    begin = min(max(since, released_at), now)
    weeks = [
        week_of(record, times_of(history.states, first, last), monday, first, last)
        for monday, first, last in _weeks(begin, now)
    ]
    return ChangeAccount(
        figures=figures_of(automation, record, times_of(history.states, begin, now), begin, now),
        weeks=weeks,
        changes=[one for one in reversed(record.changes) if begin <= one.at < now],
        rollbacks=[one for one in reversed(record.rollbacks) if begin <= one.at < now],
    )


def figures(
    tx: Tx, *, since: datetime, now: datetime, automations: Sequence[str] | None = None
) -> Sequence[ChangeFigures]:
    """Return the figures of these automations, or of all, by name."""
    names = [one for one in decisions.automations(tx) if automations is None or one in automations]
    return [account_of(tx, name, since=since, now=now).figures for name in names]


def _weeks(begin: datetime, end: datetime) -> Iterator[tuple[datetime, datetime, datetime]]:
    """Return each week of a span: its Monday, and the beginning and end of its part in the span."""
    midnight = begin.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    monday = midnight - timedelta(days=midnight.weekday())
    while monday < end:
        yield monday, max(monday, begin), min(monday + WEEK, end)
        monday += WEEK
