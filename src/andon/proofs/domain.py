"""Proofs as values: news about a gate, the proven region, and the revision that follows. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from andon.evidence import AgedCase, json_of
from andon.gates import NOTHING, WIDER_HOLDS, GateRevision, GateSegment

FRESH = timedelta(days=14)
"""The greatest age of the newest label at which a gate is widened or renewed."""

SAID_AGAIN = timedelta(days=7)
"""The longest time until a live revision is renewed, which shows that it is alive."""

WORTH_WIDENING = 0.005
"""The share of decisions that must become automatic for a region to be widened."""

WORTH_NARROWING = 0.0005
"""The share of decisions that must cease to be automatic for a region to be narrowed."""


@dataclass(frozen=True, slots=True)
class SeriesKey:
    """The identity of one gate: an arm, a segment ({} for the whole line) and a predicted class ('' for all)."""

    automation: str
    arm: str
    segment: GateSegment
    predicted: str

    @property
    def part(self) -> tuple[str, str]:
        """Its part of the arm, with the segment as JSON."""
        return json_of(self.segment), self.predicted


@dataclass(frozen=True, slots=True)
class GateNews:
    """News for a prover: a case at its age, which opens and widens, or a verdict at once, which closes."""

    position: int
    case: AgedCase
    is_verdict: bool


@dataclass(frozen=True, slots=True)
class ProvenRegion:
    """The proven region of one series.

    Without `threshold` nothing is proven, and `error` and `bound` are the first test's.

    `share` of the decisions lie in the region. `error` and `bound` are in the unit of the target. `labels` are those of
    decisions, without held-out rows, of which `audits` were blind. With `settled`, labels contradict held-out rows, or
    have taken their place; `breaks` counts how often the error was found to have risen. `local_error` is that of the
    band next to the threshold; older proofs lack it. While the newest break is `in_doubt`, labels may refute it.
    """

    threshold: float | None
    share: float
    error: float
    bound: float
    labels: int
    audits: int
    settled: bool
    suspicion: float
    breaks: int
    local_error: float | None = None
    in_doubt: bool = False

    @property
    def opinion(self) -> bool:
        """Whether labels add to the held-out rows."""
        return self.settled or self.breaks > 0


@dataclass(frozen=True, slots=True)
class Standing:
    """The evidence in force for a series when a new proof arrives: held-out rows, and the newest live revision.

    With `lapsed`, neither is in force: live proofs had begun and stopped long ago.
    """

    held_out: GateRevision
    live: GateRevision | None
    labelled_at: datetime | None
    lapsed: bool = False

    def threshold(self, now: datetime) -> float:
        """Return the threshold that evidence gives now."""
        if self.live is None or not self.live.holds(now):
            return self.held_out.threshold
        return self.live.threshold


def threshold_wanted(
    proof: ProvenRegion, standing: Standing, shares: Sequence[tuple[float, float]], now: datetime
) -> float | None:
    """Return the threshold of the due revision; None if none is due.

    `shares` are the share of decisions above each threshold. Narrowing is immediate. Widening waits until it is worth a
    revision. As long as labels prove no more than held-out rows did, those remain in force, and a segment keeps the
    gate of the whole line.
    """
    proven, present = NOTHING if proof.threshold is None else proof.threshold, standing.threshold(now)
    fresh = standing.labelled_at is not None and now - standing.labelled_at <= FRESH
    if standing.lapsed:
        return proven if fresh else None
    if standing.live is None and proven >= present and (not proof.opinion or present >= NOTHING):
        return None
    change = share_above(shares, proven) - share_above(shares, present)
    if change <= -WORTH_NARROWING or proven >= NOTHING > present:
        return proven
    return proven if fresh and (change >= WORTH_WIDENING or _is_due(standing, now)) else None


def share_above(shares: Sequence[tuple[float, float]], threshold: float) -> float:
    """Return the share of decisions with at least this confidence, from thresholds and their shares."""
    return max((share for at, share in shares if at >= threshold), default=0.0)


def _is_due(standing: Standing, now: datetime) -> bool:
    """Return whether the live revision in force is due for renewal, or a first one is due."""
    live = standing.live
    if live is None or now - live.at >= SAID_AGAIN:
        return True
    return live.expires_at is not None and live.expires_at - now <= WIDER_HOLDS / 2
