"""The rules of other tools, after their documentation and code of November 2026, on lines like ours. No tool runs.

- Flagger (docs/gitbook/tutorials/istio-progressive-delivery.md, pkg/controller/scheduler.go): a check a minute of the
  candidate's
  success rate in that minute; each passed check moves the weight by 10 up to 50 and then promotes; five failed checks,
  counted over
  the whole analysis, roll back.
- Argo Rollouts (docs/features/analysis.md, analysis/analysis.go): weights 20, 40, 60, 80 for ten minutes each; from 40
  on a
  measurement every five minutes of the candidate's success rate in these; more than `failureLimit: 3` failures abort.
- Kayenta (NetflixACAJudge, MannWhitneyClassifier; lifetime and interval as Spinnaker's best practices): a candidate and
  a baseline of
  the same size for three hours. Each hour a Mann-Whitney test of 60 error rates a minute at 98%; "High", if its
  interval lies above a
  quarter of the estimated shift. One metric that is High scores 0, below `marginal: 75`, and fails.
"""

import numpy as np
from numpy.typing import NDArray

from benchmarks.rollouts_found import Course
from benchmarks.rollouts_traffic import A_MINUTE, Line

Floats = NDArray[np.float64]

STEP, MOST, THRESHOLD = 0.1, 0.5, 5
WEIGHTS, PAUSE, EVERY, FAILURE_LIMIT = (0.2, 0.4, 0.6, 0.8), 10, 5, 3
JUDGEMENTS, HOUR, TOLERANCE, LEVEL = 3, 60, 0.25, 0.01


def flagger(least: float, line: Line, ratio: float, runs: int, rng: np.random.Generator) -> Course:
    """Follow rollouts with a least success rate."""
    weight, failed = np.full(runs, STEP), np.zeros(runs, np.int64)
    requests, minutes = np.zeros(runs), np.full(runs, np.inf)
    rolled_back, promoted = np.full(runs, np.inf), np.full(runs, np.inf)
    going = np.ones(runs, np.bool_)
    for minute, rate in enumerate(line.rates.tolist(), 1):
        seen = rng.binomial(A_MINUTE, weight)
        errors = rng.binomial(seen, min(ratio * rate, 1.0))
        requests = requests + seen
        passed = seen - errors >= least * seen
        promoted[going & passed & (weight >= MOST - 1e-9)] = requests[going & passed & (weight >= MOST - 1e-9)]
        weight = np.minimum(np.where(passed, weight + STEP, weight), MOST)
        failed += ~passed
        ended = going & (failed >= THRESHOLD)
        rolled_back[ended], minutes[ended] = requests[ended], minute
        going &= np.isinf(promoted) & np.isinf(rolled_back)
    return Course.of(rolled_back, promoted, minutes)


def argo(least: float, line: Line, ratio: float, runs: int, rng: np.random.Generator) -> Course:
    """Follow rollouts with a success condition `result[0] >= least`."""
    weights = np.repeat(WEIGHTS, PAUSE)
    seen = rng.binomial(A_MINUTE, weights, (runs, len(weights)))
    errors = rng.binomial(seen, np.minimum(ratio * line.rates[: len(weights)], 1.0))
    failures = np.zeros(runs, np.int64)
    rolled_back, minutes = np.full(runs, np.inf), np.full(runs, np.inf)
    for minute in range(PAUSE, len(weights), EVERY):
        measured = slice(minute - EVERY, minute)
        asked = seen[:, measured].sum(axis=1)
        failures += asked - errors[:, measured].sum(axis=1) < least * asked
        ended = np.isinf(rolled_back) & (failures > FAILURE_LIMIT)
        rolled_back[ended], minutes[ended] = seen[ended, :minute].sum(axis=1), minute
    promoted = np.where(np.isinf(rolled_back), seen.sum(axis=1), np.inf)
    return Course.of(rolled_back, promoted, minutes)


def kayenta(line: Line, ratio: float, runs: int, rng: np.random.Generator) -> Course:
    """Follow rollouts at equal traffic of candidate and baseline."""
    half = A_MINUTE // 2
    rolled_back, minutes = np.full(runs, np.inf), np.full(runs, np.inf)
    for judgement in range(JUDGEMENTS):
        rates = line.rates[judgement * HOUR : (judgement + 1) * HOUR]
        candidate = rng.binomial(half, np.minimum(ratio * rates, 1.0), (runs, HOUR)) / half
        baseline = rng.binomial(half, rates, (runs, HOUR)) / half
        ended = np.isinf(rolled_back) & high(candidate, baseline)
        minutes[ended] = (judgement + 1) * HOUR
        rolled_back[ended] = half * (judgement + 1) * HOUR
    promoted = np.where(np.isinf(rolled_back), half * JUDGEMENTS * HOUR, np.inf)
    return Course.of(rolled_back, promoted, minutes)


def high(candidate: Floats, baseline: Floats) -> NDArray[np.bool_]:
    """Judge series of rates [rollouts, minutes] as its classifier does for a metric whose increase is bad.

    Its interval of the shift lies above a bound if and only if the test rejects a shift of that size. The estimated
    shift is the median of all differences (Hodges and Lehmann 1963).
    """
    from scipy.stats import mannwhitneyu

    shift = np.array([np.median(one[:, None] - other) for one, other in zip(candidate, baseline, strict=True)])
    moved = candidate - TOLERANCE * np.abs(shift)[:, None]
    rejected = mannwhitneyu(moved, baseline, alternative="greater", method="asymptotic", axis=1).pvalue < LEVEL
    found: NDArray[np.bool_] = rejected & (candidate.mean(axis=1) >= baseline.mean(axis=1))
    return found
