"""How the benchmark of drift counts, and what its episodes hold."""

import numpy as np
import pytest
from benchmarks.drift import least_share
from benchmarks.drift_found import judge
from benchmarks.drift_simulation import FEATURES, Watched, reference, rows, share_within
from benchmarks.drift_streams import Episode, episodes


def episode(start: int = 100, end: int = 100, delay: int = 50) -> Episode:
    nothing = np.zeros((1, 1))
    return Episode("table", "kind", False, nothing, nothing, np.zeros((160, 1)), np.arange(20, 180), start, end, delay)


@pytest.mark.parametrize(
    ("alarms", "found", "false_alarms"),
    [([], 0, 0), ([79], 0, 1), ([80], 1, 0), ([130], 1, 0), ([131], 0, 0), ([10, 10, 11, 90, 95], 1, 2)],
    ids=["none", "just before", "at the start", "in time", "too late", "early and in time"],
)
def test_an_alarm_counts_by_its_place_in_the_table(alarms: list[int], found: int, false_alarms: int) -> None:
    counted = judge([episode()], [alarms])
    assert (counted.found, counted.false_alarms) == (found, false_alarms)
    assert counted.quiet == 80


def test_f1_is_that_of_drifts_found_and_false_alarms() -> None:
    counted = judge([episode()] * 4, [[90], [90], [5], []])
    assert (counted.recall, counted.precision) == (0.5, 2 / 3)
    assert counted.f1 == pytest.approx(2 * 0.5 * (2 / 3) / (0.5 + 2 / 3))


def test_a_shift_counts_if_found_after_it_began_and_soon_enough() -> None:
    found = [Watched(at, "scan") for at in (-5, 0, 1, 1000, 1001)] + [Watched(None, "")]
    assert share_within(found, 1000) == 2 / 6


@pytest.mark.parametrize(("alarms", "missed"), [(0, False), (15, False), (22, False), (27, True)])
def test_a_true_five_percent_passes_and_more_does_not(alarms: int, missed: bool) -> None:
    assert (least_share(alarms, 300) > 0.05) == missed


def test_episodes_change_only_after_the_start_and_end_with_the_delay() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(600, 3)) + np.array([0, 10, 20])
    y = (x[:, 0] > 0).astype(np.int64)
    drawn = list(episodes({"one": (x, y)}, 1, rng))
    assert {(one.kind, one.gradual) for one in drawn} == {
        (kind, gradual)
        for kind in ("permuted features", "rows left out", "rare class", "swapped classes")
        for gradual in (False, True)
    }
    for one in drawn:
        before = one.watched[one.places < one.start]
        assert np.abs(before[:, 2] - 20).max() < 6
        assert one.places.max() <= one.end + one.delay
        assert one.places.min() >= 240
        if one.kind == "permuted features":
            after = one.watched[one.places > one.end]
            assert np.abs(after[:, :3].mean(axis=0) - [0, 10, 20]).max() > 5
        if one.kind == "swapped classes":
            after = one.watched[one.places > one.end]
            assert after[:, -1].mean() > before[:, -1].mean() + 0.5


def test_simulated_rows_have_the_features_of_their_reference() -> None:
    rng = np.random.default_rng(2)
    known = reference(rng, 500).known
    counted = known.binning.count(rows(rng, 100))
    assert counted.counts.shape[0] == FEATURES
    assert counted.rows.tolist() == [100] * FEATURES
    assert counted.missing[18] > 0
