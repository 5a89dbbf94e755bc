"""The gate of little evidence: it uses all rows, keeps its promise and rule, and bounds the error near the gate."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import binom

from andon.models.manifest import RiskEvidence, RiskRow
from andon.models.risk import evidence_of, near, threshold_for

Floats = NDArray[np.float64]


def evidence(rng: np.random.Generator, rows: int, error: Floats | float, *, foreseeing: bool = False) -> RiskEvidence:
    """Return evidence of a model whose confidences are even between 0 and 1.

    `error` is that of each of 1,000 steps, the surest first. With `foreseeing`, the errors of the planning rows are
    known.
    """
    by_step = np.broadcast_to(np.asarray(error, float), 1000)

    def wrong(confidence: Floats) -> NDArray[np.bool_]:
        return rng.random(len(confidence)) < by_step[((1 - confidence) * 1000).astype(int)]

    confidence, planning = rng.random(rows), rng.random(max(20, rows // 3))
    return evidence_of(planning, confidence, wrong(confidence), wrong(planning) if foreseeing else None)


def true_error(threshold: float, error: Floats, width: float = 1.0) -> float:
    """Return the true error of the share `width` of decisions next to a threshold, on their surer side."""
    last = round((1 - threshold) * 1000)
    return float(error[max(0, round(last - 1000 * width)) : last].mean()) if last else 0.0


def test_a_model_that_is_right_in_97_of_100_is_automatic_by_few_rows() -> None:
    rng, error = np.random.default_rng(34), 0.09 * np.linspace(0, 1, 1000) ** 2
    shares = [1 - (threshold_for(evidence(rng, 150, error), 0.05, 0.95) or 1.0) for _ in range(200)]
    assert np.mean([share > 0.6 for share in shares]) > 0.4


def test_a_model_that_is_right_only_where_it_is_surest_is_automatic_there() -> None:
    rng, error = np.random.default_rng(35), np.where(np.arange(1000) < 350, 0.0, 0.4)
    proven = [threshold_for(evidence(rng, 400, error), 0.05, 0.95) is not None for _ in range(50)]
    assert np.mean(proven) > 0.6


def test_a_region_just_large_enough_for_a_proof_is_automatic_where_other_rows_foresee_it() -> None:
    rng, error = np.random.default_rng(38), np.where(np.arange(1000) < 200, 0.0, 0.4)  # 80 of 400 rows without an error
    proven = {
        foreseeing: np.mean(
            [threshold_for(evidence(rng, 400, error, foreseeing=foreseeing), 0.05, 0.95) is not None for _ in range(60)]
        )
        for foreseeing in (False, True)
    }
    assert proven[False] == 0.0
    assert proven[True] > 0.5


@pytest.mark.parametrize("foreseeing", [False, True])
@pytest.mark.parametrize("rows", [70, 150, 400])
@pytest.mark.parametrize("shape", ["flat", "rising", "worst where surest", "good where surest"])
def test_with_few_rows_the_target_is_exceeded_no_more_often_than_allowed(
    rows: int, shape: str, *, foreseeing: bool
) -> None:
    u = np.linspace(0, 1, 1000)
    error = {
        "flat": 0.051 + 0 * u,
        "rising": 0.2 * u**2,
        "worst where surest": np.where(u < 0.2, 0.12, 0.04),
        "good where surest": np.where(u < 0.1, 0.051, 0.4),
    }[shape]
    rng, exceeded, runs = np.random.default_rng(36), 0, 600
    for _ in range(runs):
        threshold = threshold_for(evidence(rng, rows, error, foreseeing=foreseeing), 0.05, 0.9)
        exceeded += threshold is not None and true_error(threshold, error) > 0.05
    assert exceeded <= binom.ppf(0.999, runs, 0.1)


@pytest.mark.parametrize("edge", [300, 500])
def test_a_local_bound_keeps_a_band_out_that_errs_more_than_it_allows(edge: int) -> None:
    error = np.where(np.arange(1000) < edge, 0.001, 0.11)  # the mean of the surest 900 may still be below 6%
    rng, exceeded, without, runs = np.random.default_rng(37), 0, 0, 200
    for _ in range(runs):
        found = evidence(rng, 3000, error)
        for local in (None, 0.1):
            threshold = threshold_for(found, 0.05, 0.9, local)
            too_many = threshold is not None and true_error(threshold, error, 0.1) > 0.1
            exceeded, without = exceeded + (too_many and local is not None), without + (too_many and local is None)
    assert without > runs / 2
    assert exceeded <= binom.ppf(0.999, runs, 0.1)


def test_the_error_near_the_gate_is_that_of_the_least_certain_rows() -> None:
    confidence = np.linspace(1.0, 0.5, 1000)
    wrong = np.arange(1000) >= 960
    found = evidence_of(confidence, confidence, wrong)
    rows, errors = near(found, found.table[-1].threshold)
    assert errors == 40
    assert 100 <= rows <= 110
    assert near(found, 2.0) == (0, 0)


def by_definition(
    table: list[RiskRow], target: float, confidence: float, foreseen: list[tuple[int, int]] | None
) -> float | None:
    """Follow the rule in plain words, by scipy.

    There are two sequences, the narrow one with a tenth of the level, each until its first failure. If the wide one is
    foreseen to fail, a single one begins at the narrower region that is likeliest to be proven.
    """
    level, planned = 1 - confidence, [row.planned for row in table]

    def first(rows: float) -> int:
        return next((at for at, some in enumerate(planned) if some >= rows), len(table) - 1)

    fewest = math.log(level) / math.log(1 - target)
    wide = min(3 * fewest, max(1.05 * fewest, 0.7 * planned[-1]))
    narrow = 1.05 * math.log(level / 10) / math.log(1 - target)
    if planned[-1] < 1.05 * fewest:
        begins = {len(table) - 1: 1.0}
    elif narrow < wide and first(narrow) != first(wide):
        begins = {first(narrow): 0.1, first(wide): 0.9}
    else:
        begins = {first(wide): 1.0}

    def chance(at: int, part: float) -> float:
        rows, errors = foreseen[at] if foreseen else (0, 0)
        proving = np.flatnonzero(binom.cdf(np.arange(planned[at]), planned[at], target) <= level * part)
        return float(binom.cdf(proving[-1], planned[at], (errors + 0.5) / (rows + 1))) if len(proving) else 0.0

    last = max(begins)
    usual = chance(last, begins[last])
    if foreseen and usual < 0.1:
        hopes = [chance(at, 1.0) for at in range(last)]
        if hopes and max(hopes) > usual:
            begins = {int(np.argmax(hopes)): 1.0}
    budget, proven = 0.0, None
    for at, row in enumerate(table):
        budget += begins.get(at, 0.0)
        if budget and binom.cdf(row.errors, row.rows, target) <= level * budget and row.errors < row.rows:
            proven = row.threshold
        else:
            budget = 0.0
    return proven


@settings(deadline=None, max_examples=100)
@given(st.data(), st.sampled_from([0.01, 0.05, 0.1]), st.sampled_from([0.9, 0.95]))
def test_it_does_what_an_independent_implementation_does(data: st.DataObject, target: float, confidence: float) -> None:
    steps = data.draw(st.lists(st.integers(1, 60), min_size=1, max_size=20))
    rows, errors, planned, table, foreseen = 0, 0, 0, [], [(0, 0)]
    for at, step in enumerate(steps):
        rows += step
        errors += data.draw(st.integers(0, min(2, step)))
        planned += max(0, step + data.draw(st.integers(-3, 3)))
        table.append(RiskRow(threshold=1 - at / 100, planned=planned, rows=rows, errors=errors))
        foreseen.append((foreseen[-1][0] + step, foreseen[-1][1] + data.draw(st.integers(0, min(4, step)))))
    plain = RiskEvidence(table=tuple(table), rows=rows)
    seen = RiskEvidence(table=tuple(table), rows=rows, foreseen=tuple(foreseen[1:]))
    assert threshold_for(plain, target, confidence) == by_definition(table, target, confidence, None)
    assert threshold_for(seen, target, confidence) == by_definition(table, target, confidence, foreseen[1:])
