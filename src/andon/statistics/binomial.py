"""Exact tests of an error rate by counted errors, and the number of labels that a proof takes.

Clopper and Pearson 1934. They hold for one look at labels that all had the same chance of being drawn; a gate
that is recomputed with every label needs `betting`. scipy is imported where it is used: gateways save its memory.
"""

import math
from typing import Final

import numpy as np

EVEN_ODDS: Final = 0.5
"""The chance of success for which label counts are stated."""

_AT_ONCE = 512
_MOST_ERRORS = 64 * _AT_ONCE


def upper_bound_holds(errors: int, rows: int, target: float, level: float) -> bool:
    """Test whether the exact upper bound of the error at confidence 1 - `level` is at most `target`.

    It is, if and only if so few errors would come with probability at most `level` were the error `target`.
    """
    return errors < rows and log_tail(errors, rows, target) <= math.log(level)


def log_tail(errors: int, rows: int, rate: float) -> float:
    """Compute the log probability of at most `errors` errors in `rows` rows at a true `rate` within (0, 1)."""
    if errors >= rows:
        return 0.0
    odds = math.log(rate) - math.log1p(-rate)
    term = rows * math.log1p(-rate)
    largest, total = term, 1.0
    for k in range(1, errors + 1):
        term += math.log((rows - k + 1) / k) + odds
        if term > largest:
            total, largest = total * math.exp(largest - term) + 1.0, term
        else:
            total += math.exp(term - largest)
    return min(0.0, largest + math.log(total))


def most_errors(rows: int, target: float, level: float) -> int | None:
    """Compute the most errors in `rows` rows that still prove `target`; None if even none of them would."""
    odds, allowed = math.log(target) - math.log1p(-target), math.log(level)
    term = tail = rows * math.log1p(-target)
    if rows < 1 or tail > allowed:
        return None
    for errors in range(1, rows):
        term += math.log((rows - errors + 1) / errors) + odds
        tail = max(tail, term) + math.log1p(math.exp(-abs(tail - term)))
        if tail > allowed:
            return errors - 1
    return rows - 1


def clean_labels_needed(target: float, confidence: float) -> int:
    """Compute how many labels without an error prove an error of at most `target`: 299 for 1% with 95% confidence."""
    return math.ceil(math.log1p(-confidence) / math.log1p(-target))


def labels_needed(target: float, confidence: float, error: float, power: float = EVEN_ODDS) -> int | None:
    """Compute the fewest labels that prove `target` with a chance of at least `power`, when the true error is `error`.

    Only counts at which one more error is allowed need looking at: in between, more labels only add errors. Those are
    quantiles of the negative binomial. None where the error is not below the target, or so near that none would do.
    """
    from scipy.stats import binom, nbinom

    if error >= target:
        return None
    for first in range(0, _MOST_ERRORS, _AT_ONCE):
        errors = np.arange(first, first + _AT_ONCE)
        rows = errors + 1 + nbinom.ppf(confidence, errors + 1, target)
        enough = np.flatnonzero(binom.cdf(errors, rows, error) >= power)
        if len(enough):
            return int(rows[enough[0]])
    return None
