"""Simulated lines for the benchmark of the risk gate: confidences, errors, and labels.

The truth of each line is known: error above a threshold is computed, not estimated. Labels are selective, as in life:
everything not automatic goes to people, a share of the automatic part is audited, and what is automatic depends on the
labels.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from andon.models.risk import THRESHOLDS
from andon.statistics.binomial import upper_bound_holds
from andon.statistics.gate_proofs import GateProver, HeldOutTable, LabelBatch

Floats = NDArray[np.float64]

TARGET, CONFIDENCE, AUDITED = 0.01, 0.95, 0.05
HELD_OUT, LOOKS, BETWEEN = 4_000, 40, 500


@dataclass(frozen=True, slots=True)
class SimulatedLine:
    """Confidences are `1 - u ** shape / 2` for a uniform u, and a decision is wrong with probability `wrong(u)`."""

    name: str
    wrong: Callable[[Floats], Floats]
    shape: float = 1.5
    judged: bool = True

    def draw(self, rng: Generator, rows: int) -> tuple[Floats, Floats]:
        """Draw confidences, and 1 where the decision is wrong."""
        u = rng.random(rows)
        return 1.0 - u**self.shape / 2, (rng.random(rows) < self.wrong(u)).astype(float)

    def share_above(self, threshold: float | None) -> float:
        """Compute the share of decisions that a threshold makes automatic."""
        return 0.0 if threshold is None else float(min(1.0, (2 * (1.0 - threshold)) ** (1 / self.shape)))

    def error_above(self, threshold: float) -> float:
        """Compute the true error above a threshold, by the midpoint rule."""
        share = self.share_above(threshold)
        points = (np.arange(4_000) + 0.5) / 4_000 * share
        return float(self.wrong(points).mean())


LINES = (
    SimulatedLine("steep", lambda u: 0.2 * u**4),
    SimulatedLine("images", lambda u: 0.6 * u**9),
    SimulatedLine("quadratic", lambda u: 0.05 * u**2),
    SimulatedLine("gentle", lambda u: 0.002 + 0.018 * u),
    SimulatedLine("confidently wrong", lambda u: np.where(u < 0.04, 0.03, 0.001 + 0.05 * u**3)),
    SimulatedLine("above target", lambda u: np.full(len(u), 1.02 * TARGET), judged=False),
)


def held_out_of(line: SimulatedLine, rng: Generator, rows: int = HELD_OUT) -> HeldOutTable:
    """Draw held-out rows as `models.risk` does: thresholds from one half, errors from the other."""
    planning, _ = line.draw(rng, rows)
    return table_of(planning, *line.draw(rng, rows))


def table_of(planning: Floats, confidence: Floats, wrong: Floats) -> HeldOutTable:
    """Count rows and errors above thresholds taken from `planning`."""
    thresholds = np.unique(np.quantile(planning, np.linspace(0.0, 1.0, THRESHOLDS), method="lower"))[::-1]
    ascending, order = np.sort(planning), np.argsort(-confidence)
    errors = np.concatenate([[0.0], np.cumsum(wrong[order])])
    above = np.searchsorted(-confidence[order], -thresholds, side="right")
    planned = len(confidence) / len(planning) * (len(planning) - np.searchsorted(ascending, thresholds, side="left"))
    return HeldOutTable(
        thresholds, planned.astype(np.float64), above.astype(np.float64), errors[above], float(len(confidence))
    )


@dataclass(frozen=True, slots=True)
class LineRun:
    """The result of one line: whether it exceeded the target, automatic shares at the compared looks, false alarms."""

    exceeded: bool
    shares: Sequence[float]
    exact: Sequence[float]
    breaks: int


def run(line: SimulatedLine, rng: Generator, compared: Sequence[int]) -> LineRun:
    """Run a line from held-out rows through all looks; at those `compared`, find what one exact look would prove."""
    table = held_out_of(line, rng)
    prover = GateProver(table, TARGET, CONFIDENCE)
    kept_rows, kept_losses, kept_total = table.rows.copy(), table.losses.copy(), table.total
    exceeded, shares, exact = False, [], []
    for look in range(LOOKS + 1):
        threshold = prover.region()
        exceeded = exceeded or (threshold is not None and line.error_above(threshold) > TARGET)
        if look in compared:
            shares.append(line.share_above(threshold))
            pooled = HeldOutTable(table.thresholds, table.planned, kept_rows, kept_losses, kept_total)
            exact.append(line.share_above(proven_at_once(pooled)))
        batch = labelled(*line.draw(rng, BETWEEN), threshold, AUDITED, rng)
        prover.update(batch, before_break=prover.watch(batch))
        thinned = rng.random(len(batch.losses)) < batch.weights()
        added = table_of_thresholds(table.thresholds, batch.confidence[thinned], batch.losses[thinned])
        kept_rows, kept_losses = kept_rows + added[0], kept_losses + added[1]
    return LineRun(exceeded, shares, exact, prover.prove().breaks)


def labelled(confidence: Floats, losses: Floats, threshold: float | None, audited: float, rng: Generator) -> LabelBatch:
    """Choose the decisions whose truth becomes known: all reviewed ones, and audits of the automatic part."""
    automatic = confidence >= (2.0 if threshold is None else threshold)
    propensities = np.where(automatic, audited, 1.0)
    seen = rng.random(len(confidence)) < propensities
    floors = np.full(int(seen.sum()), 1.0 if threshold is None else audited)
    return LabelBatch(confidence[seen], losses[seen], propensities[seen], floors)


def table_of_thresholds(thresholds: Floats, confidence: Floats, losses: Floats) -> tuple[Floats, Floats]:
    """Count labels and losses above each threshold."""
    order = np.argsort(-confidence)
    above = np.searchsorted(-confidence[order], -thresholds, side="right")
    return above.astype(float), np.concatenate([[0.0], np.cumsum(losses[order])])[above]


def proven_at_once(table: HeldOutTable) -> float | None:
    """Find what an exact binomial bound proves in one look at all labels: the fixed sequence of `models.risk`."""
    fewest = np.log(1.0 - CONFIDENCE) / np.log1p(-TARGET)
    proven = None
    for at in range(int(np.argmax(table.planned >= 3 * fewest)), len(table.rows)):
        if not upper_bound_holds(int(table.losses[at]), int(table.rows[at]), TARGET, 1.0 - CONFIDENCE):
            break
        proven = float(table.thresholds[at])
    return proven
