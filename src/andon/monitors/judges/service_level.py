"""Service levels: the burn rate of the allowance for failed and slow decisions, in three tiers."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from andon.authoring import ServiceLevel
from andon.monitors.domain import MonitorState, Observation
from andon.statistics.burn_rates import TIERS, BurnRate, burn_rates
from andon.statistics.intervals import wilson
from andon.statistics.proportions import Proportion

FEWEST_EVENTS = 100
"""The fewest decisions in the long span for a tier to be judged."""

_NAMES = ("fast", "steady", "slow")


def judge_service_level(
    level: ServiceLevel, counts: Mapping[timedelta, tuple[int, int]], until: datetime
) -> list[Observation]:
    """Judge each tier by the decisions of its spans and how many of them kept the service level."""
    missed = {span: Proportion(decisions - met, decisions) for span, (decisions, met) in counts.items()}
    measured = burn_rates(level.share, missed)
    return [_judged(name, one, level, until) for name, one in zip(_NAMES, measured, strict=True)]


def burn_rate(decisions: int, met: int, share: float) -> float:
    """Return how many times faster than allowed decisions miss the service level."""
    return (decisions - met) / decisions / (1 - share) if decisions else 0.0


def _judged(name: str, burn: BurnRate, level: ServiceLevel, until: datetime) -> Observation:
    missed, allowed = burn.failures, 1 - level.share
    if missed.all < FEWEST_EVENTS:
        why = f"too few decisions, {missed.all} of {FEWEST_EVENTS}"
        return Observation.silent("service-level", why, name, decisions=missed.all)
    breach = MonitorState.CRITICAL if burn.tier.urgent else MonitorState.WARNING
    low, high = wilson(missed.some, missed.all)
    return Observation(
        monitor="service-level",
        series=name,
        state=breach if burn.breached else MonitorState.GOOD,
        message=(
            f"{missed.some:,} of {missed.all:,} decisions failed or took more than "
            f"{level.latency.total_seconds():g} s, {burn.long:.1f} times as many as {level.share:.2%} allows"
        ),
        observed=burn.long,
        expected=burn.tier.rate,
        low=low / allowed,
        high=high / allowed,
        unit="times the allowance",
        false_alarm=burn.p_value,
        decisions=missed.all,
        since=until - burn.tier.long,
        detail={"missed": missed.some, "short": burn.short, "share": level.share},
    )


assert len(_NAMES) == len(TIERS)  # noqa: S101 - a tier without a name would not be judged
