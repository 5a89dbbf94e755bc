"""The figures are scikit-learn's figures, with intervals that cover the truth."""

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn import metrics as reference

from andon.models.metrics import metrics_of


def scored(rows: int, seed: int = 1) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Calibrated scores with many ties, and labels."""
    rng = np.random.default_rng(seed)
    score = np.round(rng.beta(1, 4, rows), 2).clip(0.005, 0.995)
    return score, (rng.random(rows) < score).astype(np.int64)


def two(score: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.column_stack((1 - score, score))


def test_binary_figures_are_those_of_scikit_learn() -> None:
    score, labels = scored(3000)
    found = metrics_of(two(score), labels, ("no", "yes"), rng=np.random.default_rng(0)).estimates
    expected = {
        "roc_auc": reference.roc_auc_score(labels, score),
        "average_precision": reference.average_precision_score(labels, score),
        "log_loss": reference.log_loss(labels, score),
        "brier": reference.brier_score_loss(labels, score),
        "accuracy": reference.accuracy_score(labels, score > 0.5),
    }
    assert {name: found[name].value for name in expected} == pytest.approx(expected)
    assert found["ece"].value < 0.03
    assert all(estimate.low <= estimate.value <= estimate.high or name == "ece" for name, estimate in found.items())


def test_multiclass_figures_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(2)
    probabilities = rng.dirichlet((1, 2, 3), 1000)
    labels = np.array([rng.choice(3, p=row) for row in probabilities])
    found = metrics_of(probabilities, labels, ("a", "b", "c"), rng=rng)
    chosen = probabilities.argmax(axis=1)
    expected = {
        "accuracy": reference.accuracy_score(labels, chosen),
        "macro_f1": reference.f1_score(labels, chosen, average="macro"),
        "log_loss": reference.log_loss(labels, probabilities),
    }
    assert {name: estimate.value for name, estimate in found.estimates.items()} == pytest.approx(expected)
    assert found.class_counts == dict(zip("abc", np.bincount(labels).tolist(), strict=True))


def test_intervals_cover_the_true_value_about_as_often_as_they_say() -> None:
    score, labels = scored(200_000, seed=9)
    truth = reference.roc_auc_score(labels, score)
    rng, covered = np.random.default_rng(4), 0
    for seed in range(100):
        sample = metrics_of(*_pair(300, seed + 100), ("no", "yes"), rng=rng).estimates["roc_auc"]
        covered += sample.low <= truth <= sample.high
    assert covered >= 85


def test_curves_run_from_corner_to_corner_and_stay_small() -> None:
    score, labels = scored(5000)
    found = metrics_of(two(score), labels, ("no", "yes"), rng=np.random.default_rng(0))
    assert found.roc is not None
    assert found.precision_recall is not None
    assert (found.roc.x[0], found.roc.y[0], found.roc.x[-1], found.roc.y[-1]) == (0, 0, 1, 1)
    assert len(found.roc.x) <= 101
    assert found.precision_recall.y[-1] == pytest.approx(labels.mean())


def test_a_single_class_leaves_out_what_cannot_be_computed() -> None:
    score, _ = scored(50)
    found = metrics_of(two(score), np.zeros(50, dtype=np.int64), ("no", "yes"), rng=np.random.default_rng(0))
    assert "roc_auc" not in found.estimates
    assert found.roc is None
    assert found.estimates["accuracy"].value == (score <= 0.5).mean()


def _pair(rows: int, seed: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    score, labels = scored(rows, seed)
    return two(score), labels
