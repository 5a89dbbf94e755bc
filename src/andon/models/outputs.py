"""Whether what a runtime answered can be used as probabilities."""

import numpy as np

from andon.runtimes import Matrix

_TOLERANCE = 1e-3
_NO_PROBABILITIES = "the output holds values that are no probabilities (NaN, below 0, or not adding up to 1)"


def fault_of(probabilities: Matrix, rows: int, classes: int) -> str | None:
    """What is wrong with a runtime's answer, or None: its shape, a value that is no probability, a sum that is not 1."""
    if probabilities.shape != (rows, classes):
        return f"expected probabilities of shape {(rows, classes)}, got {probabilities.shape}"
    if classes == 2:  # without NumPy, whose fixed price is more than the rows of a batch cost
        pairs = probabilities.tolist()
        sound = [a >= -_TOLERANCE <= b and -_TOLERANCE <= a + b - 1.0 <= _TOLERANCE for a, b in pairs]
        return None if all(sound) else _NO_PROBABILITIES
    total = probabilities.sum(axis=1)
    # One comparison that NaN and infinity fail too.
    if not (probabilities.min(initial=0.0) >= -_TOLERANCE and np.abs(total - 1.0).max(initial=0.0) <= _TOLERANCE):
        return _NO_PROBABILITIES
    return None
