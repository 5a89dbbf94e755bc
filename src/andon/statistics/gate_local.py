"""Tests of the error near each threshold, beside those of its whole region (`gate_proofs`).

A threshold is proven only where both hypotheses, "the region loses too much" and "its band loses too much", are
rejected. Each may be tested at the whole level: a wrong proof needs the rejection of one that is true
(intersection-union test, Berger 1982).
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from andon.statistics import gate_bands
from andon.statistics.betting import Floats, log_growth, log_wealth
from andon.statistics.binomial import clean_labels_needed
from andon.statistics.gate_looks import UNSEEN, LookSchedule


class LocalTests:
    """Evidence about the band next to each threshold. `bets` is the bets' part of the level, beside exact looks."""

    def __init__(self, thresholds: Floats, planned: Floats, bound: float, confidence: float, bets: float) -> None:
        self.bound, self._bets = bound, bets
        rows_are_planned = len(planned) > 0 and planned[-1] > 1.0
        fewest = gate_bands.tested_rows(clean_labels_needed(bound, confidence)) if rows_are_planned else 0
        self._tops = gate_bands.tops_of(planned, fewest)
        ceilings = np.where(self._tops >= 0, thresholds[self._tops], np.inf) if len(thresholds) else thresholds
        self._looks = LookSchedule(thresholds, bound, confidence, ceilings)

    def begin_with(self, rows: Floats, wrong: Floats) -> None:
        """Begin with the held-out rows above each threshold."""
        self._looks.begin_with(gate_bands.within(rows, self._tops), gate_bands.within(wrong, self._tops))

    def add(self, confidence: Floats, wrong: Floats) -> None:
        """Add labels that all had the same chance, in their order."""
        self._looks.add(confidence, wrong)

    def scores(self, above: Floats, losses: Floats, weights: Floats) -> tuple[Floats, NDArray[np.bool_]]:
        """Score each threshold for `gate_sequence` from labels above it by kind; say where the estimate is too high."""
        inside = gate_bands.within(above, self._tops)
        bets = log_wealth(inside @ log_growth(self.bound, losses, weights)) + np.log(self._bets)
        scores = np.maximum(bets, self._looks.scores + np.log1p(-self._bets))
        lapsed = inside @ (weights * losses) > self.bound * (inside @ weights)
        scores[lapsed] = UNSEEN
        return scores, lapsed

    def to_json(self) -> dict[str, list[float]]:
        """Describe the state by lists."""
        return self._looks.to_json()

    def restore(self, described: Mapping[str, Sequence[float]]) -> None:
        """Take over what `to_json` wrote."""
        self._looks.restore(described)


def local_errors(planned: Floats, above: Floats, losses: Floats, weights: Floats) -> Floats:
    """Estimate the loss of decisions in the band next to each threshold: the weighted mean of their labels, or 0."""
    inside = gate_bands.within(above, gate_bands.tops_of(planned, gate_bands.SHOWN if planned[-1:].sum() > 1.0 else 0))
    seen = inside @ weights
    estimates: Floats = np.divide(inside @ (weights * losses), seen, out=np.zeros_like(seen), where=seen > 0)
    return estimates
