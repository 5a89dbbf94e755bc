"""The copula keeps how columns depend on each other, held to scipy, whatever each of them is spread like."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from andon.rehearsals.copula import correlation_of, dependent_uniforms, nearest_correlation

ROWS = 4_000


@settings(max_examples=20)
@given(st.floats(-0.95, 0.95), st.integers(0, 2**32 - 1))
def test_rank_correlations_are_those_of_the_rows_it_was_taken_from(wanted: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    normal = rng.multivariate_normal([0, 0], [[1, wanted], [wanted, 1]], ROWS)
    rows = np.column_stack([np.exp(normal[:, 0]), normal[:, 1] ** 3])  # spread otherwise, ranked alike
    drawn = dependent_uniforms(correlation_of(rows), ROWS, np.random.default_rng(seed + 1))
    before, after = (stats.spearmanr(one).statistic for one in (rows, drawn))
    assert after == pytest.approx(before, abs=0.08)


def test_each_column_is_uniform() -> None:
    correlation = np.array([[1, 0.8, 0], [0.8, 1, -0.3], [0, -0.3, 1]])
    drawn = dependent_uniforms(correlation, ROWS, np.random.default_rng(1))
    assert all(stats.kstest(column, "uniform").pvalue > 0.001 for column in drawn.T)


@settings(max_examples=50)
@given(st.lists(st.floats(-1, 1), min_size=6, max_size=6))
def test_what_is_no_correlation_matrix_becomes_one(given_: list[float]) -> None:
    matrix = np.eye(4)
    matrix[np.triu_indices(4, 1)] = given_
    matrix = np.triu(matrix) + np.triu(matrix, 1).T
    found = nearest_correlation(matrix)
    assert np.diag(found) == pytest.approx(1)
    assert np.linalg.eigvalsh(found).min() > 0
    if np.linalg.eigvalsh(matrix).min() > 1e-3:
        assert found == pytest.approx(matrix, abs=1e-9)


def test_a_pair_counts_where_both_are_there_and_what_does_not_vary_depends_on_nothing() -> None:
    rng = np.random.default_rng(2)
    one = rng.normal(size=ROWS)
    rows = np.column_stack([one, one + rng.normal(size=ROWS) * 0.1, np.ones(ROWS)])
    rows[::2, 0] = np.nan
    found = correlation_of(rows)
    assert found[0, 1] > 0.95
    assert found[2, :2] == pytest.approx(0)
