"""The prover of a risk gate: which region of confidence is proven to keep a target today.

How it is used:

    prover = GateProver(HeldOutTable(thresholds, planned, rows, losses, total), target=0.01, confidence=0.95)
    alarm = prover.watch(LabelBatch(confidence, losses, propensities, floors))   # each verdict as soon as it is known
    prover.update(batch)          # labels of decisions that reached a fixed age, in the order of their age
    proof = prover.prove()        # threshold, share, error, bound, labels, method, suspicion, breaks
    prover.region()               # the threshold alone: cheaper
    prover.curve()                # each threshold: share, error, bound, labels still needed (`binomial.days_needed`)
    prover.to_json(); GateProver.from_json(described)

Evidence has two entrances. `watch` feeds the detector of breaks (`gate_breaks`) and can only close: it takes every
verdict at once. `update` opens and widens, so it takes a decision's label only when the decision has a fixed age,
whatever the verdict: otherwise the verdicts that come fast would be counted before the others. A decision is given to
each of them once. After an alarm (`watch` returned True, and `breaks` is one more), labels of decisions that were made
before the alarm are given with `before_break=True`: they say nothing about the time since.

A threshold is proven when "the mean of (loss - target) over decisions of at least this confidence is above 0" is
rejected. Two tests share the level: exact binomial looks when the labels have doubled (`gate_looks`), and bets that may
be checked after each label and weigh labels by their propensity (`betting`). `gate_sequence` keeps the level over all
thresholds. A proof lapses when the estimate itself is above the target. When the detector finds that the automatic part
got worse, all earlier evidence is dropped, and the region with it; the promise then holds from that time on.

A loss is 1 for a wrong decision and 0 for a right one; with `counted=False` it is any cost in parts of the greatest
one, the target scaled alike, and only bets are made. The errors of one predicted class or one segment have a prover of
their own, which sees the decisions of that class or segment only. With `local`, the band next to the threshold is
tested as well (`gate_local`).
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from andon.statistics import gate_breaks
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
class RegionEvidence:
    """The evidence about the region above one threshold: a point of the curve of automatic share against risk.

    `share` of decisions lie in it and lose `error`, at most `bound` with the confidence asked for. `labels_needed` are
    the further labels in it that prove it if they err as those so far; 0 if it is proven, None if they err too much.
    `local_error` is the error of the band next to the threshold.
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


@dataclass(frozen=True, slots=True)
class GateProof:
    """The present proof. Without `threshold` nothing is proven; the figures then describe the region tested first.

    `suspicion` goes from 0 to 1, where the detector alarms. `breaks` counts its alarms.
    """

    threshold: float | None
    share: float
    error: float
    bound: float
    labels: int
    method: ProofMethod
    labels_needed: int | None
    suspicion: float
    breaks: int
    local_error: float = 0.0


