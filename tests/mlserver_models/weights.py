"""What the models in MLServer compute, for the server and for the tests."""

from typing import Any

import numpy as np

WEIGHTS = np.array([0.01, 0.5, -1.0, 0.25, 0.0, 0.1])


def probabilities(matrix: Any) -> Any:
    """[rows, 2]: a logistic curve over the columns; a missing value counts as 1."""
    filled = np.where(np.isnan(matrix), 1.0, matrix)
    positive = 1 / (1 + np.exp(-(filled @ WEIGHTS[: matrix.shape[1]] - 1.5)))
    return np.column_stack((1 - positive, positive))
