"""A pointer with a past: which value holds, and which changes a return to an earlier value undoes. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from andon.changes.domain import WINDOW


@dataclass(frozen=True, slots=True)
class PointerEntry:
    """One value since when, and the change that brought it; None where that was no change."""

    value: str
    at: datetime
    change: int | None


@dataclass(slots=True)
class Pointer:
    """The values that hold or held, the newest last, without those that were rolled back."""

    entries: list[PointerEntry] = field(default_factory=list)

    def undone_by(self, value: str, at: datetime) -> Sequence[PointerEntry] | None:
        """Return what a setting to `value` undoes: what is newer than the value. None if it is no return within WINDOW."""
        earlier = [place for place, one in enumerate(self.entries[:-1]) if one.value == value]
        if not earlier or at - self.entries[-1].at > WINDOW:
            return None
        return self.entries[earlier[-1] + 1 :]

    def move_back(self, undone: Sequence[PointerEntry]) -> None:
        """Forget the newest entries, which were undone."""
        del self.entries[len(self.entries) - len(undone) :]

    def move_on(self, value: str, at: datetime, change: int | None) -> None:
        """Add the value that holds from now on."""
        self.entries.append(PointerEntry(value, at, change))
