"""Burn rates: the speed at which failures use up an objective's allowance, in three tiers.

See Google, The Site Reliability Workbook, chapter 5. A tier is breached when both its windows burn at its rate, which
makes it both reliable and quick to recover. With few events a single failure burns at any rate, so a breach also needs
LEAST failures and a failure rate that chance does not explain.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from andon.statistics.proportions import NOTHING, Proportion

LEAST = 5
"""The fewest failures in its long window that breach a tier."""

CHANCE = 0.001
"""The largest p-value of a breach: the probability of at least its failures at the rate that the objective allows."""


@dataclass(frozen=True, slots=True)
class BurnTier:
    """A burn rate and its two windows; `urgent` tiers call a person immediately."""

    rate: float
    long: timedelta
    short: timedelta
    urgent: bool


TIERS = (
    BurnTier(14.4, timedelta(hours=1), timedelta(minutes=5), urgent=True),
    BurnTier(6.0, timedelta(hours=6), timedelta(minutes=30), urgent=True),
    BurnTier(1.0, timedelta(days=3), timedelta(hours=6), urgent=False),
)

SPANS = tuple(sorted({span for tier in TIERS for span in (tier.long, tier.short)}))
"""The windows that `burn_rates` reads."""


@dataclass(frozen=True, slots=True)
class BurnRate:
    """One measured tier: the rates of both windows, failures and events of the long one, and whether it is breached."""

    tier: BurnTier
    long: float
    short: float
    failures: Proportion
    p_value: float
    breached: bool


def burn_rates(objective: float, windows: Mapping[timedelta, Proportion]) -> list[BurnRate]:
    """Measure each tier. `windows` holds failures among all events of the last SPANS; `objective` is, say, 0.999."""
    if not 0 < objective < 1:
        raise ValueError("an objective lies between 0 and 1")
    return [_measured(tier, 1 - objective, windows) for tier in TIERS]


def _measured(tier: BurnTier, allowed: float, windows: Mapping[timedelta, Proportion]) -> BurnRate:
    failures, recent = windows.get(tier.long, NOTHING), windows.get(tier.short, NOTHING)
    long, short = failures.share / allowed, recent.share / allowed
    p_value = _upper_tail(failures, allowed) if failures.some else 1.0
    sure = failures.some >= LEAST and p_value <= CHANCE
    return BurnRate(tier, long, short, failures, p_value, sure and long >= tier.rate and short >= tier.rate)


def _upper_tail(failures: Proportion, allowed: float) -> float:
    """Return the probability of at least these failures at the rate that the objective allows."""
    from scipy.special import bdtrc  # here, because a worker that sees no failure saves its memory

    return float(bdtrc(failures.some - 1, failures.all, allowed))
