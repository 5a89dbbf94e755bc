"""Counts of the last minute, in slots of five seconds; older slots are dropped. Pure: the time is a parameter."""

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from andon.live.bands import bands_of
from andon.live.domain import ArmCounts, LineCounts

SLOT = 5.0
SLOTS = 12
"""Full slots in addition to the current one: the window is 60 to 65 seconds long."""

Arm = tuple[str, str, int]
"""Automation, model and version."""


@dataclass(slots=True)
class _ArmSlot:
    decisions: int = 0
    stages: dict[str, Counter[int]] = field(default_factory=dict)
    fallbacks: Counter[str] = field(default_factory=Counter)

    def add(self, other: "_ArmSlot") -> None:
        self.decisions += other.decisions
        self.fallbacks.update(other.fallbacks)
        for stage, bands in other.stages.items():
            self.stages.setdefault(stage, Counter()).update(bands)


@dataclass(slots=True)
class _Slot:
    number: int
    arms: dict[Arm, _ArmSlot] = field(default_factory=dict)
    lines: dict[str, Counter[str]] = field(default_factory=dict)
    refused: dict[str, Counter[str]] = field(default_factory=dict)
    lost: int = 0


class MinuteCounts:
    """Counts that are forgotten after a minute. Times are in seconds of one monotonic clock."""

    def __init__(self, now: float) -> None:
        self._began = now
        self._slots: deque[_Slot] = deque([_Slot(int(now / SLOT))])

    def add_times(
        self, now: float, arm: Arm, stage: str, seconds: Sequence[float], decisions: Sequence[int] | None = None
    ) -> None:
        """Add a stage's time for each of several decisions, or for groups of `decisions`."""
        self._arm(now, arm).stages.setdefault(stage, Counter()).update(bands_of(seconds, decisions))

    def add_decisions(self, now: float, arm: Arm, decisions: int, fallbacks: Mapping[str, int]) -> None:
        """Add decisions made by a version, or in its place."""
        found = self._arm(now, arm)
        found.decisions += decisions
        found.fallbacks.update(fallbacks)

    def add_to_line(self, now: float, automation: str, what: str, count: int) -> None:
        """Add requests of an automation that were `shadowed`, `not_shadowed` or `expired`."""
        self._slot(now).lines.setdefault(automation, Counter())[what] += count

    def add_refused(self, now: float, automation: str, reason: str, count: int) -> None:
        """Add refused requests."""
        self._slot(now).refused.setdefault(automation, Counter())[reason] += count

    def add_lost(self, now: float, count: int) -> None:
        """Add decisions lost with a batch that was not recorded."""
        self._slot(now).lost += count

    def seconds(self, now: float) -> float:
        """Return how many seconds the counts cover."""
        return now - max(self._began, (int(now / SLOT) - SLOTS) * SLOT)

    def arms(self, now: float) -> tuple[ArmCounts, ...]:
        """Return the work of each version."""
        self._slot(now)
        whole: dict[Arm, _ArmSlot] = {}
        for slot in self._slots:
            for arm, counts in slot.arms.items():
                whole.setdefault(arm, _ArmSlot()).add(counts)
        return tuple(
            ArmCounts(*arm, decisions=counts.decisions, stages=counts.stages, fallbacks=counts.fallbacks)
            for arm, counts in sorted(whole.items())
        )

    def lines(self, now: float) -> tuple[LineCounts, ...]:
        """Return the other results of each automation's requests."""
        self._slot(now)
        counts: dict[str, Counter[str]] = {}
        refused: dict[str, Counter[str]] = {}
        for slot in self._slots:
            for into, of in ((counts, slot.lines), (refused, slot.refused)):
                for automation, counted in of.items():
                    into.setdefault(automation, Counter()).update(counted)
        return tuple(
            LineCounts(name, **counts.get(name, Counter()), refused=refused.get(name, Counter()))
            for name in sorted(counts | refused)
        )

    def lost(self, now: float) -> int:
        """Return how many decisions were never recorded."""
        self._slot(now)
        return sum(slot.lost for slot in self._slots)

    def _arm(self, now: float, arm: Arm) -> _ArmSlot:
        return self._slot(now).arms.setdefault(arm, _ArmSlot())

    def _slot(self, now: float) -> _Slot:
        """Return the current slot after dropping old ones."""
        number = int(now / SLOT)
        if self._slots[-1].number < number:
            self._slots.append(_Slot(number))
        while self._slots[0].number < number - SLOTS:
            self._slots.popleft()
        return self._slots[-1]
