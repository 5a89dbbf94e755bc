"""Detectors of a change: the martingale they rest on, their delay, their state, and odd data."""

import json

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from andon.statistics.bets import bets_on, reference_scores
from andon.statistics.blocks import BLOCK, BlockCounter
from andon.statistics.detectors import DriftDetector
from andon.statistics.dispersion import Dispersion
from andon.statistics.e_detectors import EDetectors
from andon.statistics.histograms import Histograms, category, measured, numeric, reference_of
from andon.statistics.scans import KEPT, MovingMeans, threshold
from andon.statistics.two_samples import Factor

RNG = np.random.default_rng(77)
KNOWN = reference_of(
    [
        measured("number", RNG.normal(size=20_000)),
        measured("skewed", RNG.lognormal(size=20_000)),
        numeric("flag", (0, 0.5, 1), (19_800, 200)),
        category("kind", {"a": 15_000, "b": 4_000, "c": 900, "d": 50}, missing=50),
    ]
)
NONE = Dispersion.none(4)


def draw(rows: int, rng: np.random.Generator, by: float = 0.0) -> np.ndarray:
    kinds = rng.choice(4, rows, p=[0.7525, 0.2, 0.045, 0.0025]).astype(float)
    kinds[rng.random(rows) < 0.0025] = np.nan
    return np.column_stack((rng.normal(by, 1, rows), rng.lognormal(size=rows), rng.random(rows) < 0.01, kinds))


def detector(decisions: int = 90_000) -> DriftDetector:
    return DriftDetector(KNOWN, false_alarm=0.05, decisions=decisions)


def test_no_bet_pays_more_than_it_costs_while_nothing_changes() -> None:
    share = KNOWN.counts / KNOWN.rows[:, None]
    expected = np.einsum("fc,fkc->fk", share, np.exp(bets_on(KNOWN, NONE)))
    assert (expected <= 1 + 1e-12).all()
    assert (expected[0, :12] > 0.9).all(), "bets with margins so wide find nothing"


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**32 - 1))
def test_a_bet_holds_for_the_line_that_gave_the_reference(seed: int) -> None:
    """The reference is a sample; the line has other shares than it, within what chance does."""
    rng = np.random.default_rng(seed)
    true = rng.dirichlet(np.ones(10) * 5)
    known = reference_of([numeric("x", list(range(11)), rng.multinomial(2000, true).tolist())])
    pays = np.exp(bets_on(known, Dispersion.none(1)))[0, :, 1:11] @ true
    assert (pays <= 1.03).all()


def test_scores_of_the_reference_have_mean_0_and_variance_1() -> None:
    scores, counts = reference_scores(KNOWN), KNOWN.counts
    for row in range(3):
        share = counts[row] / counts[row].sum()
        assert share @ scores[row] == pytest.approx(0, abs=1e-9)
        assert share @ scores[row] ** 2 == pytest.approx(1)
    assert not scores[3].any()


def test_wealth_follows_the_recursion_written_out() -> None:
    cells = KNOWN.binning.cells(draw(200, np.random.default_rng(1)))
    levels = EDetectors(KNOWN, NONE).update(BlockCounter(KNOWN.binning).add(cells), 0)
    bets = bets_on(KNOWN, NONE)
    for feature in range(4):
        able = [bet for bet in bets[feature] if bet.any()]
        wealth = [0.0] * len(able)
        for block in range(10):
            rows = cells[block * BLOCK : (block + 1) * BLOCK, feature]
            wealth = [(1 + r) * float(np.exp(bet[rows].sum())) for r, bet in zip(wealth, able, strict=True)]
            assert levels[block, feature] == pytest.approx(np.mean(wealth))


