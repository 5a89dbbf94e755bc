"""Estimates without labels beside scikit-learn, on data where the confidences are true."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, roc_auc_score

from andon.monitors.label_free import estimate, expected_auc, reference_error


def summed(scores: np.ndarray) -> dict[str, float]:
    confidence = np.maximum(scores, 1 - scores)
    variance = float((confidence * (1 - confidence)).sum())
    return {"rows": len(scores), "sum": float(confidence.sum()), "variance": variance}


@given(st.floats(0.3, 5), st.floats(0.3, 5), st.integers(0, 2**31))
@settings(max_examples=60)
def test_the_estimate_is_near_the_truth_of_calibrated_scores(a: float, b: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.beta(a, b, 4000)
    labels = rng.random(4000) < scores
    found = estimate(summed(scores))
    assert found is not None
    error = 1 - accuracy_score(labels, scores > 0.5)
    width = found.high - found.low
    assert found.low - width <= error <= found.high + width
    if 50 < labels.sum() < 3950:
        edges = np.linspace(0, 1, 51)
        auc = expected_auc(edges.tolist(), np.histogram(scores, edges)[0].tolist())
        assert auc == pytest.approx(roc_auc_score(labels, scores), abs=0.08)


def test_the_interval_holds_the_truth_in_95_of_100_windows() -> None:
    rng = np.random.default_rng(5)
    held = 0
    for _ in range(1000):
        scores = rng.beta(0.5, 2, 500)
        labels = rng.random(500) < scores
        found = estimate(summed(scores))
        assert found is not None
        held += found.low <= 1 - accuracy_score(labels, scores > 0.5) <= found.high
    assert 920 <= held <= 980


def test_without_predictions_there_is_no_estimate() -> None:
    assert estimate({}) is None
    assert estimate({"rows": 0, "sum": 0.0, "variance": 0.0}) is None
    assert expected_auc([0.0, 0.5, 1.0], [0, 0]) is None
    assert reference_error([0.0, 0.5, 1.0], [0, 0], binary=True) is None


def test_the_reference_error_of_two_classes_and_of_more() -> None:
    assert reference_error([0.0, 0.2, 0.8, 1.0], [1, 0, 1], binary=True) == pytest.approx(0.1)
    assert reference_error([0.0, 0.2, 0.8, 1.0], [0, 0, 4], binary=False) == pytest.approx(0.1)
