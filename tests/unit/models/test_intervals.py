"""Intervals of scores: exact, from the evidence that the manifest keeps."""

import numpy as np
import pytest

from andon.models import Intervals, RiskEvidence
from andon.models.intervals import BANDS
from andon.models.manifest import RiskRow
from andon.models.risk import evidence_of
from andon.statistics.intervals import share_interval


def test_nothing_is_said_where_no_row_was_held_out() -> None:
    assert Intervals(RiskEvidence(table=(), rows=0)).of(0.9) is None
    one = Intervals(RiskEvidence(table=(RiskRow(threshold=0.8, planned=10, rows=10, errors=1),), rows=10))
    assert one.of(0.79) is None
    assert one.of(0.8) == one.of(1.0) == share_interval(9, 10)


def test_the_score_of_the_unlikelier_class_has_what_is_left() -> None:
    one = Intervals(RiskEvidence(table=(RiskRow(threshold=0.5, planned=10, rows=10, errors=1),), rows=10))
    low, high = share_interval(9, 10)
    assert one.of_score(0.9, 0.9) == (low, high)
    assert one.of_score(0.1, 0.9) == pytest.approx((1 - high, 1 - low))


def test_bands_have_about_as_many_rows_each() -> None:
    rng = np.random.default_rng(3)
    intervals = Intervals(evidence_of(rng.uniform(0.5, 1, 5000), rng.uniform(0.5, 1, 5000), np.zeros(5000, bool)))
    assert len(intervals._floors) == BANDS
    assert np.diff(intervals._floors) == pytest.approx(0.5 / BANDS, abs=0.01)


def test_the_interval_covers_the_truth_at_its_level() -> None:
    """Simulate 300 worlds of a model whose predictions of confidence c are right with probability c - 0.05."""
    rng, covered = np.random.default_rng(5), list[bool]()
    for _ in range(300):
        planning, confidence = rng.uniform(0.55, 1, 1000), rng.uniform(0.55, 1, 1000)
        intervals = Intervals(evidence_of(planning, confidence, rng.random(1000) > confidence - 0.05))
        ends = [*intervals._floors, 1.0]
        at = int(rng.integers(0, len(intervals._floors)))
        truth = (ends[at] + ends[at + 1]) / 2 - 0.05
        low, high = intervals.of(ends[at]) or (0.0, 0.0)
        covered.append(low <= truth <= high)
    assert np.mean(covered) >= 0.93
