"""A Gaussian copula: how columns depend on each other, apart from how each of them is spread.

Each column's ranks become normal scores, whose correlations are the copula's parameter (the nonparanormal of
Liu, Lafferty and Wasserman, 2009, JMLR 10, with van der Waerden scores).
"""

import numpy as np
from numpy.typing import NDArray

FLOOR = 1e-6
"""The least eigenvalue of a correlation matrix that is drawn from."""

Matrix = NDArray[np.float64]


def correlation_of(codes: Matrix) -> Matrix:
    """The copula's correlation matrix from rows of numbers; NaN is missing, and a pair counts where both are there."""
    scores = np.column_stack([_normal_scores(column) for column in codes.T]) if codes.size else codes
    columns = codes.shape[1]
    found = np.eye(columns)
    for one in range(columns):
        for other in range(one):
            found[one, other] = found[other, one] = _correlation(scores[:, one], scores[:, other])
    return nearest_correlation(found)


def nearest_correlation(matrix: Matrix) -> Matrix:
    """A positive definite correlation matrix near this one: eigenvalues are raised to FLOOR, the diagonal is set to 1.

    Rebonato and Jaeckel (1999), "The most general methodology to create a valid correlation matrix", section 3.
    """
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    raised = (vectors * np.maximum(values, FLOOR)) @ vectors.T
    scale = np.sqrt(np.diag(raised))
    return np.asarray(raised / np.outer(scale, scale), dtype=np.float64)


def dependent_uniforms(correlation: Matrix, rows: int, rng: np.random.Generator) -> Matrix:
    """Rows of numbers in (0, 1), each uniform, that depend on each other as the copula says."""
    from scipy.special import ndtr

    normal = rng.standard_normal((rows, len(correlation))) @ np.linalg.cholesky(correlation).T
    return np.asarray(np.clip(ndtr(normal), 1e-12, 1 - 1e-12), dtype=np.float64)


def _normal_scores(column: Matrix) -> Matrix:
    """Van der Waerden scores of a column's ranks, ties at the middle of theirs; NaN where a value is missing."""
    from scipy.special import ndtri
    from scipy.stats import rankdata

    scores = np.full(len(column), np.nan)
    there = np.isfinite(column)
    if there.any():
        scores[there] = ndtri((rankdata(column[there]) - 0.5) / there.sum())
    return scores


def _correlation(one: Matrix, other: Matrix) -> float:
    """Pearson's correlation where both are there; 0 where one of them does not vary."""
    both = np.isfinite(one) & np.isfinite(other)
    if both.sum() < 3 or one[both].std() == 0 or other[both].std() == 0:
        return 0.0
    return float(np.clip(np.corrcoef(one[both], other[both])[0, 1], -1.0, 1.0))
