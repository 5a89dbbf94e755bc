"""Windows compared with a reference: level, power, effects, and odd data."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from andon.statistics.dispersion import LEAST, Dispersion
from andon.statistics.histograms import Histograms, category, measured, numeric, reference_of
from andon.statistics.shifts import WEIGHTS, compare

RNG = np.random.default_rng(31)
VALUES = RNG.normal(size=20_000)
KNOWN = reference_of(
    [measured("number", VALUES), numeric("flag", (0, 0.5, 1), (1980, 20)), category("kind", {"a": 900, "b": 100}, 10)]
)


def window(rows: int, rng: np.random.Generator, by: float = 0.0) -> Histograms:
    matrix = np.column_stack(
        (rng.normal(by, 1, rows), rng.random(rows) < 0.01, np.where(rng.random(rows) < 0.9, 0.0, 1.0))
    )
    matrix[rng.random(rows) < 0.01, 2] = np.nan
    return KNOWN.binning.count(matrix)


def test_the_weights_of_the_tests_are_all_of_the_level() -> None:
    assert sum(WEIGHTS.values()) == pytest.approx(1)


@pytest.mark.parametrize("rows", [30, 300])
def test_an_unchanged_window_seldom_gets_a_small_p_value(rows: int) -> None:
    rng = np.random.default_rng(4)
    least = np.array([compare(KNOWN, window(rows, rng)).adjusted.min() for _ in range(200)])
    assert (least <= 0.05).mean() <= 0.09
    assert (least <= 0.001).sum() <= 2


def test_a_shift_is_found_named_and_measured() -> None:
    found = compare(KNOWN, window(2000, np.random.default_rng(8), by=0.3)).shifts()[0]
    assert (found.name, found.test) == ("number", "mean")
    assert found.p_value < 1e-8
    assert found.effect == pytest.approx(0.3, abs=0.06)


def test_the_p_value_of_a_feature_is_bonferronis_over_weighted_tests_and_features() -> None:
    comparison = compare(KNOWN, window(500, np.random.default_rng(2)))
    for found in comparison.shifts():
        bound = min(p / WEIGHTS[test] for test, p in found.tests.items()) * len(KNOWN.binning.features)
        assert found.p_value == pytest.approx(min(bound, 1))


@settings(deadline=None)
@given(arrays(np.float64, st.tuples(st.integers(0, 30), st.just(3)), elements=st.floats(allow_nan=True)))
def test_no_values_raise_an_exception(matrix: np.ndarray) -> None:
    for found in compare(KNOWN, KNOWN.binning.count(matrix)).shifts():
        assert 0 <= found.p_value <= 1


@pytest.mark.parametrize(
    "feature",
    [
        numeric("x", (), ()),
        numeric("x", (), (), missing=500),
        numeric("x", (3.0, 3.0), (1000,)),
        numeric("x", (float("nan"), 1.0), (5,)),
        category("x", {}),
        category("x", {"only": 1000}),
    ],
    ids=["no reference", "all missing", "constant", "broken edges", "no category", "one category"],
)
def test_a_reference_that_says_little_gives_no_alarm_for_what_is_like_it(feature: object) -> None:
    reference = reference_of([feature])  # type: ignore[list-item]
    bins = reference.binning.features[0]
    value = 3.0 if bins.edges else 0.0 if bins.categories else np.nan
    for matrix in (np.full((200, 1), value), np.empty((0, 1))):
        assert compare(reference, reference.binning.count(matrix)).adjusted.tolist() == [1.0]


def test_no_features_and_no_rows_are_no_alarm() -> None:
    nothing = reference_of([])
    assert compare(nothing, nothing.binning.empty()).shifts() == []
    assert compare(KNOWN, KNOWN.binning.empty()).adjusted.tolist() == [1.0] * 3


def test_infinite_values_are_found_as_missing_and_new_categories_as_outside() -> None:
    matrix = np.column_stack((np.full(50, np.inf), np.zeros(50), np.full(50, -1.0)))
    number, _, kind = compare(KNOWN, KNOWN.binning.count(matrix)).shifts()
    assert (number.test, kind.test) == ("missing", "outside")
    assert max(number.p_value, kind.p_value) < 1e-10


def test_other_bins_are_refused() -> None:
    other = reference_of([numeric("x", (0, 1), (5,))])
    with pytest.raises(ValueError, match="other bins"):
        compare(KNOWN, other)


def test_windows_that_wander_by_themselves_raise_the_bar() -> None:
    """Means of quiet windows wander by 0.3 here; without the dispersion every other window is an alarm."""
    rng = np.random.default_rng(12)
    windows = [window(500, rng, by=rng.normal(0, 0.3)) for _ in range(30)]
    dispersion = Dispersion.of(KNOWN, windows)
    assert dispersion.mean.value[0] > 5
    assert dispersion.mean.value[1] == 1
    fresh = [window(500, rng, by=rng.normal(0, 0.3)) for _ in range(50)]
    assert sum(compare(KNOWN, one, dispersion).adjusted[0] <= 0.01 for one in fresh) <= 2
    assert sum(compare(KNOWN, one).adjusted[0] <= 0.01 for one in fresh) >= 20
    assert compare(KNOWN, window(500, rng, by=2.0), dispersion).adjusted[0] <= 0.01


def test_quiet_windows_and_too_few_windows_change_nothing() -> None:
    rng = np.random.default_rng(13)
    quiet = [window(500, rng) for _ in range(30)]
    wild = [window(500, rng, by=rng.normal(0, 1)) for _ in range(LEAST - 1)]
    for windows in (quiet, wild, [KNOWN.binning.empty()] * 20):
        dispersion = Dispersion.of(KNOWN, windows)
        assert dispersion.mean.value.tolist() == [1.0] * 3
        assert dispersion.spread.value[0] == 1.0


def test_a_dispersion_is_read_back_as_it_was_written() -> None:
    rng = np.random.default_rng(14)
    dispersion = Dispersion.of(KNOWN, [window(200, rng, by=rng.normal(0, 1)) for _ in range(10)])
    again = Dispersion.from_json(dispersion.to_json())
    one = window(300, rng)
    assert compare(KNOWN, one, again).adjusted.tolist() == compare(KNOWN, one, dispersion).adjusted.tolist()
