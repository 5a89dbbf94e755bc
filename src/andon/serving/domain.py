"""What a model says about one row, and whether that is safe enough to act on without a person."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from hashlib import blake2b
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from andon.serving.spreading import BUCKETS, Places, spread

ALWAYS = 0.0
"""The threshold under which no confidence lies."""

NEVER = 2.0
"""The threshold that no confidence reaches."""


class Prediction(Struct, frozen=True, gc=False):
    """Calibrated probabilities and what follows from them.

    Of two classes the score is P(positive) and the confidence P(label); of more, both are P(label).
    """

    score: float
    label: str
    confidence: float
    probabilities: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class RiskGate:
    """The least confidence at which predictions are proven to be wrong at most `target` of the time.

    At `NEVER` none is proven safe: nothing is certain.
    """

    threshold: float
    target: float

    def certain(self, prediction: Prediction) -> bool:
        """Whether this prediction may be acted on automatically."""
        return prediction.confidence >= self.threshold


@dataclass(frozen=True, slots=True)
class TrafficSplit:
    """Which versions of a model answer: `shares` percent for each version named, the champion has the rest.

    `shadows` are versions that see the same features after the answer and decide nothing. Number 0 is the split that
    nobody made: all to the champion. `places` are the buckets of each version, by default as where no split was before.
    """

    endpoint: str
    number: int = 0
    shares: Mapping[int, float] = field(default_factory=dict)
    shadows: tuple[int, ...] = ()
    set_by: str = ""
    reason: str = ""
    set_at: datetime | None = None
    places: Places = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.shares and not self.places:
            object.__setattr__(self, "places", spread(self.shares, {}))

    def version_for(self, bucket: int, champion: int) -> int:
        """The version that answers for a bucket, 0 to BUCKETS - 1. Growing a share moves units from the champion to it, and nobody else."""
        for version, ranges in self.places.items():
            for first, end in ranges:
                if first <= bucket < end:
                    return version
        return champion

    @property
    def _rest(self) -> float:
        """How many percent nobody is named for."""
        return round(100 - sum(self.shares.values()), 2)

    @property
    def told(self) -> str:
        """Who gets how much, for people and long after: which version was champion then is not said, only that it had the rest."""
        named = [f"version {version}: {share:g} %" for version, share in sorted(self.shares.items())]
        rest = ["the rest to the champion"] if self._rest else []
        return ", ".join(named + rest) if named else "all to the champion"

    def answering(self, champion: int) -> dict[int, float]:
        """The versions that answer and how many percent each, by version; the champion stands there with the rest, if there is one."""
        percent = dict(self.shares)
        if self._rest:
            percent[champion] = round(percent.get(champion, 0) + self._rest, 2)
        return dict(sorted(percent.items()))

    def looking_on(self, champion: int | None) -> tuple[int, ...]:
        """The shadows that do not answer: the champion's alias may have been pointed to one since."""
        answering = self.shares if champion is None else self.answering(champion)
        return tuple(version for version in self.shadows if version not in answering)


def bucket_of(endpoint: str, unit: bytes) -> int:
    """Where a unit (an account, a request) falls, 0 to BUCKETS - 1: the same for ever, and another for each endpoint."""
    return int.from_bytes(blake2b(unit, digest_size=8, key=endpoint.encode()[:64]).digest()) % BUCKETS


class Chosen(StrEnum):
    """How it came that this version was to answer."""

    SPLIT = "split"
    PINNED = "pinned"


class Assignment(Struct, frozen=True, gc=False, cache_hash=True):
    """Which version was to answer and why."""

    version: int
    chosen: Chosen
    split: Annotated[int, Meta(description="The number of the traffic split that held; 0 where none was made.")]
    bucket: Annotated[
        int | None, Meta(description="Where the subject fell, 0 to 9999; null where nothing was drawn.")
    ] = None


@dataclass(frozen=True, slots=True)
class ShadowPrediction:
    """What a version said that only looked on, beside a decision made without it; `outcome` is what the policy would have chosen.

    Of an `error` there is no score, label or confidence.
    """

    decision_id: UUID
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
    """What one shadow said since a moment: how often, how often it failed, each outcome's count, and its means (None of nothing)."""

    endpoint: str
    version: int
    since: datetime
    count: int
    errors: int
    outcomes: Mapping[str, int]
    mean_score: float | None
    mean_confidence: float | None
