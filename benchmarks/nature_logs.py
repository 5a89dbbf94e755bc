"""Scores without labels and logs of drawn actions, with their truth, for `script/bench nature`. Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from benchmarks.nature_worlds import Flags, Floats

SPREAD: Final = 2.0
"""The standard deviation of true log odds."""


@dataclass(frozen=True, slots=True)
class ScoredModel:
    """A model whose raw score rises with the true log odds, but is no probability; with `honest`, it is one.

    `held_out` rows calibrate and measure it. The window has `window` decisions whose log odds lie higher by `shift`.
    """

    held_out: int
    window: int
    shift: float = 0.0
    honest: bool = False

    def rows(self, rng: Generator, count: int, shift: float = 0.0) -> tuple[Floats, NDArray[np.int64]]:
        """Draw raw probabilities [rows, 2] of the two classes, and the classes."""
        odds = rng.normal(shift, SPREAD, count)
        raw = _logistic(odds) if self.honest else _logistic(1.7 * odds + 0.6)
        return np.column_stack((1.0 - raw, raw)), (rng.random(count) < _logistic(odds)).astype(np.int64)


def _logistic(odds: Floats) -> Floats:
    return np.asarray(1.0 / (1.0 + np.exp(-odds)))


@dataclass(frozen=True, slots=True)
class DrawnLog:
    """Logged decisions: rewards, whether the candidate takes the logged action, and the propensity of what it takes."""

    rewards: Floats
    same: Flags
    propensities: Floats


@dataclass(frozen=True, slots=True)
class LoggedLine:
    """A line that draws one of two actions; the candidate always takes the first, drawn with `propensity(u)`.

    `reward(rng, u)` draws the reward of the first action for cases `u` in [0, 1], whose mean is `mean`. The second has
    a reward of half as much.
    """

    rows: int
    propensity: Callable[[Floats], Floats]
    reward: Callable[[Generator, Floats], Floats]
    mean: float

    def draw(self, rng: Generator) -> DrawnLog:
        """Draw a log."""
        u = rng.random(self.rows)
        chances = self.propensity(u)
        same = rng.random(self.rows) < chances
        rewards = np.where(same, 1.0, 0.5) * self.reward(rng, u)
        return DrawnLog(rewards, same, chances)


def always(propensity: float) -> Callable[[Floats], Floats]:
    """Return the same propensity for all cases."""
    return lambda u: np.full(len(u), propensity)


def happens(rate: float) -> Callable[[Generator, Floats], Floats]:
    """Return rewards of 0 or 1."""
    return lambda rng, u: (rng.random(len(u)) < rate).astype(float)


def lognormal(sigma: float) -> Callable[[Generator, Floats], Floats]:
    """Return lognormal rewards of mean 1."""
    return lambda rng, u: np.exp(sigma * rng.standard_normal(len(u)) - sigma**2 / 2)


def pareto(shape: float) -> Callable[[Generator, Floats], Floats]:
    """Return Pareto rewards of mean 1."""
    return lambda rng, u: (rng.pareto(shape, len(u)) + 1.0) * (shape - 1.0) / shape


def where_rare(rng: Generator, u: Floats) -> Floats:
    """Draw rewards that are high where the candidate's action was rarely taken."""
    return (rng.random(len(u)) < 1.0 - u).astype(float)


def only_where_rare(_: Generator, u: Floats) -> Floats:
    """Draw rewards that only a twentieth of the cases has."""
    return (u < 0.05).astype(float)


@dataclass(frozen=True, slots=True)
class WeightedLabels:
    """Labels of decisions that were looked at with mixed probabilities: `reviewed` surely, the others by audits.

    `wrong` are the rates of both kinds.
    """

    rows: int
    reviewed: float
    audits: float
    wrong: tuple[float, float]

    @property
    def mean(self) -> float:
        """The true share of wrong ones."""
        return self.reviewed * self.wrong[0] + (1.0 - self.reviewed) * self.wrong[1]

    def draw(self, rng: Generator) -> tuple[Floats, Floats]:
        """Draw the probabilities of a look and the values of what was looked at."""
        reviewed = rng.random(self.rows) < self.reviewed
        chances = np.where(reviewed, 1.0, self.audits)
        looked = rng.random(self.rows) < chances
        wrong = rng.random(self.rows) < np.where(reviewed, *self.wrong)
        return chances[looked], wrong[looked].astype(float)
