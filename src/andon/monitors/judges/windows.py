"""The judged window, with the first windows of each arm and the label sums. Pure."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from math import log2

from andon.monitors.domain import MonitorState, SeriesKey
from andon.monitors.references import ModelReference
from andon.monitors.sums import Sums, total
from andon.monitors.watching import WatchedAutomation
from andon.spending import Spend
from andon.statistics.dispersion import LEAST as FEWEST_WINDOWS

FIRST_PERIOD = 14
"""The number of first windows of an arm that show its natural variance."""

PERIOD = timedelta(days=90)
HOUR = timedelta(hours=1)

FEWEST = 200
"""The fewest decisions of a judged window."""

FEWEST_LABELS = 50
"""The fewest labels for judging a window by them."""


@dataclass(frozen=True)
class StandingBreach:
    """A series that is already in breach: its state and what was shown then."""

    state: MonitorState
    provisional: bool
    figures: Mapping[str, object]


@dataclass(frozen=True)
class ArmWindow:
    """One arm in the window, and its own first windows, oldest first, without the judged one."""

    arm: str
    model: str
    version: int
    sums: Sums
    first: Sequence[Sums]
    reference: ModelReference | None
    early: bool = False
    """Whether the first windows are shorter than they will be, so that the hours of a day may be the difference."""

    @property
    def decisions(self) -> int:
        """The number of decisions of the window."""
        return int(self.sums.get("decisions", 0))

    @property
    def seen(self) -> int:
        """The number of decisions of the window that were read whole."""
        return int(self.sums.get("seen", 0))


@dataclass(frozen=True)
class JudgedWindow:
    """The input of all judges. `arms` are in order, most decisions first; `labels` are those of the window, by arm.

    `labels` reach further back if the window alone has too few. `began` is when the line began, if it has features that
    fill with time.
    """

    watched: WatchedAutomation
    since: datetime
    until: datetime
    arms: Sequence[ArmWindow]
    labels: Mapping[str, Sums]
    labels_since: datetime
    first_labels: Sequence[Sums]
    began: datetime | None = None
    spend: Sequence[Spend] = ()
    breaches: Mapping[SeriesKey, StandingBreach] = field(default_factory=dict)

    @cached_property
    def level(self) -> float:
        """The probability of a false alarm that one monitor may have in this window."""
        span = self.watched.monitors.window
        looks = max(PERIOD / span, 1.0) + log2(span / HOUR)
        return self.watched.monitors.false_alarms / looks

    @property
    def arm_level(self) -> float:
        """The same of one arm."""
        return self.level / len(self.arms)

    @cached_property
    def all_labels(self) -> Sums:
        """The label sums over all arms."""
        return total(self.labels.values())

    def filling(self, name: str | None) -> str | None:
        """Return why a feature, or the score (None), is not comparable yet because its windows were not full at first.

        Returns None if they were. A day may begin before the line did, which says nothing of its windows.
        """
        if self.began is None:
            return None
        full_at = self.watched.full_at(name, self.began)
        if max(self.since, self.began) >= full_at:
            return None
        return f"its windows are full from {full_at:%Y-%m-%d %H:%M} UTC on"


def last_end(began: datetime | None, span: timedelta, now: datetime) -> datetime:
    """Return the end of the last window before `now`.

    A line that began less than a span ago has short ones, which end one hour after its beginning, two, four and so on.
    """
    regular = floor_of(now, span)
    if began is None:
        return regular
    begin = floor_of(began, HOUR)
    age = HOUR
    while 2 * age <= now - begin and 2 * age < span:
        age *= 2
    return max(regular, begin + age) if age <= now - begin and age < span else regular


def next_end(began: datetime, span: timedelta, now: datetime) -> datetime:
    """Return the end of the window that is under way."""
    last = last_end(began, span, now)
    end, begin = floor_of(now, span) + span, floor_of(began, HOUR)
    short = begin + HOUR if last <= begin else begin + 2 * (last - begin)
    return min(end, short) if last < short < begin + span else end


def start_of(began: datetime | None, span: timedelta, end: datetime) -> datetime:
    """Return the beginning of the window with an end; of a short one, so that there are first windows before it."""
    if began is None or end == floor_of(end, span):
        return end - span
    age = end - floor_of(began, HOUR)
    return end - age / 2 if age >= 2 * FEWEST_WINDOWS * HOUR else end - age


def in_first_windows(hours: Sequence[tuple[datetime, Sums]], span: timedelta) -> tuple[list[Sums], bool]:
    """Sum an arm's first hours into its first windows; shorter ones, and True, until there are enough of the span."""
    length = span
    while len(found := in_windows(hours, length)) < FEWEST_WINDOWS and length > HOUR:
        length = max(length // (2 * HOUR) * HOUR, HOUR)
    return found[:FIRST_PERIOD], length < span


def floor_of(at: datetime, span: timedelta) -> datetime:
    """Round a moment down to a multiple of a span since 1970."""
    epoch = datetime.fromtimestamp(0, tz=UTC)
    return epoch + (at - epoch) // span * span


def in_windows(hours: Sequence[tuple[datetime, Sums]], span: timedelta) -> list[Sums]:
    """Sum hours into windows of a span, aligned to multiples of it since 1970; oldest first."""
    grouped: dict[int, list[Sums]] = defaultdict(list)
    for starts_at, body in hours:
        grouped[int(starts_at.timestamp() // span.total_seconds())].append(body)
    return [total(grouped[number]) for number in sorted(grouped)]


def too_few(count: int, fewest: int, what: str) -> str:
    """Return why a window is not judged: it has too few of `what`."""
    return f"too few {what}, {count} of {fewest}"
