"""The prover of a risk gate: which region of confidence is proven to keep a target today.

What a caller does:

    prover = GateProver(HeldOutTable(thresholds, planned, rows, losses, total), target=0.01, confidence=0.95)
    prover.update(LabelBatch(confidence, losses, propensities, floors))     # in the order of becoming known
    proof = prover.prove()                     # threshold, share, error, bound, labels, method, suspicion, breaks
    prover.curve()                             # the same for each threshold, and the labels still needed to prove it
    prover.to_json(); GateProver.from_json(described)

The hypothesis of a threshold is "the mean of (loss - target) over decisions with at least this confidence is above 0".
Thresholds are tested by a fixed sequence from narrow to wide (Learn then Test, Angelopoulos et al. 2021) that begins where
planned counts suffice; two narrower beginnings have a small part of the level, passed on where they succeed (the fallback
procedure, Wiens 2003). The loss of an automatic part is not monotone in the threshold, so nothing is searched by halves.

Half of the level is for one exact look at the held-out rows, which holds at a threshold until as many labels came in above it;
the other half for bets on held-out rows and labels together (`betting`), which hold whenever they are looked at. When the
detector (`gate_breaks`) finds that the automatic part got worse, all evidence of before is dropped, and with it the region.
Loss is 0 to 1: wrong or right, or a cost in parts of the greatest cost, the target scaled alike. What is bounded for one
predicted class or one segment has a prover of its own, with the decisions of that class or segment only.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import numpy as np

from andon.statistics import gate_breaks
from andon.statistics.betting import STAKES, Floats, log_growth, log_wealth, rates_for, upper_bound_of
from andon.statistics.binomial import clean_labels_needed, upper_bound, upper_bound_holds
from andon.statistics.gate_tallies import LabelTally

ENOUGH: Final = 3.0
"""Where a sequence begins, in multiples of the fewest rows that prove anything, so that a few errors end nothing."""

FIRST_SHARE: Final = 0.25
"""Where a sequence begins if there are never enough held-out rows: the share of decisions above the threshold."""

BEGINNINGS: Final = ((1.0, 0.8), (1 / 4, 0.15), (1 / 16, 0.05))
"""Where sequences begin, in parts of the first one's rows, and their parts of the level."""

ONE_LOOK: Final = 0.5
"""The part of the level that the one look at held-out rows has."""


class ProofMethod(StrEnum):
    """How a region was proven: by one exact look at held-out rows, or by bets that hold at any time."""

    EXACT = "exact"
    ANYTIME = "anytime"


@dataclass(frozen=True, slots=True)
class HeldOutTable:
    """Thresholds by falling confidence; above each: the rows planned beforehand, held-out rows, and how much they lost.

    `total` is the number of held-out rows in all. Without held-out rows, `planned` is the share expected above a threshold.
    """

    thresholds: Floats
    planned: Floats
    rows: Floats
    losses: Floats
    total: float


