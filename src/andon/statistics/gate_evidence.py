"""Evidence about the region above each threshold: counted labels, their tests, and which regions they prove.

`gate_proofs` says how it is used. Exact binomial looks when the labels have doubled (`gate_looks`) and bets that may be
checked after each label (`betting`) share the level; `gate_sequence` keeps it over all thresholds.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from andon.statistics.betting import STAKES, Floats, log_growth, log_wealth, rates_for, upper_bounds
from andon.statistics.binomial import clean_labels_needed
from andon.statistics.gate_local import LocalTests, local_errors
from andon.statistics.gate_looks import UNSEEN, LookSchedule
from andon.statistics.gate_sequence import beginnings_of, proven_rows
from andon.statistics.gate_tallies import LabelTally

BETS: Final = 0.1
"""The part of the level that bets have beside exact looks."""


class ProofMethod(StrEnum):
    """The method of a proof: an exact look, or bets that hold at any time."""

    EXACT = "exact"
    ANYTIME = "anytime"


class StopReason(StrEnum):
    """Why a region is not proven: the first of these that is so.

    Its estimated error is above the target; that of the band next to its threshold is above its bound; it is narrower
    than all regions that are tested; its labels do not prove it, even if all narrower regions were proven; or they
    would, but a narrower region is not proven, and so too little of the level is left.
    """

    ERROR = "error"
    NEAR = "near"
    LABELS = "labels"
    NARROWER = "narrower"
    UNTESTED = "untested"


@dataclass(frozen=True, slots=True)
class HeldOutTable:
    """Held-out evidence by falling threshold: the planned rows above each, the observed rows, and their total loss.

    `total` counts all held-out rows. Without any, rows, losses and total are 0, and `planned` is as expected (any
    unit).
    """

    thresholds: Floats
    planned: Floats
    rows: Floats
    losses: Floats
    total: float

    def to_json(self) -> dict[str, Any]:
        """Describe the table by lists."""
        return {name: getattr(self, name).tolist() for name in _COLUMNS} | {"total": self.total}

    @classmethod
    def from_json(cls, described: Mapping[str, Any]) -> "HeldOutTable":
        """Read what `to_json` wrote."""
        return cls(**{name: np.array(described[name], float) for name in _COLUMNS}, total=described["total"])


_COLUMNS = ("thresholds", "planned", "rows", "losses")


@dataclass(frozen=True, slots=True)
class LabelBatch:
    """Labels of sampled decisions: for `watch` in the order of becoming known, for `update` in that of their age.

    `losses` lie between 0 and 1. A propensity is the probability with which that decision was looked at: 1 for a
    review. A floor is the lowest propensity any decision could have had just then: the share of audits, or 1 while all
    went to people.
    """

    confidence: Floats
    losses: Floats
    propensities: Floats
    floors: Floats

    def weights(self) -> Floats:
        """Compute floor / propensity of each label; refuse what is not possible."""
        columns = (self.confidence, self.losses, self.propensities, self.floors)
        if len({len(column) for column in columns}) > 1:
            raise ValueError("a batch of labels needs as many confidences as losses, propensities and floors")
        if not (np.isfinite(self.confidence).all() and ((self.losses >= 0) & (self.losses <= 1)).all()):
            raise ValueError("a confidence must be a number, and a loss must lie between 0 and 1")
        if not ((self.floors > 0) & (self.floors <= self.propensities) & (self.propensities <= 1)).all():
            raise ValueError("a propensity must be at most 1 and at least its floor, which is above 0")
        weights: Floats = self.floors / self.propensities
        return weights


@dataclass(frozen=True, slots=True)
class GateGoal:
    """What is to be proven, of which thresholds: `counted` losses are 0 or 1, and `local` bounds the next band."""

    table: HeldOutTable
    target: float
    confidence: float
    counted: bool = True
    local: float | None = None

    def __post_init__(self) -> None:
        if not (0.0 < self.target < 1.0 and 0.0 < self.confidence < 1.0):
            raise ValueError("target and confidence must lie between 0 and 1")
        if self.local is not None and not (self.counted and self.target <= self.local < 1.0):
            raise ValueError("local bounds errors that are counted, and lies between the target and 1")

    @property
    def level(self) -> float:
        """The probability with which a wrong region may be proven."""
        return 1.0 - self.confidence

    @property
    def bets(self) -> float:
        """The part of the level that bets have."""
        return BETS if self.counted else 1.0


@dataclass(frozen=True, slots=True)
class RegionEvidence:
    """The evidence about the region above one threshold: a point of the curve of automatic share against risk.

    `share` of decisions lie in it and lose `error`, at most `bound` with the confidence asked for. A bound of
    an earlier look that the estimate has passed since gives way to the estimate. `labels_needed` are
    the further labels in it that prove it if they err as those so far; 0 if it is proven, None if they err too much.
    `local_error` is the error of the band next to the threshold. `stopped_by` is None where the region is proven.
    """

    threshold: float
    share: float
    error: float
    bound: float
    labels: int
    method: ProofMethod
    proven: bool
    labels_needed: int | None
    local_error: float
    stopped_by: StopReason | None


class GateEvidence:
    """All evidence of one stream of labels, and the regions that it has proven."""

    def __init__(self, goal: GateGoal) -> None:
        self._goal, thresholds = goal, goal.table.thresholds
        self._tally = LabelTally(thresholds)
        self._looks = LookSchedule(thresholds, goal.target, goal.confidence)
        self._near = None
        if goal.local is not None:
            self._near = LocalTests(thresholds, goal.table.planned, goal.local, goal.confidence, goal.bets)
        self._held = np.zeros(len(thresholds), np.bool_)
        self._last: _Tested | None = None
        """The tests of the labels so far, once they were made."""
        self.beginnings = beginnings_of(goal.table.planned, clean_labels_needed(goal.target, goal.confidence))

    def begin_held_out(self) -> None:
        """Begin with the held-out rows."""
        table, self._last = self._goal.table, None
        self._tally.add_counted(table.rows, table.losses, table.total)
        if self._goal.counted:
            self._looks.begin_with(table.rows, table.losses)
        if self._near is not None:
            self._near.begin_with(table.rows, table.losses)

    def add(self, batch: LabelBatch, weights: Floats) -> None:
        """Add labels in their order."""
        self._last = None
        if self._goal.counted:
            # Keep each label with the chance of the least likely: only then are they draws of one kind. The seed makes
            # it repeatable.
            kept = np.random.default_rng(self._tally.labels).random(len(weights)) < weights
            self._looks.add(batch.confidence[kept], batch.losses[kept])
            if self._near is not None:
                self._near.add(batch.confidence[kept], batch.losses[kept])
        self._tally.add(batch.confidence, batch.losses, weights)

    def proven(self) -> NDArray[np.bool_]:
        """Test all thresholds; what was proven before stays so while its estimate is not above the target."""
        return self._tested().proven

    def regions(self, rows: NDArray[np.int_]) -> tuple[RegionEvidence, ...]:
        """Describe the regions of these rows of the table."""
        goal = self._goal
        tested = self._tested()
        reasons = self._reasons(tested)
        above, losses, weights = self._tally.above()
        bounds = by_bets = upper_bounds(above[rows], losses, weights, goal.level * goal.bets)
        if goal.counted:
            bounds = np.minimum(by_bets, self._looks.bounds(rows, goal.level * (1.0 - BETS)))
        by_rate = above[rows] @ log_growth(goal.target, losses, weights)
        errors, seen = _errors(above, losses, weights)[rows], above @ weights
        nearby = local_errors(goal.table.planned, above[:-1], losses, weights)[rows]
        found = []
        for at, row in enumerate(rows.tolist()):
            is_proven, error, bound = bool(tested.proven[row]), float(errors[at]), float(bounds[at])
            found.append(
                RegionEvidence(
                    threshold=float(goal.table.thresholds[row]),
                    share=float(seen[row] / seen[-1]) if seen[-1] else 0.0,
                    error=error,
                    bound=max(min(bound, goal.target) if is_proven else bound, error),
                    labels=round(float(above[row].sum())),
                    method=ProofMethod.ANYTIME if by_bets[at] <= bound else ProofMethod.EXACT,
                    proven=is_proven,
                    labels_needed=0 if is_proven else self._needed(by_rate[at], error, tested.parts[row] or 1.0),
                    local_error=float(nearby[at]),
                    stopped_by=None if is_proven else StopReason(reasons[row]),
                )
            )
        return tuple(found)

    def to_json(self) -> dict[str, Any]:
        """Describe the state by numbers and lists."""
        return {
            "kinds": self._tally.to_json(),
            "looks": self._looks.to_json(),
            "near": None if self._near is None else self._near.to_json(),
            "held": self._held.tolist(),
        }

    @classmethod
    def from_json(cls, goal: GateGoal, described: Mapping[str, Any]) -> "GateEvidence":
        """Read what `to_json` wrote."""
        evidence = cls(goal)
        evidence._tally = LabelTally.from_json(goal.table.thresholds, described["kinds"])
        evidence._looks.restore(described["looks"])
        if evidence._near is not None:
            evidence._near.restore(described["near"])
        evidence._held = np.array(described["held"], np.bool_)
        return evidence

    def _tested(self) -> "_Tested":
        """Test all thresholds, unless no label came since the last time."""
        if self._last is not None:
            return self._last
        goal = self._goal
        above, losses, weights = self._tally.above()
        scores = log_wealth(above[:-1] @ log_growth(goal.target, losses, weights)) + np.log(goal.bets)
        if goal.counted:
            scores = np.maximum(scores, self._looks.scores + np.log1p(-BETS))
        too_high = _errors(above, losses, weights)[:-1] > goal.target
        near = np.zeros(len(scores), np.bool_)
        if self._near is not None:
            nearby, near = self._near.scores(above[:-1], losses, weights)
            scores = np.minimum(scores, nearby)
        lapsed = too_high | near
        scores[lapsed], self._held[lapsed] = UNSEEN, False
        proven, parts = proven_rows(scores, self.beginnings, goal.level, self._held)
        self._held |= proven
        self._last = _Tested(scores, too_high, near, proven, parts)
        return self._last

    def _reasons(self, tested: "_Tested") -> NDArray[np.str_]:
        """Find what stops each threshold, if it is not proven."""
        whole = np.ones(len(tested.scores), np.bool_)
        _, parts = proven_rows(tested.scores, self.beginnings, self._goal.level, held=whole)
        untested = parts == 0.0
        enough = self._held | (np.exp(-tested.scores.clip(-1.0)) <= self._goal.level * parts)
        reasons: NDArray[np.str_] = np.select(
            [tested.too_high, tested.near, untested, ~enough],
            [StopReason.ERROR, StopReason.NEAR, StopReason.UNTESTED, StopReason.LABELS],
            StopReason.NARROWER,
        )
        return reasons

    def _needed(self, by_rate: Floats, error: float, part: float) -> int | None:
        """Forecast how many labels of weight 1 with this error bets still need; None if no number is enough."""
        goal = self._goal
        rates = rates_for(goal.target)
        growth = error * np.log1p(-rates * (1.0 - goal.target)) + (1.0 - error) * np.log1p(rates * goal.target)
        growing = growth > 0
        if not growing.any():
            return None
        missing = -np.log(goal.level * goal.bets * part) - np.log(STAKES) - by_rate
        return max(0, int(np.ceil((missing[growing] / growth[growing]).min())))


@dataclass(frozen=True, slots=True)
class _Tested:
    """Tests of all thresholds: scores, lapsed ones, proven ones, and the part of the level that reached each."""

    scores: Floats
    too_high: NDArray[np.bool_]
    near: NDArray[np.bool_]
    proven: NDArray[np.bool_]
    parts: Floats


def _errors(above: Floats, losses: Floats, weights: Floats) -> Floats:
    """Estimate what decisions above each threshold lose: the weighted mean of their labels."""
    seen = above @ weights
    estimates: Floats = np.divide(above @ (weights * losses), seen, out=np.zeros_like(seen), where=seen > 0)
    return estimates
