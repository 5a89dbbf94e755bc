"""Intervals of scores: exact, from the evidence that the manifest keeps."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from andon.models import Intervals, RiskEvidence
from andon.models.intervals import BANDS, right_between
from andon.models.manifest import RiskRow
from andon.models.risk import evidence_of


@given(st.integers(1, 3000), st.data())
def test_the_interval_is_that_of_clopper_and_pearson(rows: int, data: st.DataObject) -> None:
    errors = data.draw(st.integers(0, rows))
    exact = binomtest(rows - errors, rows).proportion_ci(0.95, method="exact")
    assert right_between(rows, errors) == pytest.approx((exact.low, exact.high), abs=1e-9)


def test_nothing_is_said_where_no_row_was_held_out() -> None:
    assert right_between(0, 0) is None
    assert Intervals(RiskEvidence(table=(), rows=0)).of(0.9) is None
    one = Intervals(RiskEvidence(table=(RiskRow(threshold=0.8, planned=10, rows=10, errors=1),), rows=10))
    assert one.of(0.79) is None
    assert one.of(0.8) == one.of(1.0) == right_between(10, 1)


def test_the_score_of_the_unlikelier_class_has_what_is_left() -> None:
    one = Intervals(RiskEvidence(table=(RiskRow(threshold=0.5, planned=10, rows=10, errors=1),), rows=10))
    low, high = right_between(10, 1) or (0, 0)
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
