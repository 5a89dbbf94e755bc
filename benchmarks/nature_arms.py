"""Two versions beside each other in an ordinary week, for `script/bench nature`: their cases and their truth. Pure.

Both may be equally good and still differ in what they ask people, and in how soon they are answered.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from benchmarks.nature_worlds import HOUR, Flags, Floats

A_DAY = 5_000


@dataclass(frozen=True, slots=True)
class ArmCases:
    """Cases in the order of their times (days), each with its arm and the candidate's share at that time.

    `looked` are those that people see: all `reviewed` ones, and others with the probability `audits`.
    """

    at: Floats
    subject: NDArray[np.int64]
    candidate: Flags
    share: Floats
    confidence: Floats
    reviewed: Flags
    looked: Flags
    audits: Floats
    wrong: Flags
    answered_after: Floats

    def __len__(self) -> int:
        """Count the cases."""
        return len(self.at)

    def chosen(self, which: Any) -> "ArmCases":
        """Return some of the cases: a slice, places, or flags."""
        return type(self)(*(getattr(self, name)[which] for name in type(self).__slots__))


@dataclass(frozen=True, slots=True)
class Stage:
    """A part of a rollout: its days, the candidate's share, and the share of blind audits."""

    days: float
    share: float
    audits: float = 0.1


HALF = (Stage(20.0, 0.5),)
STEPS = (Stage(2.0, 0.05), Stage(2.0, 0.25), Stage(4.0, 0.5))


@dataclass(frozen=True, slots=True)
class Rivals:
    """A candidate beside a control. `ratio` is its error divided by the control's, which is `error` on average.

    `reviews` are the parts of the cases, the least certain ones, that the candidate and the control leave to people;
    `delays` the mean days until their verdicts. With `accounts`, so many subjects stay with their arm for a stage, and
    have error rates of their own, gamma distributed.
    """

    ratio: float = 1.0
    error: float = 0.05
    reviews: tuple[float, float] = (0.2, 0.2)
    delays: tuple[float, float] = (HOUR, HOUR)
    due: float = 8 * HOUR
    stages: tuple[Stage, ...] = HALF
    accounts: int = 0
    a_day: int = A_DAY

    def draw(self, rng: Generator) -> ArmCases:
        """Draw the cases of all stages."""
        counts = [int(one.days * self.a_day) for one in self.stages]
        total = sum(counts)
        at = np.arange(total) / self.a_day + rng.random(total) / self.a_day
        share, audits = (np.repeat([getattr(one, name) for one in self.stages], counts) for name in ("share", "audits"))
        subject, of_subject = np.arange(total), np.ones(total)
        drawn = rng.random(total)
        if self.accounts:
            busy = (rng.pareto(1.2, self.accounts) + 1.0).clip(max=300.0)
            subject = rng.choice(self.accounts, total, p=busy / busy.sum())
            rates = rng.gamma(0.7, 1.0, self.accounts)
            of_subject = rates[subject] * total / rates[subject].sum()
            drawn = rng.random(self.accounts)[subject]
        candidate = drawn < share
        u = rng.random(total)
        # Error falls with confidence: of the surest cases a fifth of the mean is wrong.
        rate = self.error * (0.2 + 1.6 * u) * of_subject * np.where(candidate, self.ratio, 1.0)
        reviewed = u >= 1.0 - np.where(candidate, *self.reviews)
        delays = rng.exponential(1.0, total) * np.where(candidate, *self.delays)
        return ArmCases(
            at,
            subject,
            candidate,
            share,
            1.0 - u / 2.0,
            reviewed,
            reviewed | (rng.random(total) < audits),
            audits,
            rng.random(total) < rate,
            delays,
        )


@dataclass(frozen=True, slots=True)
class ShadowCases:
    """What a champion decided, with the predictions of a candidate that only looks on: which of both were wrong."""

    at: Floats
    reviewed: Flags
    looked: Flags
    audits: Floats
    candidate_wrong: Flags
    champion_wrong: Flags
    answered_after: Floats

    def __len__(self) -> int:
        """Count the cases."""
        return len(self.at)

    def chosen(self, which: Any) -> "ShadowCases":
        """Return some of the cases: a slice, places, or flags."""
        return type(self)(*(getattr(self, name)[which] for name in type(self).__slots__))


@dataclass(frozen=True, slots=True)
class Shadowed:
    """A champion that reviews a fifth, and a shadow that is as often wrong, but on other cases.

    The shadow errs in 5% of what is reviewed, the champion in 1.25% of the rest.
    """

    audits: tuple[float, float]
    days: tuple[float, float]
    delay: float
    due: float
    a_day: int

    def draw(self, rng: Generator) -> ShadowCases:
        """Draw the cases before and after the change of the share of audits."""
        counts = [int(one * self.a_day) for one in self.days]
        total = sum(counts)
        audits = np.repeat(self.audits, counts)
        reviewed = rng.random(total) < 0.2
        return ShadowCases(
            np.arange(total) / self.a_day,
            reviewed,
            reviewed | (rng.random(total) < audits),
            audits,
            reviewed & (rng.random(total) < 0.05),
            ~reviewed & (rng.random(total) < 0.0125),
            rng.exponential(self.delay, total),
        )
