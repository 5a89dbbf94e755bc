"""Rollouts that should end: harm until it is found, and equal candidates until they are promoted, against an oracle.

The oracle is Wald's sequential test (1945), which knows both rates before it starts.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from andon.statistics.rate_ratios import RateRatioTest
from benchmarks.rollouts_traffic import A_MINUTE, Line, answers

Floats = NDArray[np.float64]

HARM_ALPHA: Final = 0.01
PROMOTION_ALPHA: Final = 0.05
GUARDRAILS: Final = 3


@dataclass(frozen=True, slots=True)
class Harm:
    """A harmful candidate: its rate beside the control's, its share, and the requests by which to find it."""

    name: str
    base: float
    ratio: float
    share: float
    wanted: int
    hours: float


HARMS: Final = (
    Harm("error rate 2% for 1%, at 50:50", 0.01, 2.0, 0.5, 2_800, 1.5),
    Harm("error rate 2% for 1%, at a share of 5%", 0.01, 2.0, 0.05, 1_400, 5.0),
    Harm("override rate 12% for 10%, at a share of 5%", 0.10, 1.2, 0.05, 3_900, 6.0),
)

MARGINS: Final = ((0.2, 0.5, 12.0), (0.5, 0.5, 4.0), (1.0, 0.5, 2.0), (0.5, 0.05, 24.0))
"""Margins, shares and hours in which equal candidates should be promoted at a base rate of 1%."""


@dataclass(frozen=True, slots=True)
class Found:
    """The time of an answer: the candidate's requests at the median and by nine of ten, with a comparison."""

    name: str
    median: float
    high: float
    beside: float
    never: float
    """The part of rollouts that had no answer within the simulated hours."""


def harm_found(harm: Harm, runs: int, rng: np.random.Generator) -> Found:
    """Watch a harmful candidate until it is rolled back; for comparison, at the level of one of three guardrails."""
    tests = RateRatioTest.harm(HARM_ALPHA), RateRatioTest.harm(HARM_ALPHA / GUARDRAILS)
    line = Line.steady(harm.base, (round(60 * harm.hours), harm.share))
    alone, one_of_three = answers(line, harm.ratio, tests, runs, rng)
    return _found(harm.name, alone, float(_quantile(one_of_three, 0.5)))


def promoted(margin: float, share: float, hours: float, runs: int, rng: np.random.Generator) -> Found:
    """Watch an equal candidate until its promotion; for comparison, the oracle's test of the same margin and events."""
    oracle = RateRatioTest(1.0 + margin, (1.0,), (1.0,), PROMOTION_ALPHA)
    tests = RateRatioTest.non_inferior(margin, PROMOTION_ALPHA), oracle
    line = Line.steady(0.01, (round(60 * hours), share))
    own, known = answers(line, 1.0, tests, runs, rng)
    return _found(f"margin +{margin:.0%}, at a share of {share:.0%}", own, float(_quantile(known, 0.5)))


def promoted_at_the_margin(margin: float, share: float, hours: float, runs: int, rng: np.random.Generator) -> int:
    """Count the candidates exactly at the margin that are promoted wrongly."""
    line = Line.steady(0.01, (round(60 * hours), share))
    (found,) = answers(line, 1.0 + margin, (RateRatioTest.non_inferior(margin, PROMOTION_ALPHA),), runs, rng)
    return int(np.isfinite(found).sum())


@dataclass(frozen=True, slots=True)
class Course:
    """The effect of a rule on rollouts of one line: rolled-back and promoted parts, and the time to rollback."""

    rolled_back: float
    promoted: float
    canary_requests: float | None
    minutes: float | None

    @classmethod
    def of(cls, rolled_back: Floats, promoted: Floats, minutes: Floats) -> "Course":
        """Take the canary requests at rollback and promotion of each rollout; the first of the two counts."""
        first = rolled_back < promoted
        median = (
            (float(np.median(rolled_back[first])), float(np.median(minutes[first]))) if first.any() else (None, None)
        )
        return cls(float(first.mean()), float((promoted < rolled_back).mean()), *median)


def course_of(margin: float, line: Line, ratio: float, runs: int, rng: np.random.Generator) -> Course:
    """Follow rollouts at one share with a guardrail of harm and promotion within a margin."""
    tests = RateRatioTest.harm(HARM_ALPHA), RateRatioTest.non_inferior(margin, PROMOTION_ALPHA)
    harm, sound = answers(line, ratio, tests, runs, rng)
    return Course.of(harm, sound, harm / (A_MINUTE * line.shares[0]))


def _found(name: str, requests: Floats, beside: float) -> Found:
    return Found(name, _quantile(requests, 0.5), _quantile(requests, 0.9), beside, float(np.isinf(requests).mean()))


def _quantile(requests: Floats, share: float) -> float:
    return float(np.quantile(requests, share, method="higher"))
