"""Statistics of two samples, held to scipy and to permutations."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from andon.statistics.histograms import Histograms, category, numeric, reference_of
from andon.statistics.two_samples import Factor, mean_shift, scores_of, shares, signed_root, spread, variation

COUNTS = st.lists(st.tuples(st.integers(0, 300), st.integers(0, 300)), min_size=2, max_size=12)
ONE = Factor.none(1)


def pair(then: list[int], now: list[int], *, ordered: bool = True) -> tuple[Histograms, Histograms]:
    """Two samples in the same bins."""
    if ordered:
        reference = reference_of([numeric("x", list(range(len(then) + 1)), then)])
    else:
        reference = reference_of([category("x", {str(at): count for at, count in enumerate(then)})])
    counts = np.zeros_like(reference.counts)
    counts[0, 1 : len(now) + 1] = now
    return reference, Histograms(reference.binning, counts)


@settings(deadline=None)
@given(COUNTS)
def test_all_bins_are_tested_as_scipy_does_with_williams_correction(counts: list[tuple[int, int]]) -> None:
    counts = [(a + 20, b + 20) for a, b in counts]  # so that no bin is pooled
    then, now = (list(side) for side in zip(*counts, strict=True))
    if min(sum(then), sum(now)) / (sum(then) + sum(now)) * 40 < 5:
        return
    found = spread(*pair(then, now, ordered=False))
    table = np.array([now, then])
    wanted = stats.chi2_contingency(table, correction=False, lambda_="log-likelihood")
    total = table.sum()
    rows, columns = (total / table.sum(axis=1)).sum() - 1, (total / table.sum(axis=0)).sum() - 1
    correction = 1 + rows * columns / (6 * total * (len(counts) - 1))
    assert found.freedom[0] == wanted.dof
    assert found.g[0] == pytest.approx(wanted.statistic / correction, abs=1e-8)
    assert found.p_values(ONE)[0] == pytest.approx(stats.chi2.sf(wanted.statistic / correction, wanted.dof))


def test_rare_bins_are_pooled() -> None:
    found = spread(*pair([500, 480, 1, 1, 1], [250, 240, 1, 1, 0]))
    assert found.freedom[0] == 2  # two bins and what is pooled


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 2**32 - 1), st.integers(50, 400), st.floats(-0.5, 0.5))
def test_a_mean_shift_of_many_values_is_the_van_der_waerden_statistic(seed: int, rows: int, by: float) -> None:
    rng = np.random.default_rng(seed)
    then = np.bincount(np.clip(rng.normal(5, 2, 5 * rows), 0, 9.9).astype(int), minlength=10)
    now = np.bincount(np.clip(rng.normal(5 + by, 2, rows), 0, 9.9).astype(int), minlength=10)
    found = mean_shift(*pair(then.tolist(), now.tolist()))
    scores = scores_of((then + now)[None, :].astype(float))[0]
    pooled = np.repeat(scores, then + now)
    n, m = now.sum(), then.sum()
    deviation = pooled.std() * np.sqrt(m / (n * (n + m)))
    z = (now @ scores / n - pooled.mean()) / deviation
    assert found.z[0] == pytest.approx(z, abs=0.15 + 0.05 * abs(z))


def test_a_mean_shift_of_a_rare_flag_is_judged_about_as_exactly_as_by_fisher() -> None:
    """The normal approximation says 6e-8 here."""
    found = mean_shift(*pair([9900, 100], [94, 6]))
    exact = stats.fisher_exact([[94, 6], [9900, 100]]).pvalue
    assert exact / 5 < found.p_values(ONE)[0] < exact * 5


def test_p_values_of_a_mean_shift_are_those_of_permutations() -> None:
    rng = np.random.default_rng(9)
    then, now = [30, 50, 40, 30, 20], [6, 10, 10, 14, 14]
    both = np.array(then) + np.array(now)
    scores = scores_of(both[None, :].astype(float))[0]
    drawn = rng.multivariate_hypergeometric(both, sum(now), size=100_000) @ scores
    middle = (both @ scores) / both.sum() * sum(now)
    wanted = (np.abs(drawn - middle) >= abs(np.array(now) @ scores - middle) - 1e-9).mean()
    assert mean_shift(*pair(then, now)).p_values(ONE)[0] == pytest.approx(wanted, rel=0.15)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.floats(0.05, 1), min_size=2, max_size=8), st.floats(0.02, 0.98))
def test_the_signed_root_is_that_of_cramers_rate(weights: list[float], where: float) -> None:
    share = np.array(weights) / sum(weights)
    scores = np.linspace(-1, 2, len(share))
    scores -= share @ scores
    scores /= np.sqrt(share @ scores**2)
    target = scores.min() + where * (scores.max() - scores.min())
    rate = -optimize.minimize_scalar(
        lambda t: np.log(share @ np.exp(t * scores)) - t * target, bounds=(-60, 60), method="bounded"
    ).fun
    found = signed_root(scores[None, :], share[None, :], np.array([target]))[0]
    assert found == pytest.approx(np.sign(target) * np.sqrt(2 * max(rate, 0)), abs=2e-3)


@settings(deadline=None)
@given(st.integers(0, 60), st.integers(1, 60), st.integers(0, 60), st.integers(1, 60))
def test_missing_values_are_tested_as_by_fisher(absent: int, present: int, absent_then: int, present_then: int) -> None:
    reference = reference_of([numeric("x", (0, 1), (present_then,), missing=absent_then)])
    current = reference.binning.count(np.array([np.nan] * absent + [0.5] * present)[:, None])
    found = next(shares(reference, current, ONE, ONE)).p_values[0]
    table = [[absent, present], [absent_then, present_then]]
    more = stats.fisher_exact(table, alternative="greater").pvalue
    fewer = stats.fisher_exact(table, alternative="less").pvalue
    assert found == pytest.approx(min(2 * min(more, fewer), 1)) or (found == 1 and min(more, fewer) > 0.25)


@given(st.integers(1, 8), st.integers(8, 60), st.integers(1, 200))
def test_values_above_the_maximum_are_judged_by_the_ranks_of_the_largest(above: int, rows: int, known: int) -> None:
    """Of exchangeable values the largest `above` are all current with the product of the shares that are left."""
    reference = reference_of([numeric("x", (0, 1), (known,))])
    values = np.array([2.0] * above + [0.5] * (rows - above))
    _, outside, _ = shares(reference, reference.binning.count(values[:, None]), ONE, ONE)
    by_ranks = np.prod([(rows - at) / (rows + known - at) for at in range(above)])
    assert outside.p_values[0] == pytest.approx(min(2 * by_ranks, 1))


def test_new_categories_are_expected_where_the_reference_has_many_once() -> None:
    rare = {f"rare {at}": 1 for at in range(50)}
    many, none = (reference_of([category("x", {"common": 1000, **one})]) for one in (rare, {}))
    values = np.array([-1.0] * 5 + [0.0] * 95)[:, None]
    seen = [list(shares(one, one.binning.count(values), ONE, ONE))[1].p_values[0] for one in (many, none)]
    assert seen[0] > 0.1
    assert seen[1] < 1e-4


def test_the_outermost_bins_are_tested_with_what_lies_beyond() -> None:
    reference = reference_of([numeric("x", (0, 1, 2, 3, 4), (10, 4990, 4990, 10))])
    current = reference.binning.count(np.array([3.5] * 6 + [9.0] * 4 + [1.5] * 490)[:, None])
    tails = list(shares(reference, current, ONE, ONE))[2]
    wanted = stats.fisher_exact([[10, 490], [10, 9990]], alternative="greater").pvalue
    assert tails.p_values[0] == pytest.approx(2 * wanted)


@given(COUNTS)
def test_total_variation_is_half_the_absolute_difference(counts: list[tuple[int, int]]) -> None:
    then, now = (np.array(side) for side in zip(*counts, strict=True))
    found = variation(*pair(then.tolist(), now.tolist(), ordered=False))[0]
    wanted = np.abs(then / max(then.sum(), 1) - now / max(now.sum(), 1)).sum() / 2 if then.sum() and now.sum() else 0
    assert found == pytest.approx(wanted)
