"""Simulated rollouts: the events of a line minute by minute, and the moment at which a test answers.

An event belongs to the candidate by the share of its minute and the true ratio of the rates. Within a minute events
follow each other in random order, so that each of them is a look.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from andon.statistics.rate_ratios import RateRatioTest, chance_of

Floats = NDArray[np.float64]

A_MINUTE = 600
"""Decisions of the line per minute."""

AT_ONCE = 25
"""Rollouts that are simulated side by side."""


@dataclass(frozen=True, slots=True)
class Line:
    """Minutes of a rollout: the control's rate of the event, and the candidate's share of decisions."""

    rates: Floats
    shares: Floats

    @classmethod
    def steady(cls, rate: float, *stages: tuple[int, float]) -> "Line":
        """Return a line with one rate, and stages of (minutes, share)."""
        shares = np.concatenate([np.full(minutes, share) for minutes, share in stages])
        return cls(np.full(len(shares), rate), shares)

    def with_outage(self, first: int, minutes: int, rate: float) -> "Line":
        """Return the same line with an outage that hits both arms."""
        rates = self.rates.copy()
        rates[first : first + minutes] = rate
        return Line(rates, self.shares)


@dataclass(frozen=True, slots=True)
class Events:
    """Events of several rollouts [rollouts, events] in order. Rows are padded with neutral events at a share of 1."""

    candidate: NDArray[np.bool_]
    shares: Floats
    canary_requests: Floats
    """The number of the candidate's requests by each event."""

    def first_answers(self, test: RateRatioTest) -> Floats:
        """Find the candidate's requests until the test answers in each rollout; infinity where it does not."""
        reached = test.path(self.candidate, self.shares) >= test.bound
        at = reached.argmax(axis=1)
        found: Floats = np.where(reached.any(axis=1), self.canary_requests[np.arange(len(at)), at], np.inf)
        return found


def events_of(line: Line, ratio: float, runs: int, rng: np.random.Generator) -> Events:
    """Simulate the events of several rollouts of a candidate whose rate is `ratio` times the control's."""
    chance = line.rates * (ratio * line.shares + 1.0 - line.shares)
    counts = rng.binomial(A_MINUTE, chance, (runs, len(chance)))
    totals = counts.sum(axis=1)
    filled = np.arange(totals.max(initial=1)) < totals[:, None]
    minute = np.zeros(filled.shape, np.int64)
    minute[filled] = np.repeat(np.tile(np.arange(len(chance)), runs), counts.ravel())
    shares = np.where(filled, line.shares[minute], 1.0)
    # Where the minute began among the events of its rollout; its events are spread evenly over it.
    begun = np.take_along_axis(counts.cumsum(axis=1) - counts, minute, axis=1)
    passed = (np.arange(filled.shape[1]) - begun + 1) / (np.take_along_axis(counts, minute, axis=1) + 1)
    before = A_MINUTE * (line.shares.cumsum() - line.shares)
    requests = before[minute] + passed * A_MINUTE * shares
    return Events(rng.random(filled.shape) < chance_of_each(ratio, shares), shares, requests)


def chance_of_each(ratio: float, shares: Floats) -> Floats:
    """Compute for each share the probability that an event falls to the candidate."""
    known, where = np.unique(shares, return_inverse=True)
    chances: Floats = np.array([chance_of(ratio, share) for share in known.tolist()])[where].reshape(shares.shape)
    return chances


def answers(
    line: Line, ratio: float, tests: tuple[RateRatioTest, ...], runs: int, rng: np.random.Generator
) -> list[Floats]:
    """Find for each test after how many of the candidate's requests it answers in each of this many rollouts."""
    found: list[list[Floats]] = [[] for _ in tests]
    for size in parts(runs):
        seen = events_of(line, ratio, size, rng)
        for one, test in zip(found, tests, strict=True):
            one.append(seen.first_answers(test))
    return [np.concatenate(one) for one in found]


def parts(runs: int) -> Iterator[int]:
    """Divide rollouts into parts that fit into memory."""
    for first in range(0, runs, AT_ONCE):
        yield min(AT_ONCE, runs - first)
