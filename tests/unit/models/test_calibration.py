"""Calibrated probabilities mean what they say and keep the order of the raw ones."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from andon.models.calibration import MINIMUM, Calibrator, fit
from andon.models.manifest import Calibration, Curve


def two(positive: NDArray[np.float64]) -> NDArray[np.float64]:
    """P(positive) as a matrix."""
    return np.column_stack((1 - positive, positive))


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 2**32 - 1), st.integers(30, 400))
def test_a_higher_raw_score_never_gets_a_lower_probability_and_none_is_certain(seed: int, rows: int) -> None:
    rng = np.random.default_rng(seed)
    raw = rng.random(rows)
    calibrate = Calibrator(fit(two(raw), (rng.random(rows) < raw).astype(np.int64)))
    calibrated = calibrate(two(np.linspace(0, 1, 200)))
    assert (np.diff(calibrated[:, 1]) >= 0).all()
    if calibrate._curves:
        assert 0 < calibrated.min() < calibrated.max() < 1
    np.testing.assert_allclose(calibrated.sum(axis=1), 1)


curves = st.lists(
    st.tuples(st.floats(0, 1, allow_subnormal=False), st.floats(0, 1, allow_subnormal=False)),
    min_size=1,
    max_size=60,
    unique_by=lambda point: point[0],
).map(sorted)


@given(curves, st.lists(st.floats(-0.001, 1.001), max_size=40), st.data())
def test_between_its_points_a_curve_is_what_numpy_makes_of_it_also_for_a_single_row(
    points: list[tuple[float, float]], others: list[float], data: st.DataObject
) -> None:
    x, y = zip(*points, strict=True)
    raw = two(np.array([*others, *data.draw(st.lists(st.sampled_from(x)))]))
    calibrate = Calibrator(Calibration(curves=(Curve(x=x, y=y),), rows=40))
    expected = np.interp(raw[:, 1], x, y)
    np.testing.assert_array_equal(calibrate(raw), two(expected))
    assert calibrate.of_two(raw.tolist()) == [tuple(pair) for pair in two(expected).tolist()]
    assert [calibrate.of_two([row])[0] for row in raw.tolist()] == calibrate.of_two(raw.tolist())


def test_an_overconfident_score_becomes_the_true_frequency() -> None:
    rng = np.random.default_rng(5)
    truth = rng.random(40_000)
    labels = (rng.random(40_000) < truth).astype(np.int64)
    overconfident = truth**3 / (truth**3 + (1 - truth) ** 3)
    calibrated = Calibrator(fit(two(overconfident[:20_000]), labels[:20_000]))(two(overconfident[20_000:]))[:, 1]
    assert np.abs(overconfident[20_000:] - truth[20_000:]).mean() > 0.1
    assert np.abs(calibrated - truth[20_000:]).mean() < 0.02


def test_calibration_keeps_the_ranking_that_isotonic_steps_would_destroy() -> None:
    rng = np.random.default_rng(6)
    raw = np.sort(rng.random(2000))
    calibrate = Calibrator(fit(two(raw), (rng.random(2000) < raw).astype(np.int64)))
    assert len(np.unique(calibrate(two(raw))[:, 1])) > 0.8 * len(raw)


def test_too_few_rows_of_a_class_leave_the_raw_scores_and_say_so() -> None:
    raw = two(np.linspace(0, 1, 50))
    labels = np.zeros(50, dtype=np.int64)
    labels[-(MINIMUM - 1) :] = 1
    fitted = fit(raw, labels)
    assert "Too few rows" in fitted.note
    np.testing.assert_array_equal(Calibrator(fitted)(raw), raw)


def test_each_of_many_classes_has_its_curve_and_rows_add_up_to_one() -> None:
    rng = np.random.default_rng(8)
    raw = rng.dirichlet((1, 2, 3), 3000)
    labels = np.array([rng.choice(3, p=row) for row in raw])
    sharpened = raw**2 / (raw**2).sum(axis=1, keepdims=True)
    calibrated = Calibrator(fit(sharpened, labels))(sharpened)
    np.testing.assert_allclose(calibrated.sum(axis=1), 1)
    assert np.abs(calibrated - raw).mean() < np.abs(sharpened - raw).mean() / 2


def test_a_rare_class_among_many_keeps_its_raw_score() -> None:
    rng = np.random.default_rng(9)
    raw = rng.dirichlet((5, 5, 0.05), 400)
    labels = rng.integers(0, 2, 400)
    labels[:3] = 2
    fitted = fit(raw, labels)
    assert fitted.note
    assert fitted.curves[2].x == (0.0, 1.0)
