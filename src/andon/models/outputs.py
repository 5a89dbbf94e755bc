"""The check of whether a runtime's answer can be used as probabilities."""

from math import isnan
from operator import add

import numpy as np

from andon.runtimes import Matrix

_TOLERANCE = 1e-3
_NO_PROBABILITIES = "the output contains values that are not probabilities (NaN, below 0, or not adding up to 1)"


def fault_of(probabilities: Matrix, rows: int, classes: int) -> str | None:
    """Return the fault in a runtime's answer, or None.

    A fault is a wrong shape, a value that is not a probability, or a sum other than 1.
    """
    if probabilities.shape != (rows, classes):
        return f"expected probabilities of shape {(rows, classes)}, got {probabilities.shape}"
    if classes == 2 and rows:  # without NumPy, whose fixed cost exceeds that of a batch's rows
        first, second = probabilities.T.tolist()
        totals = list(map(add, first, second))
        if isnan(sum(totals)):  # which minimum and maximum do not always reveal
            return _NO_PROBABILITIES
        least, lowest, highest = min(min(first), min(second)), min(totals) - 1.0, max(totals) - 1.0
        return None if least >= -_TOLERANCE <= lowest and highest <= _TOLERANCE else _NO_PROBABILITIES
    total = probabilities.sum(axis=1)
    # This one comparison also fails for NaN and infinity.
    if not (probabilities.min(initial=0.0) >= -_TOLERANCE and np.abs(total - 1.0).max(initial=0.0) <= _TOLERANCE):
        return _NO_PROBABILITIES
    return None
