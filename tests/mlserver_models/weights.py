"""What the models in MLServer compute, for the server and for the tests."""

from typing import Any

import numpy as np

WEIGHTS = np.array([0.01, 0.5, -1.0, 0.0, 0.01, 0.1])


def probabilities(matrix: Any, classes: int = 2) -> Any:
    """[rows, classes] from a line over the columns; a missing value counts as 1."""
    filled = np.where(np.isnan(matrix), 1.0, matrix)
    logits = np.outer(filled @ WEIGHTS[: matrix.shape[1]] - 1.5, np.arange(classes))
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)
