"""Exact binomial intervals over bands of confidence, for the true probability of a confident prediction.

The evidence of the risk gate counts errors on held-out rows above thresholds that were taken from other rows. The rows
between two of them are a band, and the errors in it a plain binomial, so the interval is exact (Clopper and Pearson
1934): for new rows like the held-out ones, it covers the share of right predictions in the band in 95 of 100 models. It
says nothing about a single row beyond its band, and pools all labels of a band.
"""

import itertools
from bisect import bisect_right
from collections.abc import Sequence

from andon.models.manifest import RiskEvidence, RiskRow
from andon.statistics.intervals import share_interval

BANDS = 20
"""The most bands; each has about as many rows as the next, as planned before the errors were counted."""

LEVEL = 0.95


class Intervals:
    """The bands of one model version."""

    def __init__(self, evidence: RiskEvidence) -> None:
        ends = _ends(evidence.table)
        self._floors = [row.threshold for row in reversed(ends)]
        counts = [(0, 0), *((row.rows, row.errors) for row in ends)]
        bands = [(rows - r, errors - e) for (r, e), (rows, errors) in itertools.pairwise(counts)]
        self._right = [share_interval(rows - errors, rows, LEVEL) if rows else None for rows, errors in reversed(bands)]

    def of(self, confidence: float) -> tuple[float, float] | None:
        """Return the interval of the probability that a prediction of this confidence is right.

        Returns None if no row was held out.
        """
        at = bisect_right(self._floors, confidence)
        return self._right[at - 1] if at else None

    def of_score(self, score: float, confidence: float) -> tuple[float, float] | None:
        """Return the interval of a score's probability; the less likely of two classes gets the complement."""
        right = self.of(confidence)
        if right is None or score == confidence:
            return right
        return 1.0 - right[1], 1.0 - right[0]


def _ends(table: Sequence[RiskRow]) -> list[RiskRow]:
    """Return the lowest threshold of each band, most confident band first.

    The choice rests on planned counts, never on the tested rows.
    """
    if not table:
        return []
    ends: list[RiskRow] = []
    for row in table:
        if row.planned * BANDS >= table[-1].planned * (len(ends) + 1):
            ends.append(row)
    if ends[-1] is not table[-1]:
        ends[-1] = table[-1]
    return ends
