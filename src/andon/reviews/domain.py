"""The rules of a review, without a database or a clock: its holder and its possible verdicts."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from textwrap import shorten
from typing import Any
from uuid import UUID

from andon.kernel import reasons
from andon.kernel.identity import Actor
from andon.reviews.errors import ReviewDecided, ReviewHeld, ReviewNotClaimed, ReviewWithdrawn, VerdictInvalid

CLAIM = timedelta(minutes=15)
"""The time for which a claimed review is reserved."""

UNDECIDED = "review"
"""The outcome that asks a person, and so cannot be the person's answer."""


class ReviewState(StrEnum):
    """The states of a review. A review whose claim has expired is open again."""

    OPEN = "open"
    CLAIMED = "claimed"
    DECIDED = "decided"
    WITHDRAWN = "withdrawn"
    """A question that was settled elsewhere, so that nobody has to answer it."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim on a review: its holder, and its end."""

    by: str
    at: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Verdict:
    """A person's choice and reason."""

    outcome: str
    reason: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """The end of a question that was settled elsewhere: by whom and why."""

    reason: str
    by: str
    at: datetime


_FIELDS_SHOWN = 5
_LONGEST_VALUE = 40


def case_line(fields: Mapping[str, Any]) -> str:
    """Write the first fields of a decision's input in one line: `amount 290, country DE`."""
    given = [(name, value) for name, value in fields.items() if value is not None]
    words = (f"{name} {shorten(str(value), _LONGEST_VALUE, placeholder=' …')}" for name, value in given[:_FIELDS_SHOWN])
    return ", ".join(words) + (", …" if len(given) > _FIELDS_SHOWN else "")


