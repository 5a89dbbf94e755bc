"""Healthy rollouts under continuous monitoring: how many are rolled back at a level of 1%.

The share goes from 5 over 25 to 50%, two hours each. The candidate is as good as the control in all of them.
"""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from andon.statistics.mean_differences import MeanDifferenceTest
from andon.statistics.quantile_sequences import GrowingBins, QuantileTest, over_stages
from andon.statistics.rate_ratios import RateRatioTest
from benchmarks.rollouts_traffic import A_MINUTE, Events, Line, answers, events_of, parts

Floats = NDArray[np.float64]

ALPHA: Final = 0.01
ERRORS: Final = 0.01
STAGES: Final = ((120, 0.05), (120, 0.25), (120, 0.5))
LINE: Final = Line.steady(ERRORS, *STAGES)

ACCOUNTS: Final = 4_000
MARGIN, PROMOTION, DECISIONS = 0.5, 0.05, 100_000
GUARDRAILS: Final = 3
LOOK_EVERY: Final = 1_000
"""Decisions between two checks of the mean cost; rates are checked after every event."""
SHORT: Final = Line.steady(ERRORS, (12, 0.05), (12, 0.25), (12, 0.5))
OVERRIDES: Final = 0.1
QUANTILE, SLOWER = 0.99, 0.2


def steady(runs: int, rng: np.random.Generator) -> int:
    """Count the rollouts of a steady line that are rolled back."""
    (found,) = answers(LINE, 1.0, (RateRatioTest.harm(ALPHA),), runs, rng)
    return int(np.isfinite(found).sum())


def outage(runs: int, rng: np.random.Generator) -> int:
    """Simulate an outage: twenty minutes of 20% errors hit both arms, while the share goes from 5 to 25%."""
    (found,) = answers(LINE.with_outage(110, 20, 0.2), 1.0, (RateRatioTest.harm(ALPHA),), runs, rng)
    return int(np.isfinite(found).sum())


def sticky(runs: int, rng: np.random.Generator) -> int:
    """Simulate accounts that stay with their arm; each counts by its first event."""
    test = RateRatioTest.harm(ALPHA)
    return sum(int(np.isfinite(by_account(size, rng)[0].first_answers(test)).sum()) for size in parts(runs))


def sticky_each_event(runs: int, rng: np.random.Generator) -> int:
    """Simulate each event of an account counted as if decisions were drawn one by one."""
    test = RateRatioTest.harm(ALPHA)
    return sum(int(np.isfinite(by_account(size, rng)[1].first_answers(test)).sum()) for size in parts(runs))


def by_account(runs: int, rng: np.random.Generator) -> tuple[Events, Events]:
    """Simulate rollouts whose unit is the account: first events of accounts, and all events.

    Accounts differ in activity (log-normal) and in their error rates (gamma of shape 0.3: most have few, some
    fail nearly always). An account is the candidate's while its place in [0, 1) is below the share.
    """
    seen = events_of(LINE, 1.0, runs, rng)
    candidate, first = np.empty_like(seen.candidate), np.zeros_like(seen.candidate)
    for row in range(runs):
        weights = rng.lognormal(0.0, 1.0, ACCOUNTS) * rng.gamma(0.3, 1.0, ACCOUNTS)
        limits = weights.cumsum()
        accounts = np.searchsorted(limits, rng.random(candidate.shape[1]) * limits[-1], side="right")
        candidate[row] = rng.random(ACCOUNTS)[np.minimum(accounts, ACCOUNTS - 1)] < seen.shares[row]
        first[row, np.unique(accounts, return_index=True)[1]] = True
    # An event at a share of 1 carries no information, so it stands for none.
    once = Events(candidate | ~first, np.where(first, seen.shares, 1.0), seen.canary_requests)
    return once, Events(candidate | (seen.shares == 1.0), seen.shares, seen.canary_requests)


