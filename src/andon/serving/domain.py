"""A model's prediction for one row, and whether it is safe enough to act on without a person."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from hashlib import blake2b
from typing import Annotated, Literal, TypeAlias
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from andon.serving.candidates import Candidate
from andon.serving.spreading import BUCKETS, Places, spread

ALWAYS = 0.0
"""The threshold below which no confidence lies."""

NEVER = 2.0
"""The threshold that no confidence reaches."""


SplitUnit: TypeAlias = Literal["subject", "decision"]


class Prediction(Struct, frozen=True, gc=False):
    """Calibrated probabilities and what follows from them.

    Of two classes the score is P(positive) and the confidence P(label); of more, both are P(label).
    """

    score: float
    label: str
    confidence: float
    probabilities: Mapping[str, float]
    raw: Annotated[
        Mapping[str, float] | UnsetType,
        Meta(description="The model's own probabilities, before calibration; older records lack them."),
    ] = UNSET


@dataclass(frozen=True, slots=True)
class Contribution:
    """The part that a feature, or one word of a text, had in a predicted class; below zero it spoke against it."""

    feature: str
    word: str | None
    weight: float


@dataclass(frozen=True, slots=True)
class RiskGate:
    """The least confidence at which predictions are proven to be wrong at most `target` of the time.

    At `NEVER` none is proven safe: nothing is certain.
    """

    threshold: float
    target: float

    def certain(self, prediction: Prediction) -> bool:
        """Return whether this prediction may be acted on automatically."""
        return prediction.confidence >= self.threshold


@dataclass(frozen=True, slots=True)
class TrafficSplit:
    """The candidates that answer for an automation: `shares` percent for each, the rest for the champion.

    `shadows` are candidates that see the same features after the answer and decide nothing. They are versions of
    `model`. Number 0 is the implicit split: all to the champion. `places` are the buckets of each candidate, by default
    as if no split came before; `salt` seeds the draw of units into buckets, and `unit` is a subject or a single
    decision.
    """

    automation: str
    model: str
    number: int = 0
    shares: Mapping[Candidate, float] = field(default_factory=dict)
    shadows: tuple[Candidate, ...] = ()
    set_by: str = ""
    reason: str = ""
    set_at: datetime | None = None
    places: Places = field(default_factory=dict)
    salt: str = ""
    unit: SplitUnit = "subject"

    def __post_init__(self) -> None:
        if self.shares and not self.places:
            object.__setattr__(self, "places", spread(self.shares, {}))
        if not self.salt:
            object.__setattr__(self, "salt", self.automation)

    def candidate_for(self, bucket: int, champion: Candidate) -> Candidate:
        """Return the candidate for a bucket, 0 to BUCKETS - 1. A growing share takes units from the champion only."""
        for candidate, ranges in self.places.items():
            for first, end in ranges:
                if first <= bucket < end:
                    return candidate
        return champion

    @property
    def _rest(self) -> float:
        """The percentage of traffic that no candidate has."""
        return round(100 - sum(self.shares.values()), 2)

    @property
    def summary(self) -> str:
        """Describe the shares for people. The champion of that time is not named, only its share."""
        named = [f"version {candidate}: {share:g} %" for candidate, share in sorted(self.shares.items())]
        rest = ["the rest to the champion"] if self._rest else []
        return ", ".join(named + rest) if named else "all to the champion"

    def answering(self, champion: int | None) -> dict[Candidate, float]:
        """Return the candidates that answer, with their percentages; the champion, if there is one, has the rest."""
        percent = dict(self.shares)
        if self._rest and champion is not None:
            own = Candidate(champion)
            percent[own] = round(percent.get(own, 0) + self._rest, 2)
        return dict(sorted(percent.items()))

    def looking_on(self, champion: int | None) -> tuple[Candidate, ...]:
        """Return the shadows that do not answer: the champion's alias may point to one by now."""
        answering = self.answering(champion)
        return tuple(candidate for candidate in self.shadows if candidate not in answering)


def bucket_of(salt: str, unit: bytes) -> int:
    """Return the bucket of a unit (an account, a request), 0 to BUCKETS - 1: fixed per salt, redrawn with a new one."""
    return int.from_bytes(blake2b(unit, digest_size=8, key=salt.encode()[:64]).digest()) % BUCKETS


@dataclass(frozen=True, slots=True)
class TrafficLease:
    """How long the candidates of a split may answer. From `expires_at` on, its champion answers everything.

    It covers the split with this number and all before it.
    """

    automation: str
    split: int
    holder: str
    expires_at: datetime

    def is_over(self, split: int, now: datetime) -> bool:
        """Return whether the candidates of a split must get no more traffic."""
        return split <= self.split and now >= self.expires_at


class Chosen(StrEnum):
    """Why this candidate was to answer."""

    SPLIT = "split"
    PINNED = "pinned"


class Assignment(Struct, frozen=True, gc=False, cache_hash=True):
    """The intended version, and the reason for it."""

    version: int
    chosen: Chosen
    split: Annotated[int, Meta(description="The number of the traffic split in force; 0 if none was made.")]
    bucket: Annotated[
        int | None, Meta(description="The bucket of the subject, 0 to 9999; null if nothing was drawn.")
    ] = None
    policy: Annotated[str, Meta(description="The policy version of the candidate; empty for the one in force.")] = ""
    gate: Annotated[
        float | UnsetType, Meta(description="The threshold of the candidate's own gate, if it has one.")
    ] = UNSET

    @classmethod
    def to(cls, candidate: Candidate, chosen: Chosen, split: int, bucket: int | None = None) -> "Assignment":
        """Return the assignment to a candidate."""
        gate = UNSET if candidate.gate is None else candidate.gate
        return cls(candidate.version, chosen, split, bucket, candidate.policy, gate)

    @property
    def candidate(self) -> Candidate:
        """The candidate that was to answer."""
        return Candidate(self.version, self.policy, None if isinstance(self.gate, UnsetType) else self.gate)


@dataclass(frozen=True, slots=True)
class ShadowPrediction:
    """The prediction of a shadow arm, next to a decision made without it.

    `outcome` is what its policy would have chosen. One with an `error` has no score, label or confidence.
    """

    decision_id: UUID
    automation: str
    arm: str
    endpoint: str
    model_version: int
    outcome: str | None
    score: float | None
    label: str | None
    confidence: float | None
    error: str | None
    predicted_at: datetime


@dataclass(frozen=True, slots=True)
class ShadowSummary:
    """The summary of one shadow since a moment: predictions, errors, outcomes' counts, means (None if empty)."""

    automation: str
    arm: str
    since: datetime
    count: int
    errors: int
    outcomes: Mapping[str, int]
    mean_score: float | None
    mean_confidence: float | None
