"""The risk gate holds its promise on simulated lines, and uses as much of the evidence as it may."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binom

from andon.models.manifest import RiskEvidence
from andon.models.risk import evidence_of, threshold_for

Floats = NDArray[np.float64]


def error_share(confidence: Floats, slope: float) -> Floats:
    """How often a prediction of this confidence is truly wrong: miscalibrated on purpose."""
    return np.clip((1 - confidence) * slope, 0, 1)


def a_line(rng: np.random.Generator, rows: int, slope: float) -> tuple[Floats, NDArray[np.bool_]]:
    """Confidences and errors of a simulated line."""
    confidence = 1 - rng.beta(1.0, 6.0, rows) / 2
    return confidence, rng.random(rows) < error_share(confidence, slope)


def evidence(rng: np.random.Generator, rows: int, slope: float) -> RiskEvidence:
    planning, _ = a_line(rng, rows, slope)
    return evidence_of(planning, *a_line(rng, rows, slope))


@pytest.mark.parametrize(("target", "slope"), [(0.02, 0.8), (0.05, 1.0), (0.05, 2.0), (0.1, 1.5)])
def test_the_true_error_exceeds_the_target_no_more_often_than_the_confidence_allows(
    target: float, slope: float
) -> None:
    rng = np.random.default_rng(7)
    population, _ = a_line(rng, 400_000, slope)
    population.sort()
    errors_above = np.cumsum(error_share(population, slope)[::-1])[::-1]
    repetitions, exceeded, used = 400, 0, 0
    for _ in range(repetitions):
        threshold = threshold_for(evidence(rng, 1500, slope), target, 0.9)
        if threshold is not None:
            first = np.searchsorted(population, threshold)
            used += 1
            exceeded += errors_above[first] / (len(population) - first) > target
    assert used > repetitions / 2
    # 10% are allowed; more than 56 of 400 would come by chance once in a hundred lines that just keep it.
    assert exceeded <= binom.ppf(0.99, repetitions, 0.1)


def test_with_much_evidence_the_threshold_comes_close_to_the_best_possible() -> None:
    rng = np.random.default_rng(3)
    threshold = threshold_for(evidence(rng, 40_000, 1.0), 0.05, 0.95)
    population, _ = a_line(rng, 400_000, 1.0)
    population.sort()
    running = np.cumsum(error_share(population, 1.0)[::-1]) / np.arange(1, len(population) + 1)
    best = population[::-1][np.searchsorted(running, 0.05) - 1]
    assert threshold is not None
    assert best <= threshold <= best + 0.02


def test_nothing_is_safe_without_evidence_or_with_a_bad_model() -> None:
    rng = np.random.default_rng(1)
    assert threshold_for(evidence(rng, 40, 0.1), 0.01, 0.95) is None
    confidence = np.full(5000, 0.9)
    assert threshold_for(evidence_of(confidence, confidence, rng.random(5000) < 0.5), 0.05, 0.95) is None
    assert threshold_for(RiskEvidence(table=(), rows=0), 0.05, 0.95) is None


def test_a_faultless_model_is_wholly_safe() -> None:
    confidence = np.linspace(0.5, 1, 2000)
    found = evidence_of(confidence, confidence, np.zeros(2000, dtype=np.bool_))
    assert threshold_for(found, 0.01, 0.95) == 0.5


def test_the_table_stays_compact() -> None:
    found = evidence(np.random.default_rng(2), 50_000, 1.0)
    assert len(found.table) <= 200
    assert [row.threshold for row in found.table] == sorted((row.threshold for row in found.table), reverse=True)
    assert found.table[-1].planned == 50_000
