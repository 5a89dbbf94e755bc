import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from andon.statistics import gate_breaks
from andon.statistics.gate_breaks import FACTORS, PATIENCE, followed, rates_against

LONG = int(10 * PATIENCE)
LABELS = st.lists(st.tuples(st.sampled_from([0.0, 0.0, 0.0, 0.5, 1.0]), st.floats(0.1, 1)), min_size=1, max_size=80)


def naive_alarm(target: float, labels: list[tuple[float, float]]) -> tuple[list[float], int | None]:
    """R = (1 + R) * e for each worse error, one label at a time."""
    start = math.exp(gate_breaks.START)
    sums = [start for _ in rates_against(target)]
    for at, (loss, weight) in enumerate(labels):
        for number, rate in enumerate(rates_against(target)):
            sums[number] = (1 + sums[number]) * (1 + rate * weight * (loss - target))
        if sum(sums) / len(sums) >= PATIENCE:
            return sums, at
    return sums, None


@settings(deadline=None)
@given(st.sampled_from([0.01, 0.05, 0.3, 0.7]), LABELS, st.integers(0, 80))
def test_the_detector_is_the_recursion_however_labels_are_batched(
    target: float, labels: list[tuple[float, float]], cut: int
) -> None:
    expected, alarm = naive_alarm(target, labels)
    state = np.full(len(rates_against(target)), gate_breaks.START)
    found, passed = None, 0
    for part in (labels[:cut], labels[cut:]):
        if part and found is None:
            losses, weights = (np.array([label[at] for label in part]) for at in (0, 1))
            state, at = followed(state, target, losses, weights)
            found = None if at is None else passed + at
            passed += len(part)
    assert found == alarm
    np.testing.assert_allclose(np.exp(state), expected, rtol=1e-6)


def test_a_likelihood_ratio_is_bet() -> None:
    target = 0.01
    errors = np.exp(np.log1p(rates_against(target) * (1 - target)))
    np.testing.assert_allclose(errors, FACTORS)


def test_false_alarms_come_no_sooner_than_promised() -> None:
    """At an error of exactly the target the mean time to an alarm is at least PATIENCE; runs end at ten times that."""
    rng = np.random.default_rng(3)
    times = []
    for _ in range(40):
        state = np.full(len(rates_against(0.05)), gate_breaks.START)
        _, at = followed(state, 0.05, (rng.random(LONG) < 0.05).astype(float), np.ones(LONG))
        times.append(LONG if at is None else at)
    assert np.mean(times) >= PATIENCE
