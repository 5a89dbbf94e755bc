"""The window that is judged, with the first windows of each arm and what labels say. Pure."""

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
"""Windows of an arm's beginning that show its natural variance."""

PERIOD = timedelta(days=90)

FEWEST = 200
"""Decisions without which a window is not judged."""

FEWEST_LABELS = 50
"""Labels without which a window is not judged."""


@dataclass(frozen=True)
class StandingBreach:
    """A series that is in breach already: its state and what was shown then."""

    state: MonitorState
    figures: Mapping[str, object]


@dataclass(frozen=True)
class ArmWindow:
    """One arm in the window, and its own first windows, oldest first; the judged window is none of them."""

    arm: str
    model: str
    version: int
    sums: Sums
    first: Sequence[Sums]
    reference: ModelReference | None

    @property
    def decisions(self) -> int:
        """The decisions of the window."""
        return int(self.sums.get("decisions", 0))

    @property
    def seen(self) -> int:
        """The decisions of the window that were read whole."""
        return int(self.sums.get("seen", 0))


@dataclass(frozen=True)
class JudgedWindow:
    """The input of all judges. `arms` come with the most decisions first; `labels` are those of the window, by arm.

    `labels` reach further back than the window where it alone has too few of them. `began` is when the line began, if
    it has features that fill with time.
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
        """Return why a feature, or the score (None), is not comparable yet: its windows are not full.

        None if they are.
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
        """Return the name of a series of an arm; those of others than the main one are marked by their arm."""
        if arm is self.main or not name:
            return name if arm is self.main else arm.arm
        return f"{name} of {arm.arm}"


def in_windows(hours: Sequence[tuple[datetime, Sums]], span: timedelta) -> list[Sums]:
    """Add hours up to windows of a span, by multiples of it since 1970; oldest first."""
    grouped: dict[int, list[Sums]] = defaultdict(list)
    for starts_at, body in hours:
        grouped[int(starts_at.timestamp() // span.total_seconds())].append(body)
    return [total(grouped[number]) for number in sorted(grouped)]


def too_few(count: int, fewest: int, what: str) -> str:
    """Return why a window is not judged."""
    return f"too few {what}, {count} of {fewest}"
