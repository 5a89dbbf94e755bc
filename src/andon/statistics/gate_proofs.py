"""The prover of a risk gate: which region of confidence is proven to keep a target today.

How it is used:

    prover = GateProver(HeldOutTable(thresholds, planned, rows, losses, total), target=0.01, confidence=0.95)
    alarm = prover.watch(LabelBatch(confidence, losses, propensities, floors))   # each verdict as soon as it is known
    prover.update(batch)          # labels of decisions that reached a fixed age, in the order of their age
    proof = prover.prove()        # threshold, share, error, bound, labels, method, suspicion, breaks
    prover.region()               # the threshold alone: cheaper
    prover.curve()                # each threshold: share, error, bound, labels still needed, what stops it
    prover.to_json(); GateProver.from_json(described)

Evidence has two entrances. `watch` feeds the detector of breaks (`gate_breaks`) and can only close: it takes every
verdict at once. `update` opens and widens, so it takes a decision's label only when the decision has a fixed age,
whatever the verdict: otherwise the verdicts that come fast would be counted before the others. A decision is given to
each of them once. After an alarm (`watch` returned True), labels of decisions that were made before the alarm are given
with `before_break=True`: they say nothing about the time since.

A threshold is proven when "the mean of (loss - target) over decisions of at least this confidence is above 0" is
rejected (`gate_evidence`). A proof lapses when the estimate itself is above the target.

When the detector finds that the automatic part got worse, the region is closed and all evidence is set aside: a new
proof begins with the labels of decisions made from then on. If these refute the alarm (`gate_returns` says what that
takes, and what it promises), the evidence that was set aside, to which all labels since were added, is in force again,
and `breaks` is what it was before. So a false alarm costs a few days of reviews, and after a break the promise holds
from the alarm on: at most one chance in twenty (at 95%) that a new proof is wrong, and as much that a line whose error
rose to one and a half times the target or more gets its earlier evidence back.

A loss is 1 for a wrong decision and 0 for a right one; with `counted=False` it is any cost in parts of the greatest
one, the target scaled alike, and only bets are made. The errors of one predicted class or one segment have a prover of
their own, which sees the decisions of that class or segment only. With `local`, the band next to the threshold is
tested as well (`gate_local`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from andon.statistics import gate_breaks
from andon.statistics.betting import Floats
from andon.statistics.gate_evidence import (
    GateEvidence,
    GateGoal,
    HeldOutTable,
    LabelBatch,
    ProofMethod,
    RegionEvidence,
    StopReason,
)
from andon.statistics.gate_returns import AlarmTest

__all__ = [
    "STATE",
    "GateProof",
    "GateProver",
    "HeldOutTable",
    "LabelBatch",
    "ProofMethod",
    "RegionEvidence",
    "StopReason",
]

STATE: Final = 2
"""The number of the format that `to_json` writes; a prover of another one begins anew."""


@dataclass(frozen=True, slots=True)
class GateProof:
    """The present proof. Without `threshold` nothing is proven; the figures then describe the region tested first.

    `suspicion` goes from 0 to 1, where the detector alarms. `breaks` counts its alarms that were not refuted. While the
    newest one is in doubt, earlier evidence is set aside.
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
    in_doubt: bool = False


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
        self._goal = GateGoal(table, target, confidence, counted, local)
        self.target, self.confidence, self.counted = target, confidence, counted
        self._evidence = GateEvidence(self._goal)
        self._evidence.begin_held_out()
        self._aside: GateEvidence | None = None
        self._alarm: AlarmTest | None = None
        self._threshold: float | None = None
        self._suspicions = _calm(target)
        self.breaks = 0

    @property
    def suspicion(self) -> float:
        """How near the detector is to its alarm: 0 to 1. Audits may grow with it."""
        whole = np.logaddexp.reduce(self._suspicions) - np.log(len(self._suspicions))
        return float(np.clip(whole / np.log(gate_breaks.PATIENCE), 0.0, 1.0))

    @property
    def in_doubt(self) -> bool:
        """Whether evidence is set aside, and comes back if labels refute the newest alarm."""
        return self._aside is not None

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
        self._set_aside(self._threshold)
        return True

    def update(self, batch: LabelBatch, *, before_break: bool = False) -> None:
        """Add labels of decisions that reached their age; with `before_break`, of decisions before the last alarm."""
        weights = self._weights(batch)
        if before_break and self.breaks:
            if self._aside is not None:
                self._aside.add(batch, weights)
            return
        self._evidence.add(batch, weights)
        if self._alarm is not None:
            self._alarm.add(batch.confidence, batch.losses, weights)
        if self._aside is not None and self._alarm is not None:
            self._aside.add(batch, weights)
            if self._alarm.is_refuted:
                self._evidence, self._aside = self._aside, None
                self.breaks -= 1

    def region(self) -> float | None:
        """Find the lowest threshold that is proven by now. The detector watches that region until the next time."""
        proven = np.flatnonzero(self._evidence.proven())
        self._threshold = float(self._goal.table.thresholds[proven[-1]]) if len(proven) else None
        alarm = self._alarm if self.in_doubt else None
        if alarm is not None and self._threshold is not None and self._threshold <= alarm.threshold:
            self._aside, self._alarm = None, None  # proven anew: what came before the alarm is not needed any more
        return self._threshold

    def prove(self) -> GateProof:
        """Find the region that is proven by now, as `region` does, and describe it."""
        self.region()
        if not self._evidence.beginnings:
            return GateProof(None, 0.0, 0.0, 1.0, 0, ProofMethod.ANYTIME, None, self.suspicion, self.breaks)
        row = self._evidence.beginnings[0].row
        if self._threshold is not None:
            row = int(np.searchsorted(-self._goal.table.thresholds, -self._threshold))
        (at,) = self._evidence.regions(np.array([row]))
        return GateProof(
            self._threshold,
            at.share,
            at.error,
            at.bound,
            at.labels,
            at.method,
            at.labels_needed,
            self.suspicion,
            self.breaks,
            at.local_error,
            self.in_doubt,
        )

    def curve(self) -> tuple[RegionEvidence, ...]:
        """Compute share, error and bound for each threshold, and what it takes to prove it."""
        return self._evidence.regions(np.arange(len(self._goal.table.thresholds)))

    def to_json(self) -> dict[str, Any]:
        """Describe the whole state by numbers and lists."""
        return {
            "table": self._goal.table.to_json(),
            "target": self.target,
            "confidence": self.confidence,
            "counted": self.counted,
            "local": self._goal.local,
            "evidence": self._evidence.to_json(),
            "aside": None if self._aside is None else self._aside.to_json(),
            "alarm": None if self._alarm is None else self._alarm.to_json(),
            "suspicions": self._suspicions.tolist(),
            "threshold": self._threshold,
            "breaks": self.breaks,
        }

    @classmethod
    def from_json(cls, described: Mapping[str, Any]) -> "GateProver":
        """Read what `to_json` wrote."""
        table, target = HeldOutTable.from_json(described["table"]), described["target"]
        prover = cls(table, target, described["confidence"], counted=described["counted"], local=described["local"])
        goal, aside, alarm = prover._goal, described["aside"], described["alarm"]
        prover._evidence = GateEvidence.from_json(goal, described["evidence"])
        prover._aside = None if aside is None else GateEvidence.from_json(goal, aside)
        prover._alarm = None if alarm is None else AlarmTest.from_json(target, goal.level, alarm)
        prover._suspicions = np.array(described["suspicions"], float)
        prover._threshold, prover.breaks = described["threshold"], described["breaks"]
        return prover

    def _set_aside(self, threshold: float) -> None:
        """Begin without evidence after an alarm in the region in force.

        If a new proof had opened it, while an earlier alarm was in doubt, that one was right: what came before it is
        dropped.
        """
        earlier = None if self.in_doubt else self._alarm
        self._aside, self._evidence = self._evidence, GateEvidence(self._goal)
        self._alarm = AlarmTest(threshold, self.target, self._goal.level, earlier)
        self._threshold, self._suspicions = None, _calm(self.target)
        self.breaks += 1

    def _weights(self, batch: LabelBatch) -> Floats:
        weights = batch.weights()
        if self.counted and not ((batch.losses == 0.0) | (batch.losses == 1.0)).all():
            raise ValueError("a loss must be 0 or 1 where errors are counted")
        return weights


def _calm(target: float) -> Floats:
    return np.full(len(gate_breaks.rates_against(target)), gate_breaks.START)
