"""The question of a replay, and its parts. Pure values, sent to other processes."""

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
"""A moment before every decision."""

SECONDS = 5
"""The time for a question that a process answers along with its other work. The report covers the part done by then."""


@dataclass(frozen=True, slots=True)
class TriedPolicy:
    """A decision table as text, and the name of its source."""

    text: str
    source: str


@dataclass(frozen=True, slots=True)
class ReplayQuestion:
    """The automation whose decisions are decided again, and the candidate that decides.

    A part of the candidate that is None stays as it was for each decision: the model version with its recorded
    prediction, the policy, the gate. If all are None, each decision is made again by its own versions. With
    `before`, the candidate is compared with this policy instead of with the recorded decisions.
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
        """Whether a model version, a policy or a gate differs from the recorded ones."""
        return (self.model, self.policy, self.gate) != (None, None, None)


@dataclass(frozen=True, slots=True)
class ReplayPart:
    """A part of the ledger, cut at these ids. Decisions before `begins` only fill the windows of features."""

    cuts: tuple[UUID, ...]
    begins: UUID


def parts_of(cuts: tuple[UUID, ...], *, each: int = 1, warm: int = 0) -> list[ReplayPart]:
    """Divide a ledger at these cuts, `each` stretches per part. Every part begins up to `warm` stretches earlier."""
    starts = range(0, len(cuts) - 1, each)
    return [ReplayPart(cuts[max(0, start - warm) : start + each + 1], cuts[start]) for start in starts]
