"""Whether what a runtime answered can be used as probabilities."""

import numpy as np

from andon.runtimes import Matrix

_TOLERANCE = 1e-3


def fault_of(probabilities: Matrix, rows: int, classes: int) -> str | None:
    """What is wrong with a runtime's answer, or None: its shape, a value that is no probability, a sum that is not 1."""
    if probabilities.shape != (rows, classes):
        return f"expected probabilities of shape {(rows, classes)}, got {probabilities.shape}"
    total = probabilities.sum(axis=1)
    # One comparison that NaN and infinity fail too.
    if not (probabilities.min(initial=0.0) >= -_TOLERANCE and np.abs(total - 1.0).max(initial=0.0) <= _TOLERANCE):
        return "the output holds values that are no probabilities (NaN, below 0, or not adding up to 1)"
    return None
