"""Worlds for `script/bench nature`: streams of cases as a bank's ordinary weeks bring them, with their truth. Pure.

A case has a time, a subject, a confidence, and whether its prediction is wrong. A person who is asked answers after a
delay that may depend on the answer, may err, or may never answer. Nothing here knows how Andon judges a stream.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Flags: TypeAlias = NDArray[np.bool_]
ErrorRate: TypeAlias = Callable[[Floats, Floats], Floats]
"""The probability that a case is wrong, from its uncertainty `u` in [0, 1] and its time in days."""

HOUR = 1.0 / 24.0
HISTORY = 60.0
"""The days from which held-out rows are."""

POINTS = 2_000


def confidence_of(u: Floats) -> Floats:
    """Return the confidence of an uncertainty: 1 for the surest case, 0.5 for the least sure."""
    return 1.0 - u / 2.0


@dataclass(frozen=True, slots=True)
class Verdicts:
    """How people answer: mean delays in days by the answer, a part of wrong cases they miss or never answer."""

    wrong_after: float = HOUR
    right_after: float = HOUR
    missed: float = 0.0
    unanswered: float = 0.0
    due: float = 8 * HOUR
    """The time after which a queue promises an answer."""

    def draw(self, rng: Generator, wrong: Flags) -> tuple[Flags, Floats]:
        """Draw the answers, and when they come; infinite for never."""
        answered = wrong & (rng.random(len(wrong)) >= self.missed)
        delays = rng.exponential(1.0, len(wrong)) * np.where(answered, self.wrong_after, self.right_after)
        return answered, np.where(wrong & (rng.random(len(wrong)) < self.unanswered), np.inf, delays)


@dataclass(frozen=True, slots=True)
class Cases:
    """Cases in the order of their times (days). `kept` are those that the policy leaves to people at any confidence."""

    at: Floats
    subject: NDArray[np.int64]
    confidence: Floats
    wrong: Flags
    answered_wrong: Flags
    answered_after: Floats
    kept: Flags

    def __len__(self) -> int:
        """Count the cases."""
        return len(self.at)

    def part(self, start: int, end: int) -> "Cases":
        """Return the cases from one place to before another."""
        cut = slice(start, end)
        return Cases(
            self.at[cut],
            self.subject[cut],
            self.confidence[cut],
            self.wrong[cut],
            self.answered_wrong[cut],
            self.answered_after[cut],
            self.kept[cut],
        )


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Held-out rows of a model; the first `calibrating` calibrate. `kept` as in `Cases`."""

    calibrating: int
    subject: NDArray[np.int64]
    confidence: Floats
    wrong: Flags
    kept: Flags


def flat(rate: float) -> ErrorRate:
    """Return the same rate for all cases."""
    return lambda u, _: np.full(len(u), rate)


def rising(low: float, high: float) -> ErrorRate:
    """Return a rate that rises from the surest case to the least sure one."""
    return lambda u, _: low + (high - low) * u


def by_night(day: float, night: float) -> ErrorRate:
    """Return a rate that differs between the first half of each day and the second."""
    return lambda _, at: np.where(is_night(at), night, day)


def rising_by_night(low: float, high: float, night: float) -> ErrorRate:
    """Return a rising rate, multiplied by `night` at night and by `2 - night` at day."""
    return lambda u, at: (low + (high - low) * u) * np.where(is_night(at), night, 2.0 - night)


def is_night(at: Floats) -> Flags:
    """Return whether a time lies in the second half of its day."""
    return np.asarray(at % 1.0 >= 0.5)


@dataclass(frozen=True, slots=True)
class Line:
    """A line whose decisions people check: its error, its traffic, its cases that belong together, and its policy.

    `group` cases share their subject and its confidence, and are right or wrong together. The policy leaves a part of
    `kept` of the cases to people, whose error is `kept_times` that of all: an easy kind of case for a number below 1.
    """

    error: ErrorRate
    target: float = 0.05
    verdicts: Verdicts = field(default_factory=Verdicts)
    decisions: int = 15_000
    a_day: float = 1_000.0
    group: int = 1
    kept: float = 0.0
    kept_times: float = 1.0
    held_out: tuple[int, int] = (50, 150)
    """Rows that calibrate, and rows that measure."""

    def draw(self, rng: Generator) -> Cases:
        """Draw the stream."""
        u, subject, wrong, kept, at = self._draw(rng, self.decisions, self.decisions / self.a_day)
        answered, after = self.verdicts.draw(rng, wrong)
        return Cases(at, subject, confidence_of(u), wrong, answered, after, kept)

    def draw_held_out(self, rng: Generator) -> HeldOut:
        """Draw held-out rows of the same kind of cases, shuffled."""
        calibrating, measuring = self.held_out
        rows = calibrating + measuring
        u, subject, wrong, kept, _ = self._draw(rng, rows, HISTORY)
        order = rng.permutation(rows)
        return HeldOut(calibrating, subject[order], confidence_of(u[order]), wrong[order], kept[order])

    def error_above(self, threshold: float) -> float:
        """Compute the true error of what is automatic above a threshold: without what the policy keeps back."""
        certain = min(2.0 * (1.0 - threshold), 1.0)
        u = (np.arange(POINTS) + 0.5) / POINTS * certain
        day, night = np.zeros(POINTS), np.full(POINTS, 0.5)
        return float((self._passed(u, day) + self._passed(u, night)).mean() / 2.0)

    def _passed(self, u: Floats, at: Floats) -> Floats:
        """Return the error of cases that the policy lets pass: all cases together have the line's error."""
        rest = (1.0 - self.kept * self.kept_times) / (1.0 - self.kept) if self.kept < 1.0 else 0.0
        return self.error(u, at) * rest

    def _draw(self, rng: Generator, rows: int, days: float) -> tuple[Floats, NDArray[np.int64], Flags, Flags, Floats]:
        groups = -(-rows // self.group)
        subject = np.repeat(np.arange(groups), self.group)[:rows]
        begun = rng.random() + np.sort(rng.random(groups)) * days
        # The cases of a subject come within some hours of each other, among those of others.
        spread = np.where(np.arange(rows) % self.group == 0, 0.0, rng.random(rows) * 3 * HOUR)
        at = begun[subject] + (spread if self.group > 1 else 0.0)
        order = np.argsort(at, kind="stable")
        at, subject = at[order], subject[order]
        u = rng.random(groups)[subject]
        kept = (rng.random(groups) < self.kept)[subject]
        rates = np.where(kept, self.error(u, at) * self.kept_times, self._passed(u, at))
        # One number a subject: its cases are wrong together.
        return u, subject, rng.random(groups)[subject] < rates, kept, at
