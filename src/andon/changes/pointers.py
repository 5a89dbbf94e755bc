"""A pointer with its history: the value in force, and the changes that a return to an earlier value undoes. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from andon.changes.domain import WINDOW


@dataclass(frozen=True, slots=True)
class PointerEntry:
    """One value, its start, and the change that set it; None if that was not a change."""

    value: str
    at: datetime
    change: int | None


@dataclass(slots=True)
class Pointer:
    """The history of values, the newest last, without those that were rolled back."""

    entries: list[PointerEntry] = field(default_factory=list)

    def undone_by(self, value: str, at: datetime) -> Sequence[PointerEntry] | None:
        """Return the entries that a return to `value` undoes: all newer ones. None without a return within WINDOW."""
        earlier = [place for place, one in enumerate(self.entries[:-1]) if one.value == value]
        if not earlier or at - self.entries[-1].at > WINDOW:
            return None
        return self.entries[earlier[-1] + 1 :]

    def move_back(self, undone: Sequence[PointerEntry]) -> None:
        """Remove the newest entries, which were undone."""
        del self.entries[len(self.entries) - len(undone) :]

    def move_on(self, value: str, at: datetime, change: int | None) -> None:
        """Add the value in force from now on."""
        self.entries.append(PointerEntry(value, at, change))
