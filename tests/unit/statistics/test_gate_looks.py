import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta, binom

from andon.statistics.gate_looks import GROWTH, LATER, LookSchedule

THRESHOLDS = np.array([0.9, 0.7, 0.5])


def naive_looks(held_out: tuple[int, int], wrong: list[float], due: int, target: float) -> list[tuple[int, int, float]]:
    """Rows, errors and p-value of each look at one threshold, from all its labels in order."""
    rows, errors = held_out
    looks = []
    while due <= rows + len(wrong):
        seen = errors + int(sum(wrong[: due - rows]))
        looks.append((due, seen, float(binom.cdf(seen, due, target))))
        due = int(np.ceil(due * GROWTH))
    return looks


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 2**32 - 1), st.lists(st.integers(0, 900), max_size=8))
def test_looks_are_at_the_numbers_fixed_beforehand_however_labels_are_batched(seed: int, sizes: list[int]) -> None:
    rng = np.random.default_rng(seed)
    schedule = LookSchedule(THRESHOLDS, 0.05, 0.95)
    (due,) = set(schedule.due.tolist())
    confidence, wrong = [], []
    for size in sizes:
        confidence.append(rng.random(size))
        wrong.append((rng.random(size) < 0.03).astype(float))
        schedule.add(confidence[-1], wrong[-1])
    together = np.concatenate([*confidence, []]), np.concatenate([*wrong, []])
    for at, threshold in enumerate(THRESHOLDS):
        looks = naive_looks((0, 0), together[1][together[0] >= threshold].tolist(), int(due), 0.05)
        assert schedule.looks[at] == len(looks)
        scores = [-np.log(p) + np.log((1 - LATER) * LATER**number) for number, (_, _, p) in enumerate(looks)]
        assert schedule.scores[at] == pytest.approx(max(scores, default=-1e9), rel=1e-6)


def test_held_out_rows_are_the_first_look_where_they_are_enough() -> None:
    schedule = LookSchedule(THRESHOLDS, 0.01, 0.95)
    schedule.begin_with(np.array([100.0, 400.0, 2000.0]), np.array([0.0, 0.0, 9.0]))
    assert schedule.looks.tolist() == [0, 1, 1]
    level = 0.05 * (1 - LATER)
    expected = [1.0, beta.ppf(1 - level, 1, 400), beta.ppf(1 - level, 10, 1991)]
    np.testing.assert_allclose(schedule.bounds(np.arange(3), 0.05), expected, rtol=1e-6)


def test_all_looks_together_spend_the_level() -> None:
    assert sum((1 - LATER) * LATER**look for look in range(60)) == pytest.approx(1.0)


def test_the_state_survives_json() -> None:
    rng = np.random.default_rng(1)
    one, other = LookSchedule(THRESHOLDS, 0.05, 0.95), LookSchedule(THRESHOLDS, 0.05, 0.95)
    one.add(rng.random(800), (rng.random(800) < 0.02).astype(float))
    other.restore(json.loads(json.dumps(one.to_json())))
    for schedule in (one, other):
        schedule.add(np.linspace(0, 1, 900), np.zeros(900))
    assert one.to_json() == other.to_json()