class GateProver:
    """Evidence about one gate, updated with labels."""

    def __init__(
        self,
        table: HeldOutTable,
        target: float,
        confidence: float,
        *,
        counted: bool = True,
        local: float | None = None,
    ) -> None:
        if not (0.0 < target < 1.0 and 0.0 < confidence < 1.0):
            raise ValueError("target and confidence must lie between 0 and 1")
        if local is not None and not (counted and target <= local < 1.0):
            raise ValueError("local bounds errors that are counted, and lies between the target and 1")
        self._table, self.target, self.confidence, self.counted = table, target, confidence, counted
        self._bets, self.local = BETS if counted else 1.0, local
        self._beginnings = beginnings_of(table.planned, clean_labels_needed(target, confidence))
        self._threshold: float | None = None
        self._breaks = -1
        self._begin()
        self._tally.add_counted(table.rows, table.losses, table.total)
        if counted:
            self._looks.begin_with(table.rows, table.losses)
        if self._near is not None:
            self._near.begin_with(table.rows, table.losses)

    @property
    def suspicion(self) -> float:
        """How near the detector is to its alarm: 0 to 1. Audits may grow with it."""
        whole = np.logaddexp.reduce(self._suspicions) - np.log(len(self._suspicions))
        return float(np.clip(whole / np.log(gate_breaks.PATIENCE), 0.0, 1.0))

    def watch(self, batch: LabelBatch) -> bool:
        """Have the detector follow verdicts in the region in force. An alarm, which is returned, closes it at once."""
        weights = self._weights(batch)
        if self._threshold is None:
            return False
        automatic = batch.confidence >= self._threshold
        if not automatic.any():
            return False
        self._suspicions, alarm = gate_breaks.followed(
            self._suspicions, self.target, batch.losses[automatic], weights[automatic]
        )
        if alarm is None:
            return False
        self._begin()
        return True

    def update(self, batch: LabelBatch, *, before_break: bool = False) -> None:
        """Add labels of decisions that reached their age; with `before_break`, of decisions before the last alarm."""
        weights = self._weights(batch)
        if before_break and self._breaks:
            return
        if self.counted:
            # Keep each label with the chance of the least likely: only then are they draws of one kind. The seed makes
            # it repeatable.
            kept = np.random.default_rng(self._tally.labels).random(len(weights)) < weights
            self._looks.add(batch.confidence[kept], batch.losses[kept])
            if self._near is not None:
                self._near.add(batch.confidence[kept], batch.losses[kept])
        self._tally.add(batch.confidence, batch.losses, weights)

    def region(self) -> float | None:
        """Find the lowest threshold that is proven by now. The detector watches that region until the next time."""
        proven = np.flatnonzero(self._proven())
        self._threshold = float(self._table.thresholds[proven[-1]]) if len(proven) else None
        return self._threshold

    def prove(self) -> GateProof:
        """Find the region that is proven by now, as `region` does, and describe it."""
        self.region()
        if not self._beginnings:
            return GateProof(None, 0.0, 0.0, 1.0, 0, ProofMethod.ANYTIME, None, self.suspicion, self._breaks)
        row = self._beginnings[0].row
        if self._threshold is not None:
            row = int(np.searchsorted(-self._table.thresholds, -self._threshold))
        (at,) = self._regions(np.array([row]))
        return GateProof(
            self._threshold,
            at.share,
            at.error,
            at.bound,
            at.labels,
            at.method,
            at.labels_needed,
            self.suspicion,
            self._breaks,
            at.local_error,
        )

    def curve(self) -> tuple[RegionEvidence, ...]:
        """Compute share, error and bound for each threshold, and what it takes to prove it."""
        self._proven()
        return self._regions(np.arange(len(self._table.thresholds)))

    def to_json(self) -> dict[str, Any]:
        """Describe the whole state by numbers and lists."""
        table = self._table
        return {
            "table": {name: getattr(table, name).tolist() for name in _COLUMNS} | {"total": table.total},
            "target": self.target,
            "confidence": self.confidence,
            "counted": self.counted,
            "local": self.local,
            "near": None if self._near is None else self._near.to_json(),
            "kinds": self._tally.to_json(),
            "looks": self._looks.to_json(),
            "suspicions": self._suspicions.tolist(),
            "held": self._held.tolist(),
            "threshold": self._threshold,
            "breaks": self._breaks,
        }

    @classmethod
    def from_json(cls, described: dict[str, Any]) -> "GateProver":
        """Read what `to_json` wrote."""
        columns = {name: np.array(described["table"][name], float) for name in _COLUMNS}
        table = HeldOutTable(**columns, total=described["table"]["total"])
        target, local = described["target"], described.get("local")
        prover = cls(table, target, described["confidence"], counted=described["counted"], local=local)
        if prover._near is not None:
            prover._near.restore(described["near"])
        prover._tally = LabelTally.from_json(table.thresholds, described["kinds"])
        prover._looks.restore(described["looks"])
        prover._suspicions = np.array(described["suspicions"], float)
        prover._held = np.array(described["held"], np.bool_)
        prover._threshold, prover._breaks = described["threshold"], described["breaks"]
        return prover

    def _begin(self) -> None:
        """Begin without evidence: at first, and after each break."""
        thresholds = self._table.thresholds
        self._tally = LabelTally(thresholds)
        self._looks = LookSchedule(thresholds, self.target, self.confidence)
        self._near = None
        if self.local is not None:
            self._near = LocalTests(thresholds, self._table.planned, self.local, self.confidence, self._bets)
        self._suspicions: Floats = np.full(len(gate_breaks.rates_against(self.target)), gate_breaks.START)
        self._held = np.zeros(len(thresholds), np.bool_)
        self._threshold = None
        self._breaks += 1

    def _weights(self, batch: LabelBatch) -> Floats:
        weights = batch.weights()
        if self.counted and not ((batch.losses == 0.0) | (batch.losses == 1.0)).all():
            raise ValueError("a loss must be 0 or 1 where errors are counted")
        return weights

    def _proven(self) -> NDArray[np.bool_]:
        """Test all thresholds; what was proven before stays so while its estimate is not above the target."""
        above, losses, weights = self._tally.above()
        scores = log_wealth(above[:-1] @ log_growth(self.target, losses, weights)) + np.log(self._bets)
        if self.counted:
            scores = np.maximum(scores, self._looks.scores + np.log1p(-BETS))
        lapsed = _errors(above, losses, weights)[:-1] > self.target
        if self._near is not None:
            nearby, too_high = self._near.scores(above[:-1], losses, weights)
            scores, lapsed = np.minimum(scores, nearby), lapsed | too_high
        scores[lapsed], self._held[lapsed] = UNSEEN, False
        proven = proven_rows(scores, self._beginnings, 1.0 - self.confidence, self._held)
        self._held |= proven
        return proven

    def _regions(self, rows: NDArray[np.int_]) -> tuple[RegionEvidence, ...]:
        above, losses, weights = self._tally.above()
        level = 1.0 - self.confidence
        bounds = by_bets = upper_bounds(above[rows], losses, weights, level * self._bets)
        if self.counted:
            bounds = np.minimum(by_bets, self._looks.bounds(rows, level * (1.0 - BETS)))
        by_rate = above[rows] @ log_growth(self.target, losses, weights)
        errors, seen = _errors(above, losses, weights)[rows], above @ weights
        nearby = local_errors(self._table.planned, above[:-1], losses, weights)[rows]
        found = []
        for at, row in enumerate(rows.tolist()):
            proven, error, bound = bool(self._held[row]), float(errors[at]), float(bounds[at])
            found.append(
                RegionEvidence(
                    threshold=float(self._table.thresholds[row]),
                    share=float(seen[row] / seen[-1]) if seen[-1] else 0.0,
                    error=error,
                    bound=min(bound, self.target) if proven else bound,
                    labels=round(float(above[row].sum())),
                    method=ProofMethod.ANYTIME if by_bets[at] <= bound else ProofMethod.EXACT,
                    proven=proven,
                    labels_needed=0 if proven else self._needed(by_rate[at], error),
                    local_error=float(nearby[at]),
                )
            )
        return tuple(found)

    def _needed(self, by_rate: Floats, error: float) -> int | None:
        """Forecast how many labels of weight 1 with this error bets still need; None if no number is enough."""
        rates = rates_for(self.target)
        growth = error * np.log1p(-rates * (1.0 - self.target)) + (1.0 - error) * np.log1p(rates * self.target)
        growing = growth > 0
        if not growing.any():
            return None
        missing = -np.log((1.0 - self.confidence) * self._bets) - np.log(STAKES) - by_rate
        return max(0, int(np.ceil((missing[growing] / growth[growing]).min())))


_COLUMNS = ("thresholds", "planned", "rows", "losses")


def _errors(above: Floats, losses: Floats, weights: Floats) -> Floats:
    """Estimate what decisions above each threshold lose: the weighted mean of their labels."""
    seen = above @ weights
    estimates: Floats = np.divide(above @ (weights * losses), seen, out=np.zeros_like(seen), where=seen > 0)
    return estimates
