"""Label-free performance, held to scikit-learn and to drawn labels."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import roc_auc_score

from andon.models import measuring
from andon.models.calibration import Calibrator
from andon.statistics.calibration_test import check_calibration
from andon.statistics.label_free import LEAST_ROWS, estimate
from andon.statistics.scores import BINS, LabelledScores, ScoreSums

RNG = np.random.default_rng(3)


def measured(scores: np.ndarray) -> LabelledScores:
    """Measuring rows whose scores come true exactly as often as they say."""
    sums = LabelledScores.of(scores, np.zeros(len(scores), dtype=bool))
    return LabelledScores(np.vstack((sums.bins[:4], sums.bins[3:4])))


KNOWN = measured(RNG.beta(1, 2, 20_000))


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32 - 1))
def test_figures_are_those_of_every_row_weighted_with_both_labels(seed: int) -> None:
    """Each row counts as positive with weight p and as negative with 1 - p; scores are put on the bins' grid."""
    p = (np.random.default_rng(seed).integers(0, BINS, 300) + 0.5) / BINS
    chosen = p > 0.4
    found = estimate(ScoreSums.of(p, chosen), KNOWN).estimates
    twice, labels, weights = np.tile(p, 2), np.repeat([1, 0], 300), np.concatenate((p, 1 - p))
    assert found["roc_auc"].value == pytest.approx(roc_auc_score(labels, twice, sample_weight=weights))
    assert found["accuracy"].value == pytest.approx(np.where(chosen, p, 1 - p).mean())
    assert found["precision"].value == pytest.approx(p[chosen].mean())
    assert found["recall"].value == pytest.approx(p[chosen].sum() / p.sum())


def test_intervals_hold_the_true_figures_about_as_often_as_they_say() -> None:
    rng = np.random.default_rng(4)
    held = dict.fromkeys(("accuracy", "precision", "recall", "roc_auc"), 0)
    for _ in range(200):
        p = rng.beta(1, 2, 600)
        y, chosen = rng.random(600) < p, p > 0.5
        true = {
            "accuracy": (y == chosen).mean(),
            "precision": y[chosen].mean(),
            "recall": chosen[y].mean(),
            "roc_auc": roc_auc_score(y, p),
        }
        for name, one in estimate(ScoreSums.of(p, chosen), KNOWN).estimates.items():
            held[name] += one.low <= true[name] <= one.high
    assert all(0.9 <= count / 200 <= 1.0 for count in held.values()), held


def test_a_calibration_learnt_from_few_rows_gives_wider_intervals() -> None:
    sums = ScoreSums.of(RNG.beta(1, 2, 5000), np.zeros(5000, dtype=bool))
    few_rows = LabelledScores(KNOWN.bins / 20)
    many, few = (estimate(sums, known).estimates["roc_auc"] for known in (KNOWN, few_rows))
    assert few.high - few.low > 2 * (many.high - many.low)


def test_it_is_silent_where_its_assumption_is_broken() -> None:
    low, high = (np.clip(RNG.normal(at, 0.05, 1000), 0, 1) for at in (0.3, 0.8))
    known = measured(low)
    moved = estimate(ScoreSums.of(high, high > 0.5), known)
    assert moved.estimates == {}
    assert "calibration has seen too few" in moved.silent[0]
    labelled = check_calibration(LabelledScores.of(low, RNG.random(1000) < 0.7))
    rejected = estimate(ScoreSums.of(low, low > 0.5), known, labelled)
    assert rejected.estimates == {}
    assert "reject the calibration" in rejected.silent[0]
    assert estimate(ScoreSums.of(low, low > 0.5), known).estimates


@settings(deadline=None)
@given(arrays(np.float64, st.integers(0, 300), elements=st.floats(allow_nan=True)), st.booleans())
def test_no_scores_raise_an_exception(scores: np.ndarray, chosen: bool) -> None:
    found = estimate(ScoreSums.of(scores, np.full(len(scores), chosen)), KNOWN)
    assert found.estimates or found.silent
    for one in found.estimates.values():
        assert 0 <= one.low <= one.high <= 1


def test_without_measuring_rows_there_is_a_reason_and_no_figure() -> None:
    scores = ScoreSums.of(RNG.random(LEAST_ROWS), np.ones(LEAST_ROWS, dtype=bool))
    found = estimate(scores, LabelledScores.none())
    assert (found.estimates, len(found.silent)) == ({}, 1)


@pytest.mark.parametrize("shift", [0.0, 0.7])
@pytest.mark.parametrize(("held_out", "window"), [(400, 2_000), (1_000, 10_000), (4_000, 10_000)])
def test_intervals_of_a_model_calibrated_on_held_out_rows_miss_as_rarely_as_they_say(
    held_out: int, window: int, shift: float
) -> None:
    """A calibration is too sure of the rows it was fitted to: its own scores as the truth missed in half of the runs.

    At most 8% may be missed in the long run; of 80 runs, 12 are as many as that allows with 99% probability.
    """
    rng, runs = np.random.default_rng([held_out, round(10 * shift)]), 80
    missed, answered = dict.fromkeys(("accuracy", "precision", "recall"), 0), 0
    for _ in range(runs):
        raw, labels = _of_a_model(held_out, 0.0, rng)
        found = measuring.measured(raw, labels, 0.4, rng)
        tested = found.measuring
        own = LabelledScores.of(found.calibrated[tested, 1], labels[tested] == 1)
        raw, labels = _of_a_model(window, shift, rng)
        scores = Calibrator(found.fitted)(raw)[:, 1]
        chosen, positive = scores > 0.5, labels == 1
        true = {
            "accuracy": (chosen == positive).mean(),
            "precision": positive[chosen].mean(),
            "recall": chosen[positive].mean(),
        }
        estimates = estimate(ScoreSums.of(scores, chosen), own).estimates
        answered += bool(estimates)
        for name in missed.keys() & estimates.keys():
            missed[name] += not estimates[name].low <= true[name] <= estimates[name].high
    assert answered >= 0.9 * runs
    assert all(count <= 12 for count in missed.values()), missed


def _of_a_model(rows: int, shift: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return raw probabilities that rank well and say too much, and the classes."""
    odds = rng.normal(2 * shift - 0.5, 2.0, rows)
    raw = 1 / (1 + np.exp(-1.8 * odds - 0.6))
    return np.column_stack((1 - raw, raw)), (rng.random(rows) < 1 / (1 + np.exp(-odds))).astype(np.int64)


@given(arrays(np.float64, st.integers(0, 60), elements=st.floats(0, 1)), st.integers(0, 60))
def test_sums_of_parts_are_those_of_the_whole_and_are_read_back(scores: np.ndarray, cut: int) -> None:
    chosen = scores > 0.5
    whole = ScoreSums.of(scores, chosen)
    parts = ScoreSums.of(scores[:cut], chosen[:cut]) + ScoreSums.of(scores[cut:], chosen[cut:])
    again = ScoreSums.from_json(parts.to_json())
    for name in ("counts", "sums", "variances"):
        np.testing.assert_allclose(getattr(again, name), getattr(whole, name))