def test_a_scan_is_the_standardised_mean_of_the_last_thousand_scores() -> None:
    cells = KNOWN.binning.cells(draw(1500, np.random.default_rng(2)))
    z = MovingMeans(KNOWN, NONE).update(BlockCounter(KNOWN.binning).add(cells))
    scores = reference_scores(KNOWN)[0][cells[:, 0]]
    for end in (1000, 1200, 1500):
        wanted = scores[end - 1000 : end].mean() / np.sqrt(1 / 1000 + 1 / 20_000)
        assert z[end // BLOCK - 1, 0] == pytest.approx(wanted, abs=0.02)


def test_the_threshold_of_a_scan_is_passed_as_often_as_it_says() -> None:
    rng = np.random.default_rng(3)
    highest = []
    for _ in range(400):
        sums = np.cumsum(rng.standard_normal((2000, 5)), axis=0)
        highest.append(np.abs(sums[KEPT:] - sums[:-KEPT]).max() / KEPT**0.5)
    assert np.mean(np.array(highest) > threshold(0.2, 2000 * BLOCK, 5)) == pytest.approx(0.2, abs=0.06)


def test_an_unchanged_stream_is_quiet_and_a_shift_is_found_soon_and_dated() -> None:
    rng = np.random.default_rng(4)
    watch = detector()
    assert watch.update(KNOWN.binning.cells(draw(20_000, rng))) == []
    found = watch.update(KNOWN.binning.cells(draw(2000, rng, by=0.5)))
    assert [one.name for one in found] == ["number"]
    assert 20_000 <= found[0].decision < 20_600
    assert abs(found[0].since - 20_000) <= 150
    assert found[0].effect > 0


def test_a_slow_small_shift_is_found_too() -> None:
    rng = np.random.default_rng(5)
    found = detector().update(KNOWN.binning.cells(draw(12_000, rng, by=0.12)))
    assert [one.name for one in found] == ["number"]


@pytest.mark.parametrize("value", [np.nan, -1.0, 3.0], ids=["missing", "unseen", "a rare category"])
def test_a_category_that_changes_is_found(value: float) -> None:
    rng = np.random.default_rng(6)
    matrix = draw(1000, rng)
    matrix[rng.random(1000) < 0.1, 3] = value
    assert [one.name for one in detector().update(KNOWN.binning.cells(matrix))] == ["kind"]


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e300, -1e300])
def test_a_number_that_breaks_is_found_at_once(value: float) -> None:
    matrix = draw(200, np.random.default_rng(7))
    matrix[:, 1] = value
    found = detector().update(KNOWN.binning.cells(matrix))
    assert [one.name for one in found] == ["skewed"]
    assert found[0].decision < 3 * BLOCK


@settings(deadline=None, max_examples=20, phases=[Phase.generate])
@given(st.lists(st.integers(0, 70), max_size=8), st.integers(0, 2**32 - 1))
def test_however_the_stream_is_cut_and_stored_the_findings_are_the_same(sizes: list[int], seed: int) -> None:
    cells = KNOWN.binning.cells(draw(sum(sizes), np.random.default_rng(seed), by=1.0))
    whole = detector()
    wanted = whole.update(cells)
    found, watch = [], detector()
    for end, size in zip(np.cumsum(sizes), sizes, strict=True):
        found += watch.update(cells[end - size : end])
        watch = detector().resume(json.loads(json.dumps(watch.to_json())))
    assert [one.decision for one in found] == sorted(one.decision for one in wanted)
    for name, state in watch.to_json().items():
        np.testing.assert_allclose(state, whole.to_json()[name], rtol=1e-7, atol=1e-9, err_msg=name)


def test_a_change_is_found_once_and_again_after_a_restart() -> None:
    rng = np.random.default_rng(8)
    watch = detector()
    shifted = [KNOWN.binning.cells(draw(1000, rng, by=1.0)) for _ in range(3)]
    assert len(watch.update(shifted[0])) == 1
    assert watch.update(shifted[1]) == []
    watch.restart("number")
    assert len(watch.update(shifted[2])) == 1


@settings(deadline=None, max_examples=30)
@given(arrays(np.float64, st.tuples(st.integers(0, 90), st.just(4)), elements=st.floats(allow_nan=True)))
def test_no_values_raise_an_exception(matrix: np.ndarray) -> None:
    for one in detector().update(KNOWN.binning.cells(matrix)):
        assert np.isfinite(one.statistic)
    assert json.dumps(detector().to_json())


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
    watch = DriftDetector(known, false_alarm=0.05, decisions=90_000)
    assert watch.update(known.binning.cells(np.full((5000, 1), value))) == []


def test_no_features_are_no_alarm() -> None:
    nothing = reference_of([])
    watch = DriftDetector(nothing, false_alarm=0.05, decisions=90_000)
    assert watch.update(nothing.binning.cells(np.empty((500, 0)))) == []


def test_a_line_that_wanders_by_itself_has_a_higher_bar() -> None:
    wide = Factor(np.array([9.0, 1, 1, 1]), np.full(4, 30.0), np.ones(4))
    allowed = Dispersion(wide, NONE.spread, NONE.missing, NONE.tails)
    cells = KNOWN.binning.cells(draw(1000, np.random.default_rng(9), by=0.3))
    watch = DriftDetector(KNOWN, false_alarm=0.05, decisions=90_000, dispersion=allowed)
    assert watch.update(cells) == []
    assert len(detector().update(cells)) == 1


def test_blocks_hold_what_histograms_hold() -> None:
    cells = KNOWN.binning.cells(draw(205, np.random.default_rng(10)))
    counter = BlockCounter(KNOWN.binning)
    blocks = np.concatenate((counter.add(cells[:7]), counter.add(cells[7:])))
    whole: Histograms = KNOWN.binning.count_cells(cells[:200])
    assert blocks.sum(axis=0).tolist() == whole.counts.tolist()
    assert len(counter.pending) == 5
