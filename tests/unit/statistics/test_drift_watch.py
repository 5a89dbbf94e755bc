"""A watch over features: what it finds and how soon, the rhythm of a line, its state, and odd data."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.signal import lfilter

from andon.statistics.cell_values import CellValues, reference_scores
from andon.statistics.drift_watch import BLOCK, LONG, MIDDLE, SHORT, DriftFinding, DriftWatch, as_normal, threshold
from andon.statistics.histograms import Histograms, category, measured, numeric, reference_of
from andon.statistics.rhythms import DAY, HOUR, WEEK, Rhythm

RNG = np.random.default_rng(77)
KNOWN = reference_of(
    [
        measured("number", RNG.normal(size=20_000)),
        measured("skewed", RNG.lognormal(size=20_000)),
        numeric("flag", (0, 0.5, 1), (19_800, 200)),
        category("kind", {"a": 15_000, "b": 4_000, "c": 900, "d": 50}, missing=50),
    ]
)
BEGIN = 2800 * WEEK


def draw(rows: int, rng: np.random.Generator, by: float = 0.0) -> np.ndarray:
    kinds = rng.choice(4, rows, p=[0.7525, 0.2, 0.045, 0.0025]).astype(float)
    kinds[rng.random(rows) < 0.0025] = np.nan
    return np.column_stack((rng.normal(by, 1, rows), rng.lognormal(size=rows), rng.random(rows) < 0.01, kinds))


def times(rows: int, first: int = 0, a_day: float = 1000) -> np.ndarray:
    return BEGIN + (first + np.arange(rows)) * (DAY / a_day)


def told(watch: DriftWatch, matrix: np.ndarray, first: int = 0) -> list[DriftFinding]:
    return watch.observe(KNOWN.binning.cells(matrix), times(len(matrix), first))


def stored(watch: DriftWatch, known: Histograms = KNOWN) -> DriftWatch:
    def plain(document: dict[str, Any]) -> Any:
        listed = {name: one.tolist() if isinstance(one, np.ndarray) else one for name, one in document.items()}
        return json.loads(json.dumps(listed, allow_nan=False))

    return DriftWatch(known).resume(plain(watch.to_json()), plain(watch.rhythm.to_json()))


def test_every_statistic_has_mean_0_and_variance_1_in_the_reference() -> None:
    found = CellValues.of(KNOWN)
    for values, feature in zip(found.values, found.features, strict=True):
        share = KNOWN.counts[feature] / KNOWN.rows[feature]
        assert share @ values[:-1] == pytest.approx(0, abs=6e-3)
        assert share @ values[:-1] ** 2 == pytest.approx(1, rel=0.05) or share @ values[:-1] ** 2 < 1e-2


def test_scores_of_the_reference_have_mean_0_and_variance_1() -> None:
    scores, counts = reference_scores(KNOWN), KNOWN.counts
    for row in range(3):
        share = counts[row] / counts[row].sum()
        assert share @ scores[row] == pytest.approx(0, abs=1e-9)
        assert share @ scores[row] ** 2 == pytest.approx(1)
    assert not scores[3].any()


def test_a_threshold_is_passed_as_often_as_it_says() -> None:
    rng = np.random.default_rng(3)
    highest = []
    for _ in range(400):
        sums = np.cumsum(rng.standard_normal((2000, 5)), axis=0)
        highest.append(np.abs(sums[MIDDLE:] - sums[:-MIDDLE]).max() / MIDDLE**0.5)
    limit = threshold(0.2, 2000 * BLOCK, MIDDLE * BLOCK, 1, 5)
    assert np.mean(np.array(highest) > limit) == pytest.approx(0.2, abs=0.06)


@pytest.mark.parametrize("freedom", [5.0, 30.0, 200.0])
def test_a_value_of_students_t_is_as_improbable_as_its_normal_value(freedom: float) -> None:
    from scipy.stats import norm, t

    for value in (-6.0, 2.0, 5.0):
        assert norm.logsf(abs(as_normal(value, freedom))) == pytest.approx(t.logsf(abs(value), freedom), rel=0.02)


def test_nothing_is_found_before_a_window_can_be_full_and_a_shift_soon_and_dated() -> None:
    rng = np.random.default_rng(4)
    watch = DriftWatch(KNOWN)
    assert told(watch, draw(SHORT * BLOCK - 1, rng, by=3.0)) == []
    watch = DriftWatch(KNOWN)
    assert told(watch, draw(20_000, rng)) == []
    [found] = told(watch, draw(2000, rng, by=0.5), 20_000)
    assert found.name == "number"
    assert 20_000 <= found.decision < 20_800
    assert abs((found.since - BEGIN) / DAY * 1000 - 20_000) <= 150
    assert found.effect > 0


def test_an_effect_that_is_too_small_to_matter_is_never_found() -> None:
    assert told(DriftWatch(KNOWN), draw(40_000, np.random.default_rng(5), by=0.03)) == []


def test_until_the_rhythm_is_known_a_finding_is_provisional() -> None:
    rng = np.random.default_rng(6)
    watch = DriftWatch(KNOWN)
    assert [one.provisional for one in told(watch, draw(2000, rng, by=0.5))] == [True]
    watch = DriftWatch(KNOWN)
    told(watch, draw(24_000, rng))
    assert watch.known
    assert [one.provisional for one in told(watch, draw(2000, rng, by=0.5), 24_000)] == [False]


def test_a_shift_is_shown_while_the_rhythm_is_only_roughly_known() -> None:
    """A variance of a hundred blocks bears out little: a real shift of 0.2 was silent for days after two weeks."""
    shown = 0
    for seed in range(12):
        rng = np.random.default_rng([8, seed])
        watch = DriftWatch(KNOWN)
        told(watch, draw(16_200, rng))
        shown += bool(told(watch, draw(1500, rng, by=0.2), 16_200))
    assert shown >= 11


def test_reference_rows_with_times_make_the_rhythm_known_at_once() -> None:
    rng = np.random.default_rng(7)
    cells = KNOWN.binning.cells(draw(20_000, rng))
    watch = DriftWatch(KNOWN).learn(cells, times(20_000, -20_000))
    assert watch.known
    assert [one.provisional for one in told(watch, draw(3000, rng, by=0.3))] == [False]
    assert not DriftWatch(KNOWN).learn(cells[:5000], times(5000, -5000)).known, "five days show no rhythm"


@pytest.mark.parametrize("world", ["weekends", "days", "dependent", "bursts"])
def test_the_rhythm_of_a_line_is_no_drift(world: str) -> None:
    """Each of these raised an alarm in nearly every quiet quarter without a rhythm."""
    rng = np.random.default_rng(8)
    rows, known_rows = 60_000, 28_000

    def line(count: int, first: int) -> tuple[np.ndarray, np.ndarray]:
        values, at = rng.standard_normal((count, 3)), times(count, first)
        if world == "weekends":
            values += 0.3 * ((at // DAY % 7) >= 5)[:, None]
        elif world == "days":
            values += 0.2 * np.sin(2 * np.pi * at / DAY)[:, None]
        elif world == "dependent":
            values = lfilter([np.sqrt(1 - 0.6**2)], [1, -0.6], values, axis=0)
        else:
            values = np.repeat(values[: -(-count // 3)], 3, axis=0)[:count]
        return values, at

    matrix, _ = line(known_rows, -known_rows)
    known = reference_of([measured(str(at), matrix[:, at]) for at in range(3)])
    watch = DriftWatch(known)
    matrix, at = line(rows, 0)
    found = watch.observe(known.binning.cells(matrix), at)
    assert [one for one in found if not one.provisional] == []
    assert watch.known


def test_a_shift_on_a_line_with_a_rhythm_is_found() -> None:
    rng = np.random.default_rng(9)
    at = times(40_000)
    matrix = draw(40_000, rng)
    matrix[:, 0] += 0.3 * ((at // DAY % 7) >= 5) - 0.3 * 2 / 7
    matrix[38_000:, 0] += 0.5
    found = [one for one in DriftWatch(KNOWN).observe(KNOWN.binning.cells(matrix), at) if not one.provisional]
    assert [one.name for one in found] == ["number"]
    assert 38_000 <= found[0].decision < 39_500


def test_hours_of_a_week_are_learnt_and_the_open_hour_counts_for_nothing() -> None:
    rhythm = Rhythm(1)
    for hour in range(3 * 168):
        rhythm.add(BEGIN + hour * HOUR, np.full((20, 1), 2.0 if hour % 24 == 5 else 0.0))
    expected, trust = rhythm.expected(BEGIN + 5 * HOUR, np.ones(1))
    assert rhythm.known
    assert expected is not None
    assert expected[0] == pytest.approx(2.0, abs=0.1)
    assert (trust > 0).all()
    before = rhythm.expected(BEGIN + 167 * HOUR, np.ones(1))[0]
    rhythm.add(BEGIN + (3 * 168 - 1) * HOUR, np.full((20, 1), 50.0))
    after = rhythm.expected(BEGIN + 167 * HOUR, np.ones(1))[0]
    assert before is not None
    assert after is not None
    assert after[0] == before[0]


@pytest.mark.parametrize("value", [np.nan, -1.0, 3.0], ids=["missing", "unseen", "a rare category"])
def test_a_category_that_changes_is_found(value: float) -> None:
    rng = np.random.default_rng(6)
    matrix = draw(1000, rng)
    matrix[rng.random(1000) < 0.1, 3] = value
    assert [one.name for one in told(DriftWatch(KNOWN), matrix)] == ["kind"]


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e300, -1e300])
def test_a_number_that_breaks_is_found_with_the_first_window(value: float) -> None:
    matrix = draw(400, np.random.default_rng(7))
    matrix[:, 1] = value
    [found] = told(DriftWatch(KNOWN), matrix)
    assert (found.name, found.decision) == ("skewed", SHORT * BLOCK - 1)


def test_one_rare_value_blinds_no_detector() -> None:
    """A category seen once in 2,838 rows made a detector's state NaN for ever, and missing values were never found."""
    known = reference_of([category("kind", {"usual": 2837, "rare": 1}), numeric("flag", (0, 0.5, 1), (2837, 1))])
    rng = np.random.default_rng(10)
    watch = DriftWatch(known)
    matrix = np.zeros((4000, 2))
    matrix[5] = 1.0
    matrix[3000:][rng.random(1000) < 0.3] = np.nan
    found = watch.observe(known.binning.cells(matrix[:3000]), times(3000))
    watch = stored(watch, known)
    found += watch.observe(known.binning.cells(matrix[3000:]), times(1000, 3000))
    assert {one.name for one in found} == {"kind", "flag"}
    assert all(np.isfinite(one).all() for one in watch.to_json().values())