@dataclass(frozen=True, slots=True)
class ReviewTask:
    """A person's task on one decision, which is read from the ledger. `actions` gives the effect of each outcome.

    A procedure that follows the decision may ask a `question` of its own (under the key `asked_by`); its answer only
    lets the procedure continue. Questions about a call of a tool, or about an action (`action_id`) with an unknown
    outcome, need no procedure. For an action that follows no decision, `decision_id` is the action's own id.

    A `blind` review audits an automatic decision: its outcomes are classes, its verdict has no effect outside, and
    until then the reviewer does not see the line's decision. `predicted` is that decision, from the verdict on. A blind
    question is one of a rollout, about a decision on which its arms predict otherwise: its answer counts there only,
    because decisions that are chosen so say nothing about all the others.
    """

    id: UUID
    decision_id: UUID
    automation: str
    queue: str
    rule: str
    reasons: tuple[str, ...]
    outcomes: tuple[str, ...]
    actions: Mapping[str, Mapping[str, Any]]
    correlation_id: str
    traceparent: str | None
    opened_at: datetime
    due_at: datetime
    claim: Claim | None = None
    verdict: Verdict | None = None
    asked_by: UUID | None = None
    procedure_id: UUID | None = None
    question: str | None = None
    blind: bool = False
    predicted: str | None = None
    action_id: UUID | None = None
    withdrawal: Withdrawal | None = None

    @property
    def waits(self) -> bool:
        """Whether a person still has to decide it."""
        return self.verdict is None and self.withdrawal is None

    @property
    def hidden(self) -> bool:
        """Whether the line's decision must stay hidden for now."""
        return self.blind and self.verdict is None

    @property
    def agrees(self) -> bool | None:
        """Whether a blind verdict agrees with the line; None if there is none."""
        return None if self.verdict is None or not self.blind else self.verdict.outcome == self.predicted

    def state(self, now: datetime) -> ReviewState:
        """Return the state of the review at the moment `now`."""
        if self.verdict is not None:
            return ReviewState.DECIDED
        if self.withdrawal is not None:
            return ReviewState.WITHDRAWN
        return ReviewState.OPEN if self.holder(now) is None else ReviewState.CLAIMED

    def holder(self, now: datetime) -> str | None:
        """Return the holder, if there is one."""
        if not self.waits or self.claim is None or self.claim.until <= now:
            return None
        return self.claim.by

    def is_overdue(self, now: datetime) -> bool:
        """Return whether somebody should have looked at it by now."""
        return self.waits and self.due_at < now

    def claimed(self, actor: Actor, now: datetime) -> "ReviewTask":
        """Return the review claimed (or kept longer) by `actor`. Raises ReviewDecided, ReviewWithdrawn, ReviewHeld."""
        self._require_undecided()
        self._require_not_held_by_another(actor, now)
        kept = self.claim is not None and self.holder(now) is not None
        return replace(self, claim=Claim(actor.name, self.claim.at if kept and self.claim else now, now + CLAIM))

    def released(self, actor: Actor, now: datetime) -> "ReviewTask":
        """Return the review, released. Raises ReviewDecided, ReviewWithdrawn, ReviewHeld, ReviewNotClaimed."""
        self._require_holder(actor, now)
        return replace(self, claim=None)

    @property
    def choices(self) -> tuple[str, ...]:
        """The possible verdicts: the outcomes that need no further person; for a blind review every class."""
        return tuple(one for one in self.outcomes if self.blind or one != UNDECIDED)

    def judge(self, outcome: str, reason: str, actor: Actor, now: datetime) -> Verdict:
        """Return the holder's verdict.

        Raises ReviewDecided, ReviewWithdrawn, ReviewHeld, ReviewNotClaimed, VerdictInvalid.
        """
        self._require_holder(actor, now)
        if outcome not in self.choices:
            what = "class" if self.blind else "outcome"
            raise VerdictInvalid(f"No {what} {outcome!r} for {self.automation}; there are: {', '.join(self.choices)}")
        if faults := reasons.faults_of(reason):
            raise VerdictInvalid(faults[0].message, faults=faults)
        return Verdict(outcome, reason.strip(), actor.name, now)

    def decided(self, verdict: Verdict, predicted: str | None = None) -> "ReviewTask":
        """Return the review with its verdict, without a holder. `predicted` is the line's answer to a blind one."""
        return replace(self, claim=None, verdict=verdict, predicted=predicted)

    def withdrawn(self, reason: str, actor: Actor, now: datetime) -> "ReviewTask":
        """Return the review withdrawn, without a holder: its question was settled elsewhere."""
        return replace(self, claim=None, withdrawal=Withdrawal(reason.strip(), actor.name, now))

    def _require_undecided(self) -> None:
        if self.verdict is not None:
            raise ReviewDecided(
                f"{self.verdict.by} decided on {self.verdict.outcome!r} at {self.verdict.at:%Y-%m-%d %H:%M:%S} UTC"
            )
        if self.withdrawal is not None:
            raise ReviewWithdrawn(
                f"Settled elsewhere by {self.withdrawal.by} at {self.withdrawal.at:%Y-%m-%d %H:%M:%S} UTC, "
                f"so it needs no answer: {self.withdrawal.reason}"
            )

    def _require_not_held_by_another(self, actor: Actor, now: datetime) -> None:
        holder = self.holder(now)
        if holder not in (None, actor.name) and self.claim is not None:
            raise ReviewHeld(f"{holder} holds this review until {self.claim.until:%H:%M:%S} UTC")

    def _require_holder(self, actor: Actor, now: datetime) -> None:
        self._require_undecided()
        self._require_not_held_by_another(actor, now)
        if self.holder(now) is None:
            raise ReviewNotClaimed(
                "Nobody holds this review: claim it first"
                if self.claim is None
                else "The claim on this review has expired: claim it again"
            )


@dataclass(frozen=True, slots=True)
class ReviewFilter:
    """A filter of reviews; None matches any. `automations` are those the caller may see, `mine` a holder's name."""

    automations: tuple[str, ...] | None = None
    queue: str | None = None
    state: ReviewState | None = None
    overdue: bool = False
    mine: str | None = None
    blind: bool | None = None


@dataclass(frozen=True, slots=True)
class Backlog:
    """The reviews of one automation that wait for a verdict, and the overdue ones."""

    waiting: int
    overdue: int


@dataclass(frozen=True, slots=True)
class ReviewPace:
    """The average minutes between claim and verdict, and the number of reviews."""

    reviews: int
    minutes: float


@dataclass(frozen=True, slots=True)
class AuditCounts:
    """The numbers of blind verdicts that agreed and disagreed with the line."""

    agreed: int = 0
    disagreed: int = 0
