"""The prover keeps its promise on lines whose truth is known, shrinks after a break, and repeats itself exactly."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from andon.statistics.gate_proofs import GateProver, HeldOutTable, LabelBatch, ProofMethod, StopReason
from andon.statistics.intervals import lower_bound

TARGET, AUDITED = 0.05, 0.2
THRESHOLDS = np.linspace(0.98, 0.0, 50)
ALL_TO_PEOPLE = 2.0


def nothing_held_out() -> HeldOutTable:
    nothing = np.zeros(len(THRESHOLDS))
    return HeldOutTable(THRESHOLDS, 1 - THRESHOLDS, nothing, nothing, 0.0)


def held_out(rng: np.random.Generator, rows: int, error: float) -> HeldOutTable:
    confidence, wrong = rng.random(rows), rng.random(rows) < error
    above = [confidence >= threshold for threshold in THRESHOLDS]
    counts = np.array([[one.sum(), (one & wrong).sum()] for one in above], float)
    return HeldOutTable(THRESHOLDS, rows * (1 - THRESHOLDS), counts[:, 0], counts[:, 1], float(rows))


def batch(confidence: np.ndarray, losses: np.ndarray, threshold: float | None, rng: np.random.Generator) -> LabelBatch:
    """Labels of what is reviewed, and of a fifth of what is automatic."""
    gate = ALL_TO_PEOPLE if threshold is None else threshold
    propensities = np.where(confidence >= gate, AUDITED, 1.0)
    seen = rng.random(len(confidence)) < propensities
    floors = np.full(int(seen.sum()), 1.0 if threshold is None else AUDITED)
    return LabelBatch(confidence[seen], losses[seen].astype(float), propensities[seen], floors)


def learn(prover: GateProver, labels: LabelBatch) -> None:
    """Let verdicts be known at the age at which they count."""
    prover.update(labels, before_break=prover.watch(labels))


def decided(prover: GateProver, rng: np.random.Generator, error: float, batches: int = 1) -> int:
    """Decide batches of 200 by the gate; return how many automatic decisions were wrong until the gate closed."""
    wrong = 0
    for _ in range(batches):
        threshold = prover.prove().threshold
        confidence, losses = rng.random(200), rng.random(200) < error
        wrong += int((losses & (confidence >= (ALL_TO_PEOPLE if threshold is None else threshold))).sum())
        learn(prover, batch(confidence, losses, threshold, rng))
        if threshold is not None and prover.prove().threshold is None:
            break
    return wrong


def test_the_target_is_hardly_ever_exceeded_however_often_it_is_looked_at() -> None:
    """Every threshold errs a little more than the target, so that any region at all is a broken promise."""
    exceeded, runs = 0, 60
    for seed in range(runs):
        rng = np.random.default_rng([11, seed])
        prover = GateProver(held_out(rng, 800, 1.02 * TARGET), TARGET, 0.95)
        proven = prover.prove().threshold is not None
        for _ in range(15):
            decided(prover, rng, 1.02 * TARGET)
            proven = proven or prover.prove().threshold is not None
        exceeded += proven
    assert lower_bound(exceeded, runs, 0.99) <= 0.05


def test_a_good_line_opens_from_labels_alone_and_says_how() -> None:
    rng = np.random.default_rng(2)
    prover = GateProver(nothing_held_out(), TARGET, 0.95)
    first = prover.prove()
    assert first.threshold is None
    assert first.labels_needed is not None
    assert first.labels_needed > 58
    decided(prover, rng, 0.01, batches=40)
    proof = prover.prove()
    assert proof.threshold is not None
    assert proof.threshold < 0.1
    assert proof.share > 0.9
    assert proof.error < proof.bound <= TARGET
    assert proof.method in ProofMethod
    assert proof.labels_needed == 0


def test_a_line_that_errs_too_much_stays_closed() -> None:
    prover = GateProver(nothing_held_out(), TARGET, 0.95)
    decided(prover, np.random.default_rng(3), 0.15, batches=20)
    proof = prover.prove()
    assert proof.threshold is None
    assert proof.error > TARGET
    assert proof.labels_needed is None


def test_the_region_is_gone_soon_after_a_break_and_comes_back_by_new_evidence() -> None:
    rng = np.random.default_rng(4)
    prover = GateProver(held_out(rng, 4000, 0.01), TARGET, 0.95)
    decided(prover, rng, 0.01, batches=20)
    assert prover.prove().breaks == 0
    calm = prover.suspicion
    assert decided(prover, rng, 0.3, batches=60) < 300
    assert prover.prove().threshold is None
    assert prover.prove().breaks == 1
    assert 0 <= prover.suspicion <= calm < 1
    decided(prover, rng, 0.01, batches=30)
    assert prover.prove().threshold is not None


def test_a_verdict_closes_at_once_and_counts_only_at_its_age() -> None:
    prover, ones = GateProver(nothing_held_out(), TARGET, 0.95), np.ones(2000)
    clean = LabelBatch(np.linspace(0, 1, 2000), 0 * ones, ones, ones)
    bad = LabelBatch(np.full(40, 0.05), ones[:40], ones[:40], ones[:40])
    assert not prover.watch(clean)
    assert prover.prove().labels == 0
    prover.update(clean)
    assert prover.region() == 0.0
    calm = prover.suspicion
    prover.update(bad)
    assert prover.suspicion == calm
    assert prover.region() is not None
    assert prover.watch(bad)
    proof = prover.prove()
    assert (proof.threshold, proof.breaks) == (None, 1)


def test_after_a_break_decisions_from_before_it_prove_nothing() -> None:
    prover, ones = GateProver(nothing_held_out(), TARGET, 0.95), np.ones(2000)
    clean = LabelBatch(np.linspace(0, 1, 2000), 0 * ones, ones, ones)
    bad = LabelBatch(np.full(40, 0.05), ones[:40], ones[:40], ones[:40])
    prover.update(clean, before_break=True)
    assert prover.region() == 0.0
    assert prover.watch(bad)
    prover.update(clean, before_break=True)
    assert prover.region() is None
    prover.update(clean)
    assert prover.region() == 0.0


def test_a_proof_lapses_when_its_estimate_is_above_the_target() -> None:
    """The detector watches what is automatic only; here labels show that a part of the region is no longer good."""
    prover = GateProver(nothing_held_out(), TARGET, 0.95)
    clean = np.linspace(0, 1, 2000)
    prover.update(LabelBatch(clean, np.zeros(2000), np.ones(2000), np.ones(2000)))
    wide = prover.prove().threshold
    assert wide == 0.0
    low = np.full(400, 0.1)
    prover._threshold = 0.5  # as if a person had narrowed the gate meanwhile
    prover.update(LabelBatch(low, np.ones(400), np.ones(400), np.ones(400)))
    narrow = prover.prove().threshold
    assert narrow is not None
    assert narrow > 0.1


def test_half_of_a_cost_counts_as_half_an_error() -> None:
    prover = GateProver(nothing_held_out(), TARGET, 0.95, counted=False)
    rng = np.random.default_rng(5)
    confidence, ones = rng.random(6000), np.ones(6000)
    prover.update(LabelBatch(confidence, np.where(rng.random(6000) < 0.04, 0.5, 0.0), ones, ones))
    proof = prover.prove()
    assert proof.threshold is not None
    assert proof.method is ProofMethod.ANYTIME
    assert 0.012 < proof.error < 0.028
    with pytest.raises(ValueError, match="0 or 1"):
        GateProver(nothing_held_out(), TARGET, 0.95).update(LabelBatch(ones, ones / 2, ones, ones))


def test_the_curve_holds_the_proof() -> None:
    rng = np.random.default_rng(6)
    prover = GateProver(held_out(rng, 3000, 0.02), TARGET, 0.95)
    proof, curve = prover.prove(), prover.curve()
    assert [region.threshold for region in curve] == THRESHOLDS.tolist()
    assert [region.share for region in curve] == sorted(region.share for region in curve)
    (own,) = [region for region in curve if region.threshold == proof.threshold]
    assert (own.share, own.error, own.bound, own.labels) == (proof.share, proof.error, proof.bound, proof.labels)
    assert all(region.bound <= TARGET for region in curve if region.proven)
    assert all(region.error <= region.bound or region.proven for region in curve)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 2**32 - 1), st.floats(0.0, 0.2), st.floats(0.0, 0.2))
def test_a_prover_read_from_json_goes_on_as_the_one_that_was_written(seed: int, before: float, after: float) -> None:
    rng = np.random.default_rng(seed)
    prover = GateProver(held_out(rng, 500, before), TARGET, 0.95)
    decided(prover, rng, before, batches=6)
    again = GateProver.from_json(json.loads(json.dumps(prover.to_json(), allow_nan=False)))
    for one in (prover, again):
        decided(one, np.random.default_rng(seed + 1), after, batches=6)
    assert prover.prove() == again.prove()
    assert prover.to_json() == again.to_json()


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32 - 1), st.integers(0, 3000), st.floats(0.0, 0.12), st.sampled_from([None, 0.08]))
def test_every_point_that_is_not_proven_says_why(seed: int, rows: int, error: float, local: float | None) -> None:
    rng = np.random.default_rng(seed)
    prover = GateProver(held_out(rng, rows, error), TARGET, 0.95, local=local)
    prover.update(batch(rng.random(500), rng.random(500) < error, None, rng))
    curve = prover.curve()
    for region in curve:
        assert region.proven == (region.stopped_by is None)
        assert (region.error > TARGET) == (region.stopped_by is StopReason.ERROR)
        assert region.stopped_by is not StopReason.NEAR or local is not None
    stopped = [region.stopped_by for region in curve]
    if StopReason.NARROWER in stopped:
        before = set(stopped[: stopped.index(StopReason.NARROWER)])
        assert before & {StopReason.ERROR, StopReason.NEAR, StopReason.LABELS}


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32 - 1), st.floats(0.0, 0.02), st.floats(0.0, 0.06), st.sampled_from([None, 0.0, 0.5]))
def test_no_bound_is_below_the_error_that_it_bounds(
    seed: int, before: float, after: float, threshold: float | None
) -> None:
    """The tightest bound of all looks holds for good, and the estimate may pass it later."""
    rng = np.random.default_rng(seed)
    prover = GateProver(held_out(rng, 1000, before), TARGET, 0.95)
    for error in (before, before, after, after, after, after):
        prover.update(batch(rng.random(400), rng.random(400) < error, threshold, rng))
        for region in prover.curve():
            assert region.error <= region.bound
            assert region.bound <= TARGET or not region.proven


def test_a_hump_is_named_where_it_is_and_does_not_end_the_curve() -> None:
    rows = 20_000 * (1 - THRESHOLDS)
    errors = 0.01 * rows
    hump = (THRESHOLDS < 0.6) & (THRESHOLDS > 0.5)
    errors[hump] = 0.07 * rows[hump]
    prover = GateProver(HeldOutTable(THRESHOLDS, rows, rows, np.round(errors), 20_000.0), TARGET, 0.95)
    assert prover.region() == 0.0
    reasons = {region.threshold: region.stopped_by for region in prover.curve()}
    assert {reasons[threshold] for threshold in THRESHOLDS[hump]} == {StopReason.ERROR}
    assert StopReason.NARROWER in reasons.values()


@pytest.mark.parametrize(
    ("column", "value"),
    [("losses", 1.5), ("losses", np.nan), ("propensities", 0.1), ("propensities", 1.1), ("confidence", np.nan)],
)
def test_impossible_labels_are_refused(column: str, value: float) -> None:
    columns = {"confidence": 0.9, "losses": 0.0, "propensities": 0.5, "floors": 0.2} | {column: value}
    prover = GateProver(nothing_held_out(), TARGET, 0.95)
    with pytest.raises(ValueError, match="must"):
        prover.update(LabelBatch(**{name: np.array([one]) for name, one in columns.items()}))
    assert prover.prove().labels == 0


def test_columns_of_different_lengths_are_refused() -> None:
    one, two = np.ones(1), np.ones(2)
    with pytest.raises(ValueError, match="as many"):
        GateProver(nothing_held_out(), TARGET, 0.95).update(LabelBatch(one, two, one, one))


def test_without_thresholds_nothing_is_proven() -> None:
    nothing = np.array([])
    prover = GateProver(HeldOutTable(nothing, nothing, nothing, nothing, 0.0), TARGET, 0.95)
    prover.update(LabelBatch(np.ones(9), np.zeros(9), np.ones(9), np.ones(9)))
    assert prover.prove().threshold is None
    assert prover.curve() == ()
