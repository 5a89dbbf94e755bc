"""What a replay is asked for, and how it is divided. Pure values, which go to other processes."""

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
"""Nothing was decided before."""

SECONDS = 5
"""The time for a question that a process answers beside its other work; then the report is about the decisions that were done."""


@dataclass(frozen=True, slots=True)
class TriedPolicy:
    """A decision table as text, and what to call its place."""

    text: str
    source: str


@dataclass(frozen=True, slots=True)
class ReplayQuestion:
    """Whose decisions are decided again, and by what.

    What is None stays as it was for each decision: the model version with its recorded prediction, the policy, the gate. With `before`
    the other side is not what was decided, but what this policy would have. Without any of them, each decision is made again by the very
    versions that made it.
    """

    automation: str
    since: datetime
    until: datetime
    last: int | None = None
    model: int | None = None
    policy: TriedPolicy | None = None
    gate: float | None = None
    before: TriedPolicy | None = None

    @property
    def has_candidate(self) -> bool:
        """Whether anything is to be decided otherwise."""
        return (self.model, self.policy, self.gate) != (None, None, None)


@dataclass(frozen=True, slots=True)
class ReplayPart:
    """A part of the ledger, cut at these ids; what is before `begins` only warms windows up."""

    cuts: tuple[UUID, ...]
    begins: UUID


def parts_of(cuts: tuple[UUID, ...], *, each: int = 1, warm: int = 0) -> list[ReplayPart]:
    """Divide at these cuts, `each` stretches a part; every part begins `warm` stretches earlier, as far as there are some."""
    starts = range(0, len(cuts) - 1, each)
    return [ReplayPart(cuts[max(0, start - warm) : start + each + 1], cuts[start]) for start in starts]
