import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from andon.statistics.betting import log_growth
from andon.statistics.gate_tallies import LabelTally

THRESHOLDS = np.array([0.9, 0.7, 0.5])
LABELS = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1), st.floats(0.001, 1)), max_size=50)
WHOLE = st.lists(
    st.tuples(st.floats(0, 1), st.sampled_from([0.0, 1.0]), st.sampled_from([1.0, 0.5, 0.25])), max_size=50
)


def tally_of(labels: list[tuple[float, float, float]]) -> LabelTally:
    tally = LabelTally(THRESHOLDS)
    tally.add(*(np.array([label[at] for label in labels], float) for at in range(3)))
    return tally


def growth(tally: LabelTally) -> np.ndarray:
    above, losses, weights = tally.above()
    return above @ log_growth(0.01, losses, weights)


def own_growth(labels: list[tuple[float, float, float]], threshold: float) -> np.ndarray:
    inside = [(loss, weight) for confidence, loss, weight in labels if confidence >= threshold]
    losses, weights = (np.array([label[at] for label in inside], float) for at in (0, 1))
    return log_growth(0.01, losses, weights).sum(axis=0)


@settings(deadline=None)
@given(WHOLE)
def test_on_the_grid_nothing_is_lost(labels: list[tuple[float, float, float]]) -> None:
    found = growth(tally_of(labels))
    for at, threshold in enumerate(THRESHOLDS):
        np.testing.assert_allclose(found[at], own_growth(labels, threshold), atol=1e-9)


@settings(deadline=None)
@given(LABELS)
def test_between_points_of_the_grid_evidence_is_never_overstated(labels: list[tuple[float, float, float]]) -> None:
    tally = tally_of(labels)
    for at, threshold in enumerate(THRESHOLDS):
        assert (growth(tally)[at] <= own_growth(labels, threshold) + 1e-9).all()
    above, losses, weights = tally.above()
    assert above[-1].sum() == pytest.approx(len(labels))
    assert above[-1] @ (losses * weights) == pytest.approx(sum(loss * weight for _, loss, weight in labels), abs=1e-6)


@settings(deadline=None)
@given(LABELS, st.integers(0, 50))
def test_parts_merge_in_any_order(labels: list[tuple[float, float, float]], cut: int) -> None:
    parts = tally_of(labels[cut:])
    parts.merge(tally_of(labels[:cut]))
    np.testing.assert_allclose(parts.kinds, tally_of(labels).kinds, atol=1e-9)


@settings(deadline=None)
@given(LABELS)
def test_the_counts_survive_json(labels: list[tuple[float, float, float]]) -> None:
    tally = tally_of(labels)
    again = LabelTally.from_json(THRESHOLDS, json.loads(json.dumps(tally.to_json())))
    assert (again.kinds == tally.kinds).all()


def test_counted_rows_are_labels_of_full_weight() -> None:
    tally = LabelTally(THRESHOLDS)
    tally.add_counted(np.array([10.0, 20.0, 30.0]), np.array([0.0, 1.0, 4.0]), 40.0)
    rows = (
        [(0.95, 0.0)] * 10 + [(0.8, 0.0)] * 9 + [(0.8, 1.0)] + [(0.6, 0.0)] * 7 + [(0.6, 1.0)] * 3 + [(0.1, 0.0)] * 10
    )
    assert (tally.kinds == tally_of([(*row, 1.0) for row in rows]).kinds).all()
