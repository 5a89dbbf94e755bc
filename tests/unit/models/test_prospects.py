"""What a model would make automatic by target, and why little is."""

import numpy as np

from andon.models import expected_prospects, prospects_of, shortfall_of
from andon.models.manifest import RiskEvidence
from andon.models.risk import evidence_of


def a_model(rows: int, worst: float, seed: int = 34) -> RiskEvidence:
    rng = np.random.default_rng(seed)
    confidence = rng.random(rows)
    return evidence_of(rng.random(rows), confidence, rng.random(rows) < worst * (1 - confidence))


def test_a_higher_target_makes_no_less_automatic_and_each_share_keeps_it() -> None:
    found = prospects_of(a_model(2000, 0.2), declared=(0.03,))
    assert [one.target for one in found] == [0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1]
    shares = [one.share for one in found]
    assert shares == sorted(shares)
    assert shares[0] == 0.0
    assert shares[-1] > 0.8
    assert all(one.error is None or one.error <= one.target for one in found)
    assert all(one.error is None or one.local_error is not None for one in found)


def test_enough_that_is_automatic_is_not_explained() -> None:
    assert shortfall_of(a_model(2000, 0.05), 0.05, 0.95, labelled=8000) == []


def test_too_few_rows_are_said_with_how_many_more_would_do() -> None:
    why = shortfall_of(a_model(40, 0.0), 0.05, 0.95, labelled=200)
    assert (
        "nothing is automatic at a target of 5%: too few rows. 40 held-out rows test the gate, and it takes at least 59"
        in why[0]
    )
    assert why[1] == "about 110 more labelled rows would prove it at the present error rate"
    assert why[2] == "a target of 10% makes 95% automatic with these rows"


def test_a_weak_model_is_said_to_be_weak_and_that_rows_will_not_help() -> None:
    rng = np.random.default_rng(1)
    confidence = rng.random(800)
    why = shortfall_of(evidence_of(confidence, confidence, rng.random(800) < 0.4), 0.05, 0.95, labelled=3000)
    assert "the model is too weak for it" in why[0]
    assert "more rows alone will not help" in why[1]


def test_a_trial_estimates_what_more_rows_would_make_automatic() -> None:
    rng = np.random.default_rng(2)
    score = rng.random(3000)
    labels = (rng.random(3000) < np.clip(2 * score - 0.5, 0.0, 1.0)).astype(np.int64)
    raw = np.column_stack((1 - score, score))
    (few,) = expected_prospects(raw, labels, 60, [0.05])
    (many,) = expected_prospects(raw, labels, 1500, [0.05])
    assert few.share < 0.2
    assert many.share > 0.4
