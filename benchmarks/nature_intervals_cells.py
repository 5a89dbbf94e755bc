"""Intervals on the logs of `nature_logs`: do they hold the truth, where anything is said?"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import TypeAlias

import numpy as np
from numpy.random import Generator

from benchmarks.nature_intervals import MeasuredModel, difference_interval, share_interval, value_interval
from benchmarks.nature_logs import (
    LoggedLine,
    ScoredModel,
    WeightedLabels,
    always,
    happens,
    lognormal,
    only_where_rare,
    pareto,
    where_rare,
)

Misses: TypeAlias = Callable[[Generator], bool | None]


def label_free_misses(world: ScoredModel, figure: str, rng: Generator) -> bool | None:
    """Tell whether a figure of a window, as its labels would show it, lies outside the interval; None for silence."""
    raw, labels = world.rows(rng, world.held_out)
    model = MeasuredModel(raw, labels, rng)
    window, truth = world.rows(rng, world.window, world.shift)
    scores = model.scores(window)
    found = model.estimates(scores).get(figure)
    positive, predicted = truth == 1, scores > 0.5
    figures = {
        "accuracy": (predicted == positive).mean(),
        "precision": (predicted & positive).sum() / max(predicted.sum(), 1),
        "recall": (predicted & positive).sum() / max(positive.sum(), 1),
    }
    return _misses(found, float(figures[figure]))


def value_misses(world: LoggedLine, rng: Generator) -> bool | None:
    """Tell whether the interval of the candidate's value misses it; None for silence."""
    return _misses(value_interval(world.draw(rng)), world.mean)


def difference_misses(world: LoggedLine, rng: Generator) -> bool | None:
    """Tell whether the interval of the difference to what was logged misses it; None for silence."""
    log = world.draw(rng)
    chance = float(world.propensity(np.zeros(1))[0])
    logged = world.mean * (chance + 0.5 * (1.0 - chance))
    return _misses(difference_interval(log), world.mean - logged)


def share_misses(world: WeightedLabels, rng: Generator) -> bool | None:
    """Tell whether the interval of a share misses it; None for silence."""
    return _misses(share_interval(*world.draw(rng)), world.mean)


def _misses(found: tuple[float, float] | None, truth: float) -> bool | None:
    return None if found is None else not found[0] <= truth <= found[1]


_MODELS: Mapping[str, ScoredModel] = {
    "400 rows": ScoredModel(400, 2_000),
    "1,000 rows": ScoredModel(1_000, 5_000),
    "1,000 rows, inputs +0.7": ScoredModel(1_000, 20_000, shift=0.7),
    "4,000 rows": ScoredModel(4_000, 20_000),
    "10,000 rows, inputs +0.5": ScoredModel(10_000, 100_000, shift=0.5),
    "4,000 rows, calibrated before": ScoredModel(4_000, 20_000, honest=True),
}
LABEL_FREE: Mapping[str, Misses] = {
    **{f"accuracy, {name}": partial(label_free_misses, one, "accuracy") for name, one in _MODELS.items()},
    **{f"precision, {name}": partial(label_free_misses, _MODELS[name], "precision") for name in ("400 rows",)},
    **{f"recall, {name}": partial(label_free_misses, _MODELS[name], "recall") for name in ("4,000 rows",)},
}


def _rare_and_common(u: np.ndarray) -> np.ndarray:
    return 0.01 + 0.98 * u


def _unseen(u: np.ndarray) -> np.ndarray:
    return np.where(u < 0.05, 0.002, 0.5)


UNSEEN_REWARD = "all reward where the propensity is 0.002"
"""A world where a log cannot show the value: silence is the right answer."""

_VALUES: Mapping[str, LoggedLine] = {
    "propensity 0.05, reward 30%": LoggedLine(3_000, always(0.05), happens(0.3), 0.3),
    "propensities 0.01 to 0.99, reward where rare": LoggedLine(2_000, _rare_and_common, where_rare, 0.5),
    "propensity 0.01, reward 2%": LoggedLine(12_000, always(0.01), happens(0.02), 0.02),
    "lognormal(1.5), propensity 0.2": LoggedLine(1_000, always(0.2), lognormal(1.5), 1.0),
    "lognormal(2.5), propensity 0.2": LoggedLine(2_000, always(0.2), lognormal(2.5), 1.0),
    "Pareto(1.5), propensity 0.2": LoggedLine(2_000, always(0.2), pareto(1.5), 1.0),
    UNSEEN_REWARD: LoggedLine(2_000, _unseen, only_where_rare, 0.05),
}
_DIFFERENCES: Mapping[str, LoggedLine] = {
    "difference, lognormal(1.5), propensity 0.1": LoggedLine(2_000, always(0.1), lognormal(1.5), 1.0),
    "difference, reward 1%, propensity 0.05": LoggedLine(5_000, always(0.05), happens(0.01), 0.01),
}
_SHARES: Mapping[str, WeightedLabels] = {
    "share of labels, reviews and audits of 2%": WeightedLabels(30_000, 0.03, 0.02, (0.10, 0.02)),
    "share of labels, rare, reviews and audits of 2%": WeightedLabels(30_000, 0.03, 0.02, (0.05, 0.005)),
    "share of labels, audits of 5%": WeightedLabels(30_000, 0.0, 0.05, (0.0, 0.01)),
}
OFF_POLICY: Mapping[str, Misses] = {
    **{name: partial(value_misses, one) for name, one in _VALUES.items()},
    **{name: partial(difference_misses, one) for name, one in _DIFFERENCES.items()},
    **{name: partial(share_misses, one) for name, one in _SHARES.items()},
}