def sticky_at_the_margin(runs: int, rng: np.random.Generator) -> tuple[int, int]:
    """Count the wrong promotions at 5% of candidates exactly at a margin of +50%, where accounts stay with their arm.

    Once by the events among first decisions of accounts; once by first events, which is wrong.
    """
    test = RateRatioTest.non_inferior(MARGIN, PROMOTION)
    wrong = [0, 0]
    for _ in range(runs):
        limits = rng.lognormal(0.0, 1.0, ACCOUNTS).cumsum()
        rates = np.minimum(rng.gamma(0.3, ERRORS / 0.3, ACCOUNTS), 0.6)
        candidates = rng.random(ACCOUNTS) < 0.5
        rates[candidates] *= 1.0 + MARGIN
        accounts = np.searchsorted(limits, rng.random(DECISIONS) * limits[-1], side="right")
        failed = np.flatnonzero(rng.random(DECISIONS) < rates[accounts])
        first_decisions = np.intersect1d(np.unique(accounts, return_index=True)[1], failed)
        first_events = failed[np.sort(np.unique(accounts[failed], return_index=True)[1])]
        for at, counted in enumerate((first_decisions, first_events)):
            path = test.path(candidates[accounts[counted]], 0.5)
            wrong[at] += bool((path >= test.bound).any())
    return wrong[0], wrong[1]


def three_guardrails(runs: int, rng: np.random.Generator) -> int:
    """Count the rollouts that one of three guardrails rolls back: errors, overrides and mean cost, at a third each."""
    rate, cost = RateRatioTest.harm(ALPHA / GUARDRAILS), MeanDifferenceTest.harm(ALPHA / GUARDRAILS)
    shares = np.repeat(SHORT.shares, A_MINUTE)
    overrides = Line(np.full(len(SHORT.rates), OVERRIDES), SHORT.shares)
    rolled_back = 0
    for size in parts(runs):
        caught = np.isfinite(events_of(SHORT, 1.0, size, rng).first_answers(rate))
        caught |= np.isfinite(events_of(overrides, 1.0, size, rng).first_answers(rate))
        caught |= np.array([_cost_rejected(cost, shares, rng) for _ in range(size)])
        rolled_back += int(caught.sum())
    return rolled_back


def quantile_at_the_margin(runs: int, rng: np.random.Generator) -> int:
    """Count the rollouts that the p99 of latencies rolls back, of candidates exactly 20% slower at a margin of 20%.

    Latencies are log-normal. For twenty minutes, across a change of share, both arms are three times as slow.
    """
    test, shares = QuantileTest.harm(QUANTILE, ALPHA, SLOWER), SHORT.shares
    slow = np.where((np.arange(len(shares)) >= 2) & (np.arange(len(shares)) < 22), 3.0, 1.0)
    return sum(_latency_rejected(test, shares, slow, rng) for _ in range(runs))


def _latency_rejected(test: QuantileTest, shares: Floats, slow: Floats, rng: np.random.Generator) -> bool:
    """Watch minutes of latencies, three between two checks; each stage starts from scratch."""
    stages: dict[float, tuple[GrowingBins, GrowingBins]] = {}
    levels: dict[float, float] = {}
    for first in range(0, len(shares), 3):
        share, minutes = float(shares[first]), slow[first : first + 3]
        many = A_MINUTE * len(minutes)
        values = np.repeat(minutes, A_MINUTE) * np.exp(0.5 * rng.standard_normal(many, np.float32)).astype(float)
        mine = rng.random(many) < share
        before = stages.get(share, (GrowingBins(), GrowingBins()))
        arms = before[0] + GrowingBins.of((1.0 + SLOWER) * values[mine]), before[1] + GrowingBins.of(values[~mine])
        stages[share], levels[share] = arms, test.log_e(*arms)
        if over_stages(list(levels.values()), len(STAGES)) >= test.bound:
            return True
    return False


def _cost_rejected(test: MeanDifferenceTest, shares: Floats, rng: np.random.Generator) -> bool:
    """Watch costs with a heavy tail (log-normal, its standard deviation 1.3 times its mean)."""
    candidate = rng.random(len(shares), np.float32) < shares
    costs = np.exp(rng.standard_normal(len(shares), np.float32)).astype(float)
    state = test.start()
    for first in range(0, len(shares), LOOK_EVERY):
        block = slice(first, first + LOOK_EVERY)
        state = test.fold(state, candidate[block], costs[block], shares[block])
        if test.rejected(state):
            return True
    return False


JUDGED: Final[Mapping[str, Callable[[int, np.random.Generator], int]]] = {
    "a steady line": steady,
    "an outage of both arms": outage,
    "sticky accounts, by first events": sticky,
    "three guardrails, one budget": three_guardrails,
}
