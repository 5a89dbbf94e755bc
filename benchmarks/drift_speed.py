"""A window of 100,000 rows and 20 features compared with its reference: histograms against scipy's KS per feature."""

import statistics
import time
from dataclasses import dataclass

import numpy as np

from andon.statistics.histograms import measured, reference_of
from andon.statistics.shifts import compare

ROWS, FEATURES, ROUNDS = 100_000, 20, 5


@dataclass(frozen=True, slots=True)
class Speed:
    """Medians of both sides over the rounds in CPU milliseconds, and of the rounds' ratios."""

    andon_ms: float
    ks_ms: float
    ratio: float


def measure(rng: np.random.Generator) -> Speed:
    """Take turns; both sides get the same rows, and the reference is known to both beforehand."""
    from scipy.stats import ks_2samp

    before, now = rng.standard_normal((2, ROWS, FEATURES))
    reference = reference_of([measured(str(at), before[:, at]) for at in range(FEATURES)])
    compare(reference, reference.binning.count(now[:100]))
    ks_2samp(before[:100, 0], now[:100, 0])
    rounds = []
    for _ in range(ROUNDS):
        began = time.process_time()
        compare(reference, reference.binning.count(now))
        between = time.process_time()
        for at in range(FEATURES):
            ks_2samp(before[:, at], now[:, at])
        rounds.append((between - began, time.process_time() - between))
    own, other = (1000 * statistics.median(side) for side in zip(*rounds, strict=True))
    return Speed(own, other, statistics.median(ks / andon for andon, ks in rounds))
