"""The series of an arm that have their own gates, and the evidence that feeds the prover of each. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from andon.authoring import MaxCost, RiskBound
from andon.models import RiskEvidence
from andon.proofs.domain import GateEvidence, SeriesKey
from andon.statistics.betting import Floats
from andon.statistics.binomial import clean_labels_needed
from andon.statistics.gate_proofs import GateProver, HeldOutTable, LabelBatch

AT_ONCE = 50
"""The labels between two proofs if many arrive together: the detector watches the previously proven region."""


@dataclass(frozen=True, slots=True)
class GateSeries:
    """One series with its bound.

    `evidence` are the held-out rows with which it starts; None if the series has none of its own.
    """

    key: SeriesKey
    risk: RiskBound
    target: float
    whole: RiskEvidence
    evidence: RiskEvidence | None

    @property
    def thresholds(self) -> list[float]:
        """The thresholds that are tested, falling."""
        return [row.threshold for row in (self.evidence or self.whole).table]

    @property
    def bound(self) -> dict[str, Any]:
        """The purpose of a saved prover, which restarts if this changes."""
        costs = (
            sorted([*pair, cost] for pair, cost in self.risk.costs.items()) if isinstance(self.risk, MaxCost) else []
        )
        local = {} if self.risk.local is None else {"local": self.risk.local}
        return {"target": self.target, "confidence": self.risk.confidence, "costs": costs, **local}

    def prover(self, target: float | None = None) -> GateProver:
        """Return a prover that has seen no label, for another target if one is given."""
        counted = not isinstance(self.risk, MaxCost)
        target = (target or self.target) / self.risk.highest
        local = None if self.risk.local is None else max(self.risk.local, target)
        return GateProver(self._table(), target, self.risk.confidence, counted=counted, local=local)

    def concerns(self, one: GateEvidence) -> bool:
        """Return whether a piece of evidence belongs to the series."""
        in_segment = not self.key.segment or one.segment == self.key.segment
        return in_segment and self.key.predicted in ("", one.predicted)

    def batch(self, some: Sequence[GateEvidence]) -> LabelBatch:
        """Return evidence as the prover takes it; losses are parts of the greatest loss."""
        losses = [self.risk.loss(one.predicted, one.actual) / self.risk.highest for one in some]
        floors = [one.part_floor if self.key.segment else one.floor for one in some]
        return LabelBatch(
            np.array([one.confidence for one in some]),
            np.array(losses, float),
            np.array([one.propensity for one in some]),
            np.array(floors, float),
        )

    def rows_above(self, threshold: float) -> int:
        """Return how many held-out rows count above a threshold."""
        rows = [] if self.evidence is None else self.evidence.table
        return next((row.rows for row in reversed(rows) if row.threshold >= threshold), 0)

    def enough(self, threshold: float) -> int:
        """Return how many labels above a threshold take the place of held-out evidence."""
        fewest = 3 * clean_labels_needed(self.target / self.risk.highest, self.risk.confidence)
        return self.rows_above(threshold) if self.evidence is not None else fewest

    def _table(self) -> HeldOutTable:
        table = self.whole.table if self.evidence is None else self.evidence.table
        thresholds, planned = _array([row.threshold for row in table]), _array([row.planned for row in table])
        if self.evidence is None:
            nothing = np.zeros(len(table))
            return HeldOutTable(thresholds, planned / max([1.0, *planned[-1:]]), nothing, nothing, 0)
        rows, losses = _array([row.rows for row in table]), _array([row.errors for row in table])
        return HeldOutTable(thresholds, planned, rows, losses, self.evidence.rows)


def _array(values: Sequence[float]) -> Floats:
    return np.array(values, float)


def advance(
    prover: GateProver,
    series: GateSeries,
    found: Sequence[tuple[int, GateEvidence]],
    broke: Callable[[int], None] | None = None,
) -> None:
    """Show evidence to a prover in order.

    `broke` gets the position after which it restarted, because the error rose.
    """
    own = [(position, one) for position, one in found if series.concerns(one)]
    prover.region()
    for start in range(0, len(own), AT_ONCE):
        some = own[start : start + AT_ONCE]
        batch = series.batch([one for _, one in some])
        alarm = prover.watch(batch)
        prover.update(batch, before_break=alarm)
        prover.region()
        if alarm and broke is not None:
            broke(some[-1][0])


def series_of(
    automation: str, arm: str, risk: RiskBound, evidence: RiskEvidence, segments: Sequence[dict[str, Any]]
) -> list[GateSeries]:
    """Return the series of an arm: the whole line, each class with its own bound, and the same for each segment."""
    series = []
    for segment in ({}, *segments):
        for predicted in ("", *sorted(risk.targets)):
            by_class = evidence if not predicted else (evidence.by_class or {}).get(predicted)
            series.append(
                GateSeries(
                    SeriesKey(automation, arm, segment, predicted),
                    risk,
                    risk.targets.get(predicted, risk.target),
                    evidence,
                    by_class if not segment else None,
                )
            )
    return series
