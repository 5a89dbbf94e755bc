"""The calibration test, held to sums written out and to its level."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from andon.statistics.calibration_test import LEAST_ROWS, check_calibration
from andon.statistics.scores import LabelledScores


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32 - 1), st.integers(LEAST_ROWS, 400), st.floats(0.3, 3))
def test_the_three_views_are_what_their_formulas_say(seed: int, rows: int, power: float) -> None:
    rng = np.random.default_rng(seed)
    p = rng.beta(1, 2, rows)
    y = rng.random(rows) < p**power
    found = check_calibration(LabelledScores.of(p, y))
    mean = (y - p).sum() / np.sqrt((p * (1 - p)).sum())
    slope = ((y - p) * (1 - 2 * p)).sum() / np.sqrt(((1 - 2 * p) ** 2 * p * (1 - p)).sum())
    bins = np.minimum((p * 20).astype(int), 19)
    exact = []
    for at in np.unique(bins):
        k, n, q = int(y[bins == at].sum()), int((bins == at).sum()), p[bins == at].mean()
        exact.append(min(2 * min(stats.binom.sf(k - 1, n, q), stats.binom.cdf(k, n, q)), 1))
    views = [2 * stats.norm.sf(abs(mean)), 2 * stats.norm.sf(abs(slope)), min(min(exact) * len(exact), 1)]
    assert found.p_value == pytest.approx(min(3 * min(views), 1), rel=1e-6)
    assert found.slope_z == pytest.approx(slope)
    assert found.gap == pytest.approx((y - p).mean())


@pytest.mark.parametrize("weighted", [False, True])
def test_calibrated_scores_are_seldom_rejected_and_bold_ones_are(weighted: bool) -> None:
    rng = np.random.default_rng(5)

    def p_value(bold: float) -> float:
        true = rng.beta(2, 3, 800)
        shown = true**bold / (true**bold + (1 - true) ** bold)
        looked = np.where(rng.random(800) < 0.5, 1.0, 0.25) if weighted else np.ones(800)
        seen = rng.random(800) < looked
        sums = LabelledScores.of(shown[seen], rng.random(seen.sum()) < true[seen], 1 / looked[seen])
        return check_calibration(sums).p_value

    assert np.mean([p_value(1.0) <= 0.05 for _ in range(200)]) <= 0.09
    assert np.mean([p_value(2.5) <= 0.05 for _ in range(20)]) >= 0.9


@settings(deadline=None)
@given(arrays(np.float64, st.integers(0, 60), elements=st.floats(allow_nan=True)), st.integers(0, 60))
def test_no_scores_raise_an_exception_and_parts_add_up(scores: np.ndarray, cut: int) -> None:
    labels = np.arange(len(scores)) % 2 == 0
    whole = check_calibration(LabelledScores.of(scores, labels))
    parts = LabelledScores.of(scores[:cut], labels[:cut]) + LabelledScores.of(scores[cut:], labels[cut:])
    assert check_calibration(parts).p_value == pytest.approx(whole.p_value)
    assert 0 <= whole.p_value <= 1


def test_few_labels_reject_nothing_and_none_are_no_bins() -> None:
    wrong = LabelledScores.of(np.full(LEAST_ROWS - 1, 0.99), np.zeros(LEAST_ROWS - 1, dtype=bool))
    assert check_calibration(wrong).p_value == 1
    nothing = check_calibration(LabelledScores.none())
    assert (nothing.p_value, nothing.bins, nothing.rows) == (1.0, (), 0)


def test_scores_of_zero_that_come_true_are_rejected() -> None:
    sums = LabelledScores.of(np.zeros(100), np.ones(100, dtype=bool))
    assert check_calibration(sums).rejected(1e-6)
