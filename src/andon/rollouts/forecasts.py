"""Forecasts as values: the needs of each guardrail of a rollout, and of the whole. Pure."""

from dataclasses import dataclass
from datetime import timedelta

from andon.rollouts.guardrails import GuardrailKind, WatchedGuardrail

HOPELESS_HOURS = timedelta(days=14) / timedelta(hours=1)
"""The hours, at today's traffic, beyond which an answer counts as hopeless and an alternative is proposed."""


@dataclass(frozen=True, slots=True)
class GuardrailForecast:
    """Needs of one guardrail: decisions of the candidate, and hours at today's traffic; None if no number is enough.

    `base` is the figure now: a rate, a mean, or seconds. `harm` is about a candidate with `harm_ratio` times that
    figure, at a share of `harm_share` percent. `sound` is about an equal one, in the stage before the promotion.
    """

    guardrail: str
    kind: GuardrailKind
    base: float
    required: bool
    harm_ratio: float
    harm_share: float
    harm_decisions: int | None
    harm_hours: float | None
    sound_share: float
    sound_decisions: int | None
    sound_hours: float | None
    hopeless: bool
    proposal: str

    @property
    def now(self) -> str:
        """The figure now, in words."""
        return figure_now(self.kind, self.base)

    @property
    def worse(self) -> str:
        """The harmful candidate that `harm` assumes, in words."""
        if self.kind is GuardrailKind.RATE:
            return "a doubled rate"
        return f"one {abs(self.harm_ratio - 1.0):.0%} {'higher' if self.harm_ratio > 1.0 else 'lower'}"


@dataclass(frozen=True, slots=True)
class RolloutForecast:
    """Forecast of a rollout: decisions an hour today, guardrails with known figures, and hours until the promotion.

    `notes` name the guardrails that have data although the promotion does not wait for them.
    """

    an_hour: float
    guardrails: tuple[GuardrailForecast, ...]
    hours: float | None
    notes: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """The forecast in one sentence."""
        if self.an_hour <= 0:
            return "Nothing was decided in the last day, so the duration cannot be estimated"
        stuck = [one for one in self.guardrails if one.hopeless]
        if stuck:
            return " ".join(one.proposal for one in stuck)
        rate = f"At {self.an_hour:,.0f} decisions an hour"
        if self.hours is None:
            return f"{rate} the duration cannot be estimated"
        return f"{rate} a candidate that is as good is promoted after about {spoken(self.hours)}"


def figure_now(kind: GuardrailKind, base: float) -> str:
    """Write a guardrail's figure for people."""
    if kind is GuardrailKind.MEAN:
        return f"{base:.4g}"
    return f"{base * 1000:.3g} ms" if kind is GuardrailKind.QUANTILE else f"{base:.2%}"


def spoken(hours: float) -> str:
    """Write a span of hours for people."""
    if hours < 1:
        return f"{max(round(hours * 60), 1)} min"
    return f"{hours:.1f} h" if hours < 72 else f"{hours / 24:.1f} days"


def is_hopeless(one: WatchedGuardrail, an_hour: float, hours: float | None) -> bool:
    """Return whether a promotion waits for an answer that takes too long at today's traffic."""
    return one.required and an_hour > 0 and (hours is None or hours > HOPELESS_HOURS)


def hours_of(decisions_needed: int | None, an_hour: float) -> float | None:
    """Return how long this many decisions take; None if no number is enough, or there is no traffic."""
    if decisions_needed is None:
        return None
    if decisions_needed == 0:
        return 0.0
    return None if an_hour <= 0 else decisions_needed / an_hour
