"""Libraries' outputs as probabilities in one shape: a row per case, a column per class."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .errors import OutputUnusable

Matrix: TypeAlias = NDArray[np.float64]


def probabilities_of(output: Any) -> Matrix:
    """Return probabilities [rows, classes] from P(positive), a matrix, or a list of {class: probability} (zipmap)."""
    if isinstance(output, list):
        return np.array([list(row.values()) for row in output], dtype=np.float64)
    array = np.asarray(output, dtype=np.float64)
    if array.ndim == 1 or array.shape[1] == 1:
        return two_columns(array.reshape(-1))
    return array


def two_columns(positive: Matrix) -> Matrix:
    """Return P(negative) and P(positive) of each row."""
    both = np.empty((len(positive), 2))
    both[:, 1] = positive
    np.subtract(1.0, positive, out=both[:, 0])
    return both


def probabilities_given(output: Any) -> Matrix:
    """Return probabilities [rows, classes] from a user's own code.

    Raises OutputUnusable, without values, for anything else.
    """
    array = np.asarray(output)
    if array.dtype.kind != "f" or array.ndim not in (1, 2):
        raise OutputUnusable(
            f"it answered with {array.dtype} of shape {array.shape} ({type(output).__name__}); expected "
            "probabilities: floats [rows, classes] in the order of the classes, or [rows] for the positive one of "
            "two, not labels"
        )
    return probabilities_of(array)
