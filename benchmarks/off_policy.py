"""Off-policy estimates on simulated logs with known truth: coverage of intervals, and silence without overlap.

`script/bench replay` prints and judges them. Rows are in time order, and every log is seeded.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from andon.statistics.off_policy import LoggedDecisions, NoOverlap, OffPolicyValue, value_of
from andon.statistics.thompson import BetaPosterior, shares_of
from benchmarks.goals import Goal, at_least

Floats = NDArray[np.float64]

SEED: Final = 20_261_202
LOGS: Final = 1_000
COVERED: Final = 0.94
ERRORS: Final = (0.0, 1.0)
ROWS: Final = 3_000

Log = tuple[LoggedDecisions, tuple[float, float] | None, float]
"""A log, the limits of its rewards, and the true value of the candidate."""


@dataclass(frozen=True, slots=True)
class LogFigures:
    """Results over the logs of one kind: the part of correct intervals, the silent part, the median width."""

    name: str
    logs: int
    covered: float | None
    silent: float
    width: float | None
    reason: str


def figures(logs: int = LOGS) -> list[LogFigures]:
    """Estimate the candidates of this many logs of each kind."""
    return [_figures_of(name, draw, logs, at) for at, (name, draw) in enumerate(({**SUPPORTED, **UNSUPPORTED}).items())]


def goals(found: list[LogFigures]) -> list[Goal]:
    """Judge that intervals cover the truth, and that nothing is estimated without overlap."""
    supported = [one for one in found if one.name in SUPPORTED]
    return [
        *(at_least(f"intervals that cover, {one.name}", one.covered, COVERED) for one in supported),
        *(at_least(f"logs that are estimated at all, {one.name}", 1.0 - one.silent, 0.99) for one in supported),
        *(at_least(f"silence, {one.name}", one.silent, 1.0) for one in found if one.name in UNSUPPORTED),
    ]


def _figures_of(name: str, draw: Callable[[np.random.Generator], Log], logs: int, kind: int) -> LogFigures:
    covered, widths, reasons = 0, [], []
    for seed in range(logs):
        logged, limits, truth = draw(np.random.default_rng([SEED, kind, seed]))
        found = value_of(logged, limits)
        if isinstance(found, NoOverlap):
            reasons.append(found.reason)
        else:
            covered += found.low <= truth <= found.high
            widths.append(_width(found))
    spoken = logs - len(reasons)
    return LogFigures(
        name,
        logs,
        covered / spoken if spoken else None,
        len(reasons) / logs,
        float(np.median(widths)) if widths else None,
        max(reasons, key=reasons.count, default=""),
    )


def _width(found: OffPolicyValue) -> float:
    return found.high - found.low


def _scored(rng: np.random.Generator, rows: int = ROWS) -> tuple[Floats, Floats, Floats]:
    """Draw scores, and for each the chance of an error when it is decided automatically; a person errs in 1%."""
    scores = rng.beta(2.0, 1.0, rows)
    return scores, 0.25 * (1.0 - scores) ** 1.5, np.full(rows, 0.01)


def threshold_in_a_split(rng: np.random.Generator) -> Log:
    """Simulate a tenth of the decisions under a lower threshold of the gate, the candidate."""
    scores, automatic, person = _scored(rng)
    low, high = scores >= 0.4, scores >= 0.7
    trial = rng.random(ROWS) < 0.1
    done = np.where(trial, low, high)
    errors = (rng.random(ROWS) < np.where(done, automatic, person)).astype(float)
    propensities = np.where(low == high, 1.0, 0.1)
    return LoggedDecisions.of_fixed(errors, done == low, propensities), ERRORS, _mean_error(0.4)


def rewards_that_are_audited(rng: np.random.Generator) -> Log:
    """Simulate the same at a share of 30%, with one label in five known."""
    scores, automatic, person = _scored(rng)
    low, high = scores >= 0.4, scores >= 0.7
    done = np.where(rng.random(ROWS) < 0.3, low, high)
    errors = (rng.random(ROWS) < np.where(done, automatic, person)).astype(float)
    labelled = rng.random(ROWS) < 0.2
    propensities = 0.2 * np.where(low == high, 1.0, 0.3)
    rewards = np.where(labelled, errors, np.nan)
    return LoggedDecisions.of_fixed(rewards, (done == low) & labelled, propensities), ERRORS, _mean_error(0.4)


def with_a_model(rng: np.random.Generator) -> Log:
    """Simulate the split with predictions of a model that is wrong by a half."""
    logged, limits, truth = threshold_in_a_split(rng)
    wrong = np.full(len(logged.rewards), 0.5 * truth)
    known = LoggedDecisions(logged.rewards, logged.propensities, logged.targets, logged.largest, (wrong, wrong))
    return known, limits, truth


def bandit(rng: np.random.Generator) -> Log:
    """Simulate three arms under Thompson sampling with adaptive shares; the candidate is the second best arm alone."""
    rates = np.array([0.10, 0.12, 0.15])
    wins, losses = np.zeros(3, np.int64), np.zeros(3, np.int64)
    rewards, same, propensities = [], [], []
    for _ in range(ROWS // 150):
        shares = shares_of([BetaPosterior(*one) for one in zip(wins.tolist(), losses.tolist(), strict=True)], 0.05)
        arms = rng.choice(3, 150, p=shares)
        won = rng.random(150) < rates[arms]
        wins += np.bincount(arms[won], minlength=3)
        losses += np.bincount(arms[~won], minlength=3)
        rewards.append(won.astype(float))
        same.append(arms == 1)
        propensities.append(np.full(150, shares[1]))
    logged = LoggedDecisions.of_fixed(np.concatenate(rewards), np.concatenate(same), np.concatenate(propensities))
    return logged, ERRORS, float(rates[1])


def costs_without_limits(rng: np.random.Generator) -> Log:
    """Simulate costs with a heavy tail at a share of a fifth."""
    candidate = rng.random(ROWS) < 0.2
    costs = rng.lognormal(0.0, 1.0, ROWS) * np.where(candidate, 1.2, 1.0)
    truth = 1.2 * float(np.exp(0.5))
    return LoggedDecisions.of_fixed(costs, candidate, np.full(ROWS, 0.2)), None, truth


def a_little_never_drawn(rng: np.random.Generator) -> Log:
    """Simulate a candidate that in one decision of fifty does what the log never does."""
    logged, limits, truth = threshold_in_a_split(rng)
    never = rng.random(ROWS) < 0.02
    largest, targets = np.where(never, np.inf, logged.largest), np.where(never, 0.0, logged.targets)
    return LoggedDecisions(logged.rewards, logged.propensities, targets, largest), limits, truth


def never_drawn(rng: np.random.Generator) -> Log:
    """Simulate a threshold that was never tried: between both thresholds nothing is known."""
    scores, automatic, person = _scored(rng)
    low, high = scores >= 0.4, scores >= 0.7
    errors = (rng.random(ROWS) < np.where(high, automatic, person)).astype(float)
    return LoggedDecisions.of_fixed(errors, low == high, (low == high).astype(float)), ERRORS, _mean_error(0.4)


def hardly_drawn(rng: np.random.Generator) -> Log:
    """Simulate a candidate with one decision in a hundred."""
    same = rng.random(ROWS) < 0.01
    return LoggedDecisions.of_fixed((rng.random(ROWS) < 0.03).astype(float), same, np.full(ROWS, 0.01)), ERRORS, 0.03


def wrong_propensities(rng: np.random.Generator) -> Log:
    """Simulate a recorded share of 20%, while 40% were drawn."""
    same = rng.random(ROWS) < 0.4
    return LoggedDecisions.of_fixed((rng.random(ROWS) < 0.03).astype(float), same, np.full(ROWS, 0.2)), ERRORS, 0.03


def _mean_error(threshold: float) -> float:
    """Compute the true error of a threshold by quadrature."""
    from scipy.integrate import quad

    automatic, _ = quad(lambda score: 2.0 * score * 0.25 * (1.0 - score) ** 1.5, threshold, 1.0)
    return float(automatic) + 0.01 * threshold**2


SUPPORTED: Final[Mapping[str, Callable[[np.random.Generator], Log]]] = {
    "a threshold in a split": threshold_in_a_split,
    "one label in five": rewards_that_are_audited,
    "with a wrong model": with_a_model,
    "a bandit": bandit,
    "costs without limits": costs_without_limits,
    "2% never drawn": a_little_never_drawn,
}
UNSUPPORTED: Final[Mapping[str, Callable[[np.random.Generator], Log]]] = {
    "a candidate that was never tried": never_drawn,
    "one decision in a hundred": hardly_drawn,
    "propensities that are wrong": wrong_propensities,
}
