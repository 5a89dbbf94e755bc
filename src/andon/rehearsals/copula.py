"""A Gaussian copula: the dependence between columns, apart from the spread of each.

Each column's ranks become normal scores. Their correlations are the parameter of the copula (the nonparanormal of Liu,
Lafferty and Wasserman, 2009, JMLR 10, with van der Waerden scores).
"""

import numpy as np
from numpy.typing import NDArray

FLOOR = 1e-6
"""The least eigenvalue of a correlation matrix from which rows are drawn."""

Matrix = NDArray[np.float64]


def correlation_of(codes: Matrix) -> Matrix:
    """Estimate the copula's correlation matrix from rows of numbers. NaN is missing; only complete pairs count."""
    scores = np.column_stack([_normal_scores(column) for column in codes.T]) if codes.size else codes
    columns = codes.shape[1]
    found = np.eye(columns)
    for one in range(columns):
        for other in range(one):
            found[one, other] = found[other, one] = _correlation(scores[:, one], scores[:, other])
    return nearest_correlation(found)


def nearest_correlation(matrix: Matrix) -> Matrix:
    """Return a positive definite correlation matrix near this one: raise eigenvalues to FLOOR, set the diagonal to 1.

    Rebonato and Jaeckel (1999), "The most general methodology to create a valid correlation matrix", section 3.
    """
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    raised = (vectors * np.maximum(values, FLOOR)) @ vectors.T
    scale = np.sqrt(np.diag(raised))
    return np.asarray(raised / np.outer(scale, scale), dtype=np.float64)


def dependent_uniforms(correlation: Matrix, rows: int, rng: np.random.Generator) -> Matrix:
    """Draw rows of uniform numbers in (0, 1) with the dependence of the copula."""
    from scipy.special import ndtr

    normal = rng.standard_normal((rows, len(correlation))) @ np.linalg.cholesky(correlation).T
    return np.asarray(np.clip(ndtr(normal), 1e-12, 1 - 1e-12), dtype=np.float64)


def _normal_scores(column: Matrix) -> Matrix:
    """Compute van der Waerden scores of a column's ranks. Ties get their mean rank; missing values stay NaN."""
    from scipy.special import ndtri
    from scipy.stats import rankdata

    scores = np.full(len(column), np.nan)
    there = np.isfinite(column)
    if there.any():
        scores[there] = ndtri((rankdata(column[there]) - 0.5) / there.sum())
    return scores


def _correlation(one: Matrix, other: Matrix) -> float:
    """Compute Pearson's correlation of the complete pairs; 0 if one column does not vary."""
    both = np.isfinite(one) & np.isfinite(other)
    if both.sum() < 3 or one[both].std() == 0 or other[both].std() == 0:
        return 0.0
    return float(np.clip(np.corrcoef(one[both], other[both])[0, 1], -1.0, 1.0))
