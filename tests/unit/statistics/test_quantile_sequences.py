import math
from functools import cache

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.special import logsumexp
from scipy.stats import beta, binom

from andon.statistics.quantile_sequences import (
    GROWTH,
    SMALLEST,
    WEIGHT,
    GrowingBins,
    QuantileTest,
    _evidence,
    over_stages,
    quantile_interval,
)

SHARES = st.floats(0.02, 0.98)
VALUES = st.lists(st.floats(SMALLEST * 2, 1e6), max_size=60).map(lambda values: np.array(values, float))


@settings(deadline=None, max_examples=30)
@given(SHARES, st.integers(1, 400), st.floats(0, 1))
@example(share=0.021484375, total=242, part=1.0)  # where the incomplete beta function has few digits left
def test_evidence_is_a_mixture_over_lower_rates(share: float, total: int, part: float) -> None:
    hits = round(part * total)
    rates = (np.arange(20_000) + 0.5) / 20_000 * share
    prior = beta(WEIGHT * share, WEIGHT * (1 - share))
    ratios = binom.logpmf(hits, total, rates) - binom.logpmf(hits, total, share)
    expected = logsumexp(prior.logpdf(rates) + ratios) + math.log(share / 20_000) - prior.logcdf(share)
    found = _evidence(np.array([float(hits)]), np.array([float(total - hits)]), share)[0]
    assert found == pytest.approx(expected, abs=1e-3)


@settings(deadline=None, max_examples=40)
@given(SHARES, st.integers(1, 3000), st.floats(0, 1))
def test_evidence_is_not_expected_to_grow_while_the_rate_is_no_lower(share: float, total: int, beyond: float) -> None:
    hits = np.arange(total + 1.0)
    chance = binom.logpmf(hits, total, share + beyond * (1 - share))
    mean = np.exp(chance + _evidence(hits, total - hits, share)).sum()
    assert mean <= 1 + 1e-6
    if beyond == 0:
        assert mean == pytest.approx(1, rel=1e-6)


def test_where_the_incomplete_beta_underflows_the_evidence_stays_finite() -> None:
    found = _evidence(np.array([50_000.0]), np.array([0.0]), 0.95)[0]
    assert -30 < found < 0


@given(VALUES, VALUES)
def test_bins_merge_and_count_what_lies_below_their_edges(some: np.ndarray, others: np.ndarray) -> None:
    merged = GrowingBins.of(some) + GrowingBins.of(others)
    both = np.concatenate([some, others])
    assert merged.counts == GrowingBins.of(both).counts
    assert GrowingBins.from_json(merged.to_json()) == merged
    edges = np.array([-500, 0, 100, 900])
    # Beside each edge, since a logarithm may round either way on it.
    low = [(both <= GROWTH**edge * (1 - 1e-9)).sum() for edge in edges.tolist()]
    high = [(both <= GROWTH**edge * (1 + 1e-9)).sum() for edge in edges.tolist()]
    counted = merged.up_to(edges)
    assert (np.array(low) <= counted).all()
    assert (counted <= np.array(high)).all()


@pytest.mark.parametrize("quantile", [0.5, 0.95])
def test_intervals_hold_at_every_look_at_once(quantile: float) -> None:
    rng = np.random.default_rng(4)
    truth = -math.log(1 - quantile)
    missed = 0
    for _ in range(80):
        bins, wrong = GrowingBins(), False
        for _ in range(15):
            bins += GrowingBins.of(rng.exponential(size=100))
            low, high = quantile_interval(bins, quantile, 0.1)
            wrong = wrong or not low <= truth <= high
        missed += wrong
    assert missed / 80 <= 0.1 + 3 * math.sqrt(0.1 * 0.9 / 80)


def test_nothing_is_known_of_the_quantile_of_few_values() -> None:
    assert quantile_interval(GrowingBins.of(np.array([1.0, 2.0])), 0.95, 0.05) == (0.0, math.inf)
    assert QuantileTest.harm(0.95, 0.05).log_e(GrowingBins(), GrowingBins.of(np.ones(9))) == 0.0


def rejections(test: QuantileTest, ratio: float, runs: int) -> float:
    rng = np.random.default_rng(5)
    rejected = 0
    for _ in range(runs):
        candidate, control, found = GrowingBins(), GrowingBins(), False
        for _ in range(10):
            candidate += GrowingBins.of(ratio * rng.lognormal(0, 0.5, 250))
            control += GrowingBins.of(rng.lognormal(0, 0.5, 250))
            found = found or test.rejected(candidate, control)
        rejected += found
    return rejected / runs


