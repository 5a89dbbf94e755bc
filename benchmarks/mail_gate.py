"""The gate of a line over a stream of mails: proven on held-out rows, then on the labels that people give. No oracle.

The labels of a batch are known when the next one comes: who works off a folder says of each mail whose it was.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from andon.models.manifest import RiskEvidence
from andon.statistics.gate_proofs import GateProver, HeldOutTable, LabelBatch
from benchmarks.mail_side import Answers

TARGET, CONFIDENCE = 0.05, 0.95
BATCH = 25
NOTHING = 2.0


@dataclass(frozen=True, slots=True)
class Passed:
    """What came of a stream: which mails were automatic, and which answers were wrong."""

    automatic: NDArray[np.bool_]
    wrong: NDArray[np.bool_]

    @property
    def share(self) -> float:
        """The automatic share."""
        return float(self.automatic.mean()) if len(self.automatic) else 0.0

    @property
    def error(self) -> float:
        """The error of the automatic part; 0 if there is none."""
        return float(self.wrong[self.automatic].mean()) if self.automatic.any() else 0.0

    def part(self, first: int, last: int | None = None) -> "Passed":
        """Return a part of the stream."""
        return Passed(self.automatic[first:last], self.wrong[first:last])


def through_gate(evidence: RiskEvidence, answers: Answers, batch: int = BATCH) -> Passed:
    """Send answers through a gate that begins with held-out evidence and learns from each batch's labels."""
    prover = GateProver(_table(evidence), TARGET, CONFIDENCE)
    automatic = np.zeros(len(answers.wrong), np.bool_)
    for first in range(0, len(automatic), batch):
        part = slice(first, first + batch)
        threshold = prover.region()
        automatic[part] = answers.confidence[part] >= (NOTHING if threshold is None else threshold)
        ones = np.ones(len(automatic[part]))
        prover.update(LabelBatch(answers.confidence[part], answers.wrong[part].astype(float), ones, ones))
    return Passed(automatic, answers.wrong)


def mails_until_back(passed: Passed, batch: int = BATCH) -> int | None:
    """Return after how many mails the automatic part keeps the target for the whole rest; None if it never does."""
    starts = range(0, len(passed.wrong), batch)
    return next((first for first in starts if passed.part(first).error <= TARGET), None)


def by_oracle(answers: Answers) -> float:
    """Return the automatic share of somebody who knows all errors before and chooses one threshold."""
    order = np.argsort(-answers.confidence, kind="stable")
    errors = np.cumsum(answers.wrong[order]) / np.arange(1, len(order) + 1)
    within = np.flatnonzero(errors <= TARGET)
    return float(within[-1] + 1) / len(order) if len(within) else 0.0


def _table(evidence: RiskEvidence) -> HeldOutTable:
    rows: Sequence[Sequence[float]] = [(one.threshold, one.planned, one.rows, one.errors) for one in evidence.table]
    thresholds, planned, counted, errors = np.array(rows, float).reshape(-1, 4).T
    return HeldOutTable(thresholds, planned, counted, errors, evidence.rows)
