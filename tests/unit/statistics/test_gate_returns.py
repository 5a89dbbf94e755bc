"""A false alarm gives earlier evidence back soon; a true break hardly ever does."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from andon.statistics.betting import SHARES, STAKES
from andon.statistics.gate_proofs import GateProver, HeldOutTable, LabelBatch
from andon.statistics.gate_returns import RISE, AlarmTest

TARGET, LEVEL, EDGE = 0.05, 0.05, 0.5


def refuted_by(wrong: list[int], number: int, before: tuple[int, int]) -> bool:
    """Mean likelihood ratio of better errors against the rise, and two plain means, from whole labels."""
    errors, rows, risen = sum(wrong), len(wrong), RISE * TARGET
    ratios = binom.logpmf(errors, rows, SHARES * risen) - binom.logpmf(errors, rows, risen)
    wealth = float(np.exp(ratios) @ STAKES)
    means = errors <= TARGET * rows and errors + before[0] <= TARGET * (rows + before[1])
    return wealth >= number * (number + 1) / LEVEL and means


def added(test: AlarmTest, wrong: list[int]) -> AlarmTest:
    test.add(np.full(len(wrong), 0.9), np.array(wrong, float), np.ones(len(wrong)))
    return test


def outcomes(seed: int, error: float, rows: int) -> list[int]:
    return [int(draw < error) for draw in np.random.default_rng(seed).random(rows)]


@settings(deadline=None)
@given(st.integers(0, 99), st.floats(0.0, 0.1), st.integers(1, 600), st.integers(1, 3), st.integers(0, 200))
def test_an_alarm_is_refuted_as_defined(seed: int, error: float, rows: int, alarms: int, each: int) -> None:
    test, before = AlarmTest(EDGE, TARGET, LEVEL), (0, 0)
    for number in range(1, alarms):
        past = outcomes(seed + number, 0.03, each)
        test = AlarmTest(EDGE, TARGET, LEVEL, added(test, past))
        before = before[0] + sum(past), before[1] + len(past)
    wrong = outcomes(seed, error, rows)
    test = added(test, wrong)
    test.add(np.full(50, EDGE - 0.1), np.ones(50), np.ones(50))  # below the region: no business of the alarm
    assert test.number == alarms
    assert test.is_refuted == refuted_by(wrong, alarms, before)
    again = AlarmTest.from_json(TARGET, LEVEL, json.loads(json.dumps(test.to_json())))
    assert again.is_refuted == test.is_refuted
    assert again.to_json() == test.to_json()


@pytest.mark.parametrize(("error", "most", "least"), [(0.6, 1.0, 0.97), (0.8, 1.0, 0.9), (RISE, LEVEL / 2, 0.0)])
def test_a_true_rise_is_hardly_ever_taken_for_a_false_alarm(error: float, most: float, least: float) -> None:
    rng, runs, returned = np.random.default_rng(6), 150, 0
    for _ in range(runs):
        test = AlarmTest(EDGE, TARGET, LEVEL)
        for _ in range(60):
            test.add(np.full(40, 0.9), (rng.random(40) < error * TARGET).astype(float), np.ones(40))
            if test.is_refuted:
                returned += 1
                break
    assert least * runs <= returned <= binom.ppf(0.999, runs, most)


THRESHOLDS = np.linspace(0.98, 0.0, 50)
ALL = HeldOutTable(THRESHOLDS, 1 - THRESHOLDS, np.zeros(50), np.zeros(50), 0.0)


def labels(rng: np.random.Generator, rows: int, error: float) -> LabelBatch:
    ones = np.ones(rows)
    return LabelBatch(rng.random(rows), (rng.random(rows) < error).astype(float), ones, ones)


def alarmed(rng: np.random.Generator) -> GateProver:
    """Open a region wholly, and raise an alarm in it."""
    prover = GateProver(ALL, TARGET, 0.95)
    prover.update(labels(rng, 6000, 0.02))
    assert prover.region() == 0.0
    assert prover.watch(labels(rng, 200, 0.9))
    assert prover.region() is None
    assert prover.in_doubt
    return prover


def test_evidence_comes_back_when_labels_do_not_confirm_the_break() -> None:
    rng = np.random.default_rng(7)
    prover, taken = alarmed(rng), 0
    labelled = prover.prove().labels
    prover.update(labels(rng, 100, 0.02), before_break=True)
    assert prover.prove().labels == labelled == 0
    while prover.in_doubt:
        prover.update(labels(rng, 50, 0.02))
        taken += 50
    proof = prover.prove()
    assert (proof.threshold, proof.breaks, proof.in_doubt) == (0.0, 0, False)
    assert proof.labels == 6100 + taken
    assert taken <= 500


def test_after_a_true_break_only_a_new_proof_opens() -> None:
    rng = np.random.default_rng(8)
    prover = alarmed(rng)
    for _ in range(20):
        prover.update(labels(rng, 100, 0.1))
        assert prover.region() is None
    assert prover.in_doubt
    mended = alarmed(rng)
    mended.update(labels(rng, 150, 0.09))
    for _ in range(60):
        mended.update(labels(rng, 100, 0.01))
    proof = mended.prove()
    assert proof.threshold is not None


def test_a_new_proof_that_breaks_again_ends_what_was_before_the_first_alarm() -> None:
    rng = np.random.default_rng(9)
    prover, ones = alarmed(rng), np.ones(600)
    prover.update(LabelBatch(0.1 * rng.random(150), *(np.ones(150),) * 3))
    prover.update(LabelBatch(0.6 + 0.4 * rng.random(600), 0 * ones, ones, ones))
    narrow = prover.region()
    assert narrow is not None
    assert narrow > 0.09
    assert prover.in_doubt
    assert prover.watch(LabelBatch(*(np.ones(60),) * 4))
    again = GateProver.from_json(json.loads(json.dumps(prover.to_json(), allow_nan=False)))
    for one in (prover, again):
        one.update(LabelBatch(0.6 + 0.4 * np.linspace(0, 1, 600), 0 * ones, ones, ones))
        proof = one.prove()
        assert (proof.in_doubt, proof.breaks) == (False, 1)
        assert 600 < proof.labels <= 1350
    assert prover.to_json() == again.to_json()
