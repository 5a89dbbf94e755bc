"""The series of an arm that have their own gates, and the evidence that feeds the prover of each. Pure."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from andon.authoring import MaxCost, RiskBound
from andon.evidence import AgedCase
from andon.models import RiskEvidence
from andon.proofs.domain import GateNews, SeriesKey
from andon.statistics.betting import Floats
from andon.statistics.binomial import clean_labels_needed
from andon.statistics.gate_proofs import STATE, GateProver, HeldOutTable, LabelBatch

AT_ONCE = 50
"""The news between two proofs if much arrives together: the detector watches the previously proven region."""


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
        rows = [] if self.evidence is None else [[row.planned, row.rows, row.errors] for row in self.evidence.table]
        begun = {"held_out": hashlib.sha256(json.dumps(rows).encode()).hexdigest()[:16]} if rows else {}
        return {
            "target": self.target,
            "confidence": self.risk.confidence,
            "costs": costs,
            "state": STATE,
            **local,
            **begun,
        }

    def prover(self, target: float | None = None) -> GateProver:
        """Return a prover that has seen no label, for another target if one is given."""
        counted = not isinstance(self.risk, MaxCost)
        target = (target or self.target) / self.risk.highest
        local = None if self.risk.local is None else max(self.risk.local, target)
        return GateProver(self._table(), target, self.risk.confidence, counted=counted, local=local)

    def concerns(self, one: AgedCase) -> bool:
        """Return whether a case belongs to the series."""
        in_segment = not self.key.segment or one.segment == self.key.segment
        return in_segment and self.key.predicted in ("", one.predicted)

    def batch(self, some: Sequence[AgedCase], *, weighted: bool = True) -> LabelBatch:
        """Return cases as the prover takes them; losses are parts of the greatest loss.

        Without `weighted`, each case counts by itself, although others of its subject do, too.
        """
        losses = [self.risk.loss(one.predicted, one.actual) / self.risk.highest for one in some]
        floors = [
            min((one.part_floor if self.key.segment else one.floor) * (one.weight if weighted else 1.0), one.propensity)
            for one in some
        ]
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
    prover: GateProver, series: GateSeries, news: Sequence[GateNews], broke_at: Sequence[datetime] = ()
) -> list[datetime]:
    """Show news to a prover in the order in which it became known: verdicts at once, cases at their age.

    Return for each break that was not refuted the time of the newest decision whose verdict showed that the error rose:
    what was decided until then says nothing about the time since. `broke_at` are those known before.
    """
    own, broke_at = [one for one in news if series.concerns(one.case)], list(broke_at)
    prover.region()
    for start in range(0, len(own), AT_ONCE):
        some = own[start : start + AT_ONCE]
        verdicts, cases = [one.case for one in some if one.is_verdict], [one.case for one in some if not one.is_verdict]
        if verdicts and prover.watch(series.batch(verdicts, weighted=False)):
            broke_at.append(max(one.decided_at for one in verdicts))
        last = broke_at[-1] if broke_at else None
        for before in (True, False):
            part = [one for one in cases if (last is not None and one.decided_at <= last) is before]
            if part:
                prover.update(series.batch(part), before_break=before)
        del broke_at[prover.breaks :]
        prover.region()
    return broke_at


def series_of(
    automation: str, arm: str, risk: RiskBound, evidence: RiskEvidence, segments: Sequence[dict[str, Any]]
) -> list[GateSeries]:
    """Return the series of an arm: the whole line, each class with its own bound, and the same for each segment."""
    series = []
    for segment in ({}, *segments):
        for predicted in ("", *sorted(risk.targets)):
            counted = evidence if not predicted else (evidence.by_class or {}).get(predicted)
            begins = counted if counted is not None and counted.rows and not segment else None
            series.append(
                GateSeries(
                    SeriesKey(automation, arm, segment, predicted),
                    risk,
                    risk.targets.get(predicted, risk.target),
                    evidence,
                    begins,
                )
            )
    return series