@settings(deadline=None, max_examples=10, phases=[Phase.generate])
@given(st.lists(st.integers(0, 700), max_size=6), st.integers(0, 2**32 - 1))
def test_however_the_stream_is_cut_and_stored_the_findings_are_the_same(sizes: list[int], seed: int) -> None:
    matrix = draw(sum(sizes), np.random.default_rng(seed), by=0.4)
    whole = DriftWatch(KNOWN)
    wanted = told(whole, matrix)
    found, watch = [], DriftWatch(KNOWN)
    for end, size in zip(np.cumsum(sizes), sizes, strict=True):
        found += told(watch, matrix[end - size : end], end - size)
        watch = stored(watch)
    assert sorted(one.decision for one in found) == sorted(one.decision for one in wanted)
    for name, state in watch.to_json().items():
        np.testing.assert_allclose(state, whole.to_json()[name], rtol=1e-4, atol=1e-4, err_msg=name)


def test_a_change_is_found_once_and_again_after_a_restart() -> None:
    rng = np.random.default_rng(8)
    watch = DriftWatch(KNOWN)
    assert len(told(watch, draw(1000, rng, by=1.0))) == 1
    assert told(watch, draw(1000, rng, by=1.0), 1000) == []
    watch.restart("number")
    assert len(told(watch, draw(1000, rng, by=1.0), 2000)) == 1


