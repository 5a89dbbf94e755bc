"""What libraries return as probabilities, in one shape: a row a case, a column a class."""

from typing import Any

import numpy as np

from andon.models.encoding import Matrix

_TOLERANCE = 1e-3


def probabilities_of(output: Any) -> Matrix:
    """Probabilities [rows, classes] from P(positive) alone, a matrix, or a list of {class: probability} (ONNX zipmap)."""
    if isinstance(output, list):
        return np.array([list(row.values()) for row in output], dtype=np.float64)
    array = np.asarray(output, dtype=np.float64)
    if array.ndim == 1 or array.shape[1] == 1:
        return two_columns(array.reshape(-1))
    return array


def two_columns(positive: Matrix) -> Matrix:
    """P(negative) and P(positive) of each row."""
    both = np.empty((len(positive), 2))
    both[:, 1] = positive
    np.subtract(1.0, positive, out=both[:, 0])
    return both


def fault_of(probabilities: Matrix, rows: int, classes: int) -> str | None:
    """What is wrong with a runtime's answer, or None: its shape, a value that is no probability, a sum that is not 1."""
    if probabilities.shape != (rows, classes):
        return f"expected probabilities of shape {(rows, classes)}, got {probabilities.shape}"
    total = probabilities.sum(axis=1)
    # One comparison that NaN and infinity fail too.
    if not (probabilities.min(initial=0.0) >= -_TOLERANCE and np.abs(total - 1.0).max(initial=0.0) <= _TOLERANCE):
        return "the output holds values that are no probabilities (NaN, below 0, or not adding up to 1)"
    return None
