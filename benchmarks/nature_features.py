"""Lines whose features follow an ordinary rhythm and nothing else, for `script/bench nature`. Pure.

Each feature is a function of a latent normal value, so a rhythm moves features of every shape alike: weekends, hours,
decisions that resemble the ones before, and bursts of the same case.
"""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from benchmarks.nature_worlds import Floats

FEATURES = 6
"""Three normal features, one lognormal, one with tails of Student's t with 2 degrees, one a count that is mostly 0."""

HISTORY_DAYS = 28


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows in their order: times in days, features, and the model's score."""

    at: Floats
    features: Floats
    scores: Floats


@dataclass(frozen=True, slots=True)
class QuietLine:
    """A line that never changes.

    `weekend` and `hours` are shifts in standard deviations: of Saturdays and Sundays, and the height of a daily wave.
    `memory` is the correlation of a latent value with the one before, `burst` how often each case occurs in a row.
    """

    weekend: float = 0.0
    hours: float = 0.0
    memory: float = 0.0
    burst: int = 1
    a_day: int = 1_000

    def history(self, rng: Generator) -> Rows:
        """Draw four whole weeks from before: the rows of training."""
        return self.rows(rng, -HISTORY_DAYS, HISTORY_DAYS, 700)

    def rows(self, rng: Generator, first: int, days: int, a_day: int | None = None, shift: float = 0.0) -> Rows:
        """Draw the rows of some days; `shift` moves the first feature by so many standard deviations."""
        count = days * (a_day or self.a_day)
        at = first + np.sort(rng.random(count)) * days
        latent = self._latent(rng, count)
        latent += (self.weekend * (np.floor(at) % 7 >= 5) + self.hours * np.sin(2 * np.pi * at))[:, None]
        latent[:, 0] += shift
        return Rows(at, _features_of(latent), 1.0 / (1.0 + np.exp(-latent @ WEIGHTS)))

    def _latent(self, rng: Generator, count: int) -> Floats:
        latent = rng.standard_normal((-(-count // self.burst), FEATURES))
        if self.memory:
            from scipy.signal import lfilter

            latent[1:] *= np.sqrt(1.0 - self.memory**2)
            latent = lfilter([1.0], [1.0, -self.memory], latent, axis=0)
        return np.repeat(latent, self.burst, axis=0)[:count]


WEIGHTS = np.array([0.8, 0.5, -0.4, 0.3, -0.3, 0.2])


def _features_of(latent: Floats) -> Floats:
    from scipy.special import ndtr

    found = latent.copy()
    found[:, 3] = np.exp(latent[:, 3])
    # The quantile function of Student's t with two degrees of freedom.
    p = ndtr(latent[:, 4])
    found[:, 4] = (2 * p - 1) / np.sqrt(2 * np.maximum(p * (1 - p), 1e-12))
    found[:, 5] = np.floor(np.maximum(latent[:, 5] - 0.5, 0.0) * 3)
    return found