def test_another_arm_inherits_the_rhythm_and_nothing_else() -> None:
    rng = np.random.default_rng(11)
    watch = DriftWatch(KNOWN)
    told(watch, draw(18_000, rng))
    other = stored(watch).afresh()
    assert other.known
    assert told(other, draw(SHORT * BLOCK - 20, rng, by=3.0), 18_000) == []
    assert [one.provisional for one in told(other, draw(100, rng, by=3.0), 18_200)] == [False]


def test_a_slow_small_shift_is_found_by_whole_weeks() -> None:
    rng = np.random.default_rng(12)
    watch = DriftWatch(KNOWN)
    matrix = draw(40_000, rng, by=0.12)
    found = told(watch, matrix)
    assert {one.name for one in found} == {"number"}
    assert any(not one.provisional for one in found), (
        "a line that never was like its training is found when it is known"
    )


@settings(deadline=None, max_examples=20)
@given(arrays(np.float64, st.tuples(st.integers(0, 300), st.just(4)), elements=st.floats(allow_nan=True)))
def test_no_values_raise_an_exception(matrix: np.ndarray) -> None:
    watch = DriftWatch(KNOWN)
    for one in told(watch, matrix):
        assert np.isfinite(one.z)
    stored(watch)


@pytest.mark.parametrize(
    ("feature", "value"),
    [
        (numeric("x", (), ()), 5.0),
        (numeric("x", (), (), missing=500), np.nan),
        (numeric("x", (3.0, 3.0), (1000,)), 3.0),
        (category("x", {}), -1.0),
        (category("x", {"only": 1000}), 0.0),
    ],
    ids=["no reference", "all missing", "constant", "no category", "one category"],
)
def test_a_reference_that_says_little_gives_no_alarm_for_what_is_like_it(feature: object, value: float) -> None:
    known = reference_of([feature])  # type: ignore[list-item]
    assert DriftWatch(known).observe(known.binning.cells(np.full((6000, 1), value)), times(6000)) == []


def test_no_features_are_no_alarm() -> None:
    nothing = reference_of([])
    assert DriftWatch(nothing).observe(nothing.binning.cells(np.empty((500, 0))), times(500)) == []


def test_a_decision_without_a_prediction_counts_for_no_score() -> None:
    known = reference_of([measured("x", RNG.normal(size=5000)), measured("", RNG.random(5000))])
    rng = np.random.default_rng(13)
    cells = known.binning.cells(np.column_stack((rng.normal(size=LONG * BLOCK), rng.random(LONG * BLOCK))))
    cells[::3, 1] = -1
    assert DriftWatch(known).observe(cells, times(len(cells))) == []