def test_slower_candidates_are_found_and_equal_ones_rarely_rejected() -> None:
    test = QuantileTest.harm(0.95, 0.05)
    assert rejections(test, 1.0, 100) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 100)
    assert rejections(test, 1.5, 30) == 1.0


def test_equal_candidates_are_within_the_margin_and_those_at_it_rarely_pass() -> None:
    test = QuantileTest.non_inferior(0.95, 0.5, 0.05)
    assert rejections(test, 1.5, 100) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 100)
    assert rejections(test, 1.0, 30) == 1.0


def test_the_interval_of_the_difference_encloses_it() -> None:
    rng = np.random.default_rng(6)
    candidate, control = (GrowingBins.of(scale * rng.exponential(size=20_000)) for scale in (2.0, 1.0))
    low, high = QuantileTest.harm(0.5, 0.05).interval(candidate, control)
    assert low < math.log(2) < high
    assert high - low < 0.3


@cache
def mixed(hits: int, total: int, share: float) -> float:
    """Compute the evidence for a rate below a share by summing over a fine grid of rates."""
    rates = (np.arange(1_000) + 0.5) / 1_000 * share
    prior = beta(WEIGHT * share, WEIGHT * (1 - share))
    ratios = binom.logpmf(hits, total, rates) - binom.logpmf(hits, total, share)
    return float(logsumexp(prior.logpdf(rates) + ratios) + math.log(share / 1_000) - prior.logcdf(share))


IN_BINS = st.lists(st.integers(0, 12), min_size=1, max_size=20)


@settings(deadline=None, max_examples=10)
@given(IN_BINS, IN_BINS, st.sampled_from([0.5, 0.9]), st.sampled_from([0.0, 0.1, 0.3]), st.booleans())
def test_the_evidence_of_two_arms_is_the_least_over_all_values(
    some: list[int], others: list[int], share: float, margin: float, is_harm: bool
) -> None:
    """By hand: which bin the control's quantile may lie in, and how far from there the candidate's may lie."""
    if not is_harm and not margin:
        return
    candidate, control = np.array(some), np.array(others)
    bins = [GrowingBins.of(GROWTH ** (values - 0.5)) for values in (candidate, control)]
    test = QuantileTest.harm(share, 0.05, margin) if is_harm else QuantileTest.non_inferior(share, margin, 0.05)
    found = []
    for edge in range(-16, 28):
        shift = test.shift
        worse, better = (candidate, control) if is_harm else (control, candidate)
        high = edge + (shift if is_harm else 0)
        low = edge - 1 + (0 if is_harm else shift)
        few = mixed(int((worse <= high).sum()), len(worse), share)
        many = mixed(int((better > low).sum()), len(better), 1 - share)
        found.append(few + many)
    assert test.log_e(*bins) == pytest.approx(min(found), abs=2e-2)
    assert (GROWTH**test.shift - 1 - margin) * (1 if is_harm else -1) >= -1e-9


def test_a_candidate_at_its_margin_is_rarely_rejected_and_one_beyond_it_is_found() -> None:
    test = QuantileTest.harm(0.95, 0.05, 0.2)
    assert rejections(test, 1.2, 60) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 60)
    assert rejections(test, 1.9, 20) == 1.0


@given(st.lists(st.floats(-20, 20), max_size=5), st.integers(5, 8))
def test_stages_together_are_worth_their_mean_evidence(levels: list[float], stages: int) -> None:
    whole = (np.exp(levels).sum() + stages - len(levels)) / stages
    assert over_stages(levels, stages) == pytest.approx(math.log(whole), abs=1e-9)


@given(VALUES.filter(len), st.floats(0.05, 0.95), st.integers(1, 10_000))
def test_scaled_bins_keep_their_proportions(values: np.ndarray, share: float, total: int) -> None:
    bins = GrowingBins.of(values)
    scaled = bins.scaled(total)
    assert scaled.total == total
    apart = np.cumsum(scaled.counts) / total - np.cumsum(bins.counts) / bins.total
    assert np.abs(apart).max() <= 0.5 / total + 1e-9
    below = np.sort(values)[math.ceil(share * len(values)) - 1]
    assert below / GROWTH <= bins.quantile(share) * (1 + 1e-9)
    assert bins.quantile(share) <= below * GROWTH * (1 + 1e-9)
