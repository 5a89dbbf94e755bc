"""The judged window, with the first windows of each arm and the label sums. Pure."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property

from andon.monitors.domain import MonitorState
from andon.monitors.references import ModelReference
from andon.monitors.sums import Sums, total
from andon.monitors.watching import WatchedAutomation
from andon.spending import Spend

FIRST_PERIOD = 14
"""The number of first windows of an arm that show its natural variance."""

PERIOD = timedelta(days=90)

FEWEST = 200
"""The fewest decisions of a judged window."""

FEWEST_LABELS = 50
"""The fewest labels for judging a window by them."""


@dataclass(frozen=True)
class StandingBreach:
    """A series that is already in breach: its state and what was shown then."""

    state: MonitorState
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
    breaches: Mapping[tuple[str, str, str], StandingBreach] = field(default_factory=dict)

    @cached_property
    def level(self) -> float:
        """The probability of a false alarm that one monitor may have in this window."""
        looks = max(PERIOD / self.watched.monitors.window, 1.0)
        return self.watched.monitors.false_alarms / looks

    @cached_property
    def all_labels(self) -> Sums:
        """The label sums over all arms."""
        return total(self.labels.values())

    def filling(self, name: str | None) -> str | None:
        """Return why a feature, or the score (None), is not comparable yet because its windows are not full.

        Returns None if they are full.
        """
        if self.began is None:
            return None
        full_at = self.watched.full_at(name, self.began)
        return f"its windows fill until {full_at:%Y-%m-%d %H:%M} UTC" if self.since < full_at else None

    @property
    def main(self) -> ArmWindow | None:
        """The arm with the most decisions."""
        return self.arms[0] if self.arms else None

    def series(self, name: str, arm: ArmWindow) -> str:
        """Return the name of an arm's series, marked with the arm unless it is the main one."""
        if arm is self.main or not name:
            return name if arm is self.main else arm.arm
        return f"{name} of {arm.arm}"


def in_windows(hours: Sequence[tuple[datetime, Sums]], span: timedelta) -> list[Sums]:
    """Sum hours into windows of a span, aligned to multiples of it since 1970; oldest first."""
    grouped: dict[int, list[Sums]] = defaultdict(list)
    for starts_at, body in hours:
        grouped[int(starts_at.timestamp() // span.total_seconds())].append(body)
    return [total(grouped[number]) for number in sorted(grouped)]


def too_few(count: int, fewest: int, what: str) -> str:
    """Return why a window is not judged: it has too few of `what`."""
    return f"too few {what}, {count} of {fewest}"
