"""Performance without labels: what calibrated probabilities expect of themselves (CBPE, Kivimäki et al. 2025). Pure.

A calibrated confidence is the probability of being right. So the mean of 1 - confidence is the expected error, and the variance of
the number of errors is the sum of c(1 - c) (Poisson binomial). It holds only as long as the probabilities stay calibrated.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import sqrt
from typing import Any


@dataclass(frozen=True, slots=True)
class LabelFreeEstimate:
    """The expected error of so many decisions, and the 95% interval in which their actual error lies."""

    error: float
    low: float
    high: float
    rows: int


def estimate(certainty: Mapping[str, Any]) -> LabelFreeEstimate | None:
    """Estimate the error from summed confidences; None if there are none."""
    rows = int(certainty.get("rows", 0))
    if not rows:
        return None
    error = 1 - certainty["sum"] / rows
    half = 1.959964 * sqrt(max(certainty["variance"], 0.0)) / rows
    return LabelFreeEstimate(error, max(error - half, 0.0), min(error + half, 1.0), rows)


def expected_auc(edges: Sequence[float], counts: Sequence[int]) -> float | None:
    """Estimate the area under the ROC curve from a histogram of calibrated scores; None if a class is not expected at all.

    Of a bin with mean score p and n decisions, np are expected to be positive and n(1 - p) negative.
    """
    positives = negatives = area = 0.0
    for low, high, count in zip(edges, edges[1:], counts, strict=False):
        score = (low + high) / 2
        positive, negative = count * score, count * (1 - score)
        area += positive * (negatives + negative / 2)
        positives += positive
        negatives += negative
    return area / (positives * negatives) if positives and negatives else None


def reference_error(edges: Sequence[float], counts: Sequence[int], *, binary: bool) -> float | None:
    """Estimate the error on the held-out data from its scores in the same way; None without scores."""
    total = sum(counts)
    if not total:
        return None
    middles = [(low + high) / 2 for low, high in pairwise(edges)]
    confidences = [max(one, 1 - one) if binary else one for one in middles]
    return 1 - sum(c * n for c, n in zip(confidences, counts, strict=True)) / total
