"""Service levels: how fast the allowance of failed and slow decisions burns (Google, Site Reliability Workbook, chapter 5)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from andon.authoring import ServiceLevel
from andon.monitors.domain import MonitorState, Observation
from andon.monitors.rates import interval


@dataclass(frozen=True, slots=True)
class BurnTier:
    """A rate at which the allowance must not burn, over a long span and still over a short one."""

    name: str
    rate: float
    long: timedelta
    short: timedelta
    state: MonitorState


TIERS = (
    BurnTier("fast", 14.4, timedelta(hours=1), timedelta(minutes=5), MonitorState.CRITICAL),
    BurnTier("steady", 6.0, timedelta(hours=6), timedelta(minutes=30), MonitorState.CRITICAL),
    BurnTier("slow", 1.0, timedelta(days=3), timedelta(hours=6), MonitorState.WARNING),
)

SPANS = tuple(sorted({span for tier in TIERS for span in (tier.long, tier.short)}))

FEWEST_EVENTS = 100
"""Decisions of the long span without which a tier says nothing."""

FEWEST_MISSED = 10
"""Missed decisions of the long span without which a tier gives no alarm."""


def judge_service_level(
    level: ServiceLevel, counts: Mapping[timedelta, tuple[int, int]], until: datetime
) -> list[Observation]:
    """Judge each tier by the decisions of its spans, and those of them that kept the service level."""
    return [_judged(tier, level, counts, until) for tier in TIERS]


def burn_rate(decisions: int, met: int, share: float) -> float:
    """Return how many times faster than allowed decisions miss the service level."""
    return (decisions - met) / decisions / (1 - share) if decisions else 0.0


def _judged(
    tier: BurnTier, level: ServiceLevel, counts: Mapping[timedelta, tuple[int, int]], until: datetime
) -> Observation:
    decisions, met = counts.get(tier.long, (0, 0))
    missed = decisions - met
    if decisions < FEWEST_EVENTS:
        why = f"too few decisions, {decisions} of {FEWEST_EVENTS}"
        return Observation.silent("service-level", why, tier.name, decisions=decisions)
    long, short = burn_rate(decisions, met, level.share), burn_rate(*counts.get(tier.short, (0, 0)), level.share)
    burns = long >= tier.rate and short >= tier.rate and missed >= FEWEST_MISSED
    low, high = interval(missed, decisions)
    return Observation(
        monitor="service-level",
        series=tier.name,
        state=tier.state if burns else MonitorState.GOOD,
        message=(
            f"{missed:,} of {decisions:,} decisions failed or took more than {level.latency.total_seconds():g} s, "
            f"{long:.1f} times as many as {level.share:.2%} allows"
        ),
        observed=long,
        expected=tier.rate,
        low=low / (1 - level.share),
        high=high / (1 - level.share),
        unit="times the allowance",
        decisions=decisions,
        since=until - tier.long,
        detail={"missed": missed, "short": short, "share": level.share},
    )
