"""Changes of a line as values: acts, changes, rollbacks, and the signs of a failure. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from andon.kernel.identity import PLATFORM

WINDOW = timedelta(days=7)
"""The time after a change during which it is blamed for failures and a return counts as a rollback."""


class ActKind(StrEnum):
    """The kinds of acts in a line's history. Those in CHANGING count as changes."""

    RELEASE = "release"
    POLICY = "policy"
    SPLIT = "split"
    PROMOTION = "promotion"
    GATE = "gate"
    ROLLOUT = "rollout"
    CORD = "cord"
    AUDIT_SHARE = "audit share"
    BUDGET = "budget"
    INCIDENT = "incident"


CHANGING = (
    ActKind.RELEASE,
    ActKind.POLICY,
    ActKind.SPLIT,
    ActKind.PROMOTION,
    ActKind.GATE,
    ActKind.ROLLOUT,
)


@dataclass(frozen=True, slots=True)
class Act:
    """One recorded act: its kind, actor and reason."""

    at: datetime
    kind: ActKind
    what: str
    by: str
    reason: str


class SignKind(StrEnum):
    """The kinds of signs of a failure."""

    ROLLED_BACK = "rolled back"
    ABORTED = "aborted"
    CORD_PULLED = "cord pulled"
    INCIDENT = "incident"


@dataclass(frozen=True, slots=True)
class FailureSign:
    """One sign of a failure. `over_at` is None while it lasts."""

    kind: SignKind
    at: datetime
    over_at: datetime | None
    reason: str


@dataclass(frozen=True, slots=True)
class LineChange(Act):
    """One change of the line. Its lead time begins at `ready_at`.

    `rework`: it was made while the cord was pulled or an incident was open.
    """

    ready_at: datetime | None = None
    in_force_at: datetime | None = None
    undone_at: datetime | None = None
    signs: tuple[FailureSign, ...] = ()
    rework: bool = False

    @property
    def lead_time(self) -> timedelta | None:
        """The time until it was in force; None for kinds without a lead time, and before it is in force."""
        if self.ready_at is None or self.in_force_at is None:
            return None
        return max(self.in_force_at - self.ready_at, timedelta())

    def latest(self, moment: datetime) -> datetime:
        """Return when it last changed what decides, up to a moment. A rollout does so at start and promotion."""
        return self.at if self.in_force_at is None or self.in_force_at > moment else self.in_force_at

    @property
    def failed(self) -> bool:
        """Whether there is any sign of a failure."""
        return bool(self.signs)

    @property
    def began_at(self) -> datetime | None:
        """The beginning of its failure: its first pulled cord or incident, or else the change itself."""
        if not self.signs:
            return None
        seen = [one.at for one in self.signs if one.kind in (SignKind.CORD_PULLED, SignKind.INCIDENT)]
        return min(seen, default=self.at)

    @property
    def recovered_at(self) -> datetime | None:
        """The moment when every sign of its failure was over; None while one lasts."""
        over = [one.over_at for one in self.signs if one.over_at is not None]
        return max(over) if over and len(over) == len(self.signs) else None

    @property
    def recovery_time(self) -> timedelta | None:
        """The time from the beginning of its failure to the recovery."""
        if self.began_at is None or self.recovered_at is None:
            return None
        return self.recovered_at - self.began_at


@dataclass(frozen=True, slots=True)
class Rollback:
    """One act that undid changes."""

    at: datetime
    by: str
    reason: str
    what: str

    @property
    def automatic(self) -> bool:
        """Whether Andon did it by itself."""
        return self.by == PLATFORM.name


@dataclass(frozen=True, slots=True)
class ChangeRecord:
    """All changes of one automation and all rollbacks, oldest first."""

    changes: tuple[LineChange, ...]
    rollbacks: tuple[Rollback, ...]