@dataclass(frozen=True, slots=True)
class LabelBatch:
    """Labels of decisions in the order in which they became known, and only of decisions whose labels were due by then.

    `losses` lie between 0 and 1. A propensity is the probability with which that decision was looked at: 1 for a review. A floor
    is the lowest propensity any decision could have had at that time: the share of audits, or 1 while all went to people.
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
class GateProof:
    """What is proven now. Without `threshold` nothing is, and the figures describe the narrowest region that is tested.

    `share` of decisions lie above the threshold and are wrong (or lose) at `error`, at most at `bound` with the confidence asked for.
    `suspicion` goes from 0 to 1, where the detector alarms. `breaks` counts its alarms.
    """

    threshold: float | None
    share: float
    error: float
    bound: float
    labels: int
    method: ProofMethod
    suspicion: float
    breaks: int


@dataclass(frozen=True, slots=True)
class RegionEvidence:
    """One point of the curve of automatic share against risk.

    `labels_needed` are the further labels above this threshold that prove it if they err as those so far; 0 if it is proven,
    None if they err too much.
    """

    threshold: float
    share: float
    error: float
    bound: float
    labels: int
    proven: bool
    labels_needed: int | None


class GateProver:
    """Evidence about one gate, updated with labels."""

    def __init__(self, table: HeldOutTable, target: float, confidence: float) -> None:
        if not (0.0 < target < 1.0 and 0.0 < confidence < 1.0):
            raise ValueError("target and confidence must lie between 0 and 1")
        self._table, self.target, self.confidence = table, target, confidence
        self._tally = LabelTally(table.thresholds)
        self._tally.add_counted(table.rows, table.losses, table.total)
        self._held_out = table.rows
        self._starts = _starts(table.planned, clean_labels_needed(target, confidence))
        self._once = _proven_once(table, target, (1.0 - confidence) * ONE_LOOK)
        self._suspicions = np.full(len(gate_breaks.rates_against(target)), gate_breaks.START)
        self._breaks = 0
        self._threshold: float | None = None

    @property
    def _level(self) -> float:
        """The level of the bets: all of it once no held-out rows count any more."""
        return (1.0 - self.confidence) * (1.0 if self._breaks else 1.0 - ONE_LOOK)

    def update(self, batch: LabelBatch) -> None:
        """Add labels. An alarm of the detector drops them with all before, and the region with them."""
        weights = batch.weights()
        first = 0
        if self._threshold is not None:
            automatic = np.flatnonzero(batch.confidence >= self._threshold)
            if len(automatic):
                self._suspicions, alarm = gate_breaks.followed(
                    self._suspicions, self.target, batch.losses[automatic], weights[automatic]
                )
                if alarm is not None:
                    first = int(automatic[alarm]) + 1
                    self._begin_again()
        self._tally.add(batch.confidence[first:], batch.losses[first:], weights[first:])

    def prove(self) -> GateProof:
        """Compute what is proven by now; the region found is the one the detector watches from now on."""
        above, losses, weights = self._tally.above()
        at, method = self._found(log_wealth(above[:-1] @ log_growth(self.target, losses, weights)))
        self._threshold = None if at is None else float(self._table.thresholds[at])
        shown = self._starts[0][0] if at is None else at
        if not len(self._table.thresholds):
            return GateProof(None, 0.0, 0.0, 1.0, 0, method, self.suspicion, self._breaks)
        share, error = _share_and_error(above, losses, weights)
        if method is ProofMethod.EXACT:
            bound = upper_bound(
                int(self._table.losses[shown]), int(self._table.rows[shown]), 1.0 - (1.0 - self.confidence) * ONE_LOOK
            )
        else:
            bound = upper_bound_of(above[shown], losses, weights, self._level)
        labels = round(float(above[shown].sum()))
        return GateProof(
            self._threshold,
            float(share[shown]),
            float(error[shown]),
            bound,
            labels,
            method,
            self.suspicion,
            self._breaks,
        )

    def curve(self) -> tuple[RegionEvidence, ...]:
        """Compute share, error and bound for each threshold, and what it takes to prove it."""
        above, losses, weights = self._tally.above()
        by_rate = above[:-1] @ log_growth(self.target, losses, weights)
        at, _ = self._found(log_wealth(by_rate))
        share, error = _share_and_error(above, losses, weights)
        points = []
        for row, threshold in enumerate(self._table.thresholds.tolist()):
            proven = at is not None and row <= at
            points.append(
                RegionEvidence(
                    threshold=threshold,
                    share=float(share[row]),
                    error=float(error[row]),
                    bound=upper_bound_of(above[row], losses, weights, self._level),
                    labels=round(float(above[row].sum())),
                    proven=proven,
                    labels_needed=0 if proven else self._needed(by_rate[row], float(error[row])),
                )
            )
        return tuple(points)

    @property
    def suspicion(self) -> float:
        """How near the detector is to its alarm: 0 to 1. Audits may grow with it."""
        whole = np.logaddexp.reduce(self._suspicions) - np.log(len(self._suspicions))
        return float(np.clip(whole / np.log(gate_breaks.PATIENCE), 0.0, 1.0))

    def to_json(self) -> dict[str, Any]:
        """Describe the whole state by numbers and lists."""
        table = self._table
        return {
            "thresholds": table.thresholds.tolist(),
            "planned": table.planned.tolist(),
            "rows": table.rows.tolist(),
            "losses": table.losses.tolist(),
            "total": table.total,
            "target": self.target,
            "confidence": self.confidence,
            "kinds": self._tally.to_json(),
            "suspicions": self._suspicions.tolist(),
            "breaks": self._breaks,
            "threshold": self._threshold,
        }

    @classmethod
    def from_json(cls, described: dict[str, Any]) -> "GateProver":
        """Read what `to_json` wrote."""
        arrays = [np.array(described[name], float) for name in ("thresholds", "planned", "rows", "losses")]
        prover = cls(HeldOutTable(*arrays, described["total"]), described["target"], described["confidence"])
        prover._tally = LabelTally.from_json(arrays[0], described["kinds"])
        prover._suspicions = np.array(described["suspicions"], float)
        prover._breaks, prover._threshold = described["breaks"], described["threshold"]
        if prover._breaks:
            prover._once = None
        return prover

    def _begin_again(self) -> None:
        self._tally = LabelTally(self._table.thresholds)
        self._once, self._threshold = None, None
        self._suspicions = np.full(len(self._suspicions), gate_breaks.START)
        self._breaks += 1

    def _found(self, wealth: Floats) -> tuple[int | None, ProofMethod]:
        """Find the widest proven threshold: by bets, or by the one look where few labels came since."""
        by_bets = _widest(wealth, self._starts, self._level)
        once = self._once
        if once is not None:
            live = np.cumsum(self._tally.kinds.sum(axis=1))[:-1] - self._held_out
            young = np.flatnonzero(live[: once + 1] < self._held_out[: once + 1])
            if len(young) and (by_bets is None or young[-1] > by_bets):
                return int(young[-1]), ProofMethod.EXACT
        return by_bets, ProofMethod.ANYTIME

    def _needed(self, by_rate: Floats, error: float) -> int | None:
        """Compute how many labels of weight 1 with this error are missing to a proof; None if there is no number."""
        rates, target = rates_for(self.target), self.target
        growth = error * np.log1p(-rates * (1.0 - target)) + (1.0 - error) * np.log1p(rates * target)
        growing = growth > 0
        if not growing.any():
            return None
        missing = -np.log(self._level) - np.log(STAKES) - by_rate
        return max(0, int(np.ceil((missing[growing] / growth[growing]).min())))


def _starts(planned: Floats, fewest: int) -> list[tuple[int, float]]:
    """Choose where sequences begin and their parts of the level, the main one first."""
    if not len(planned):
        return [(0, 1.0)]
    enough = ENOUGH * fewest if planned[-1] >= ENOUGH * fewest else FIRST_SHARE * planned[-1]
    return [(int(np.argmax(planned >= enough * part)), level) for part, level in BEGINNINGS]


def _widest(wealth: Floats, starts: Sequence[tuple[int, float]], level: float) -> int | None:
    """Walk down the sequences; each hands its part of the level on while its hypotheses are rejected."""
    parts = np.zeros(len(wealth))
    for start, part in starts:
        if len(parts):
            parts[start] += part
    held, widest = 0.0, None
    for at in range(min(start for start, _ in starts), len(wealth)):
        held += parts[at]
        if held > 0 and wealth[at] >= -np.log(level * held):
            widest = at
        else:
            held = 0.0
    return widest


def _proven_once(table: HeldOutTable, target: float, level: float) -> int | None:
    """Walk the sequence by exact tests of the held-out rows; None if nothing is proven, or if losses are not counts."""
    if not len(table.rows) or (table.losses % 1).any():
        return None
    proven = None
    first = _starts(table.planned, clean_labels_needed(target, 1.0 - level))[0][0]
    for at in range(first, len(table.rows)):
        if not upper_bound_holds(int(table.losses[at]), int(table.rows[at]), target, level):
            break
        proven = at
    return proven


def _share_and_error(above: Floats, losses: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Estimate which share of decisions lies above each threshold, and what they lose."""
    seen = above @ weights
    error = np.divide(above @ (weights * losses), seen, out=np.zeros_like(seen), where=seen > 0)
    return seen / max(seen[-1], 1e-300), error
