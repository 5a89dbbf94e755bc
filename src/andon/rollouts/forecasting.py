"""Forecasts: how many decisions and hours each answer of a rollout needs at today's traffic, and what to change if that is hopeless."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import inf, log

from andon import decisions, monitors
from andon.authoring import RolloutPlan, ServiceLevel
from andon.decisions import LATENCY_BAND
from andon.kernel.db import Tx
from andon.rollouts import store
from andon.rollouts.declared import require_measures, service_level_of, slow_us
from andon.rollouts.domain import Rollout
from andon.rollouts.guardrails import GuardrailKind, WatchedGuardrail, guardrails_of
from andon.rollouts.states import GuardrailState, step_name
from andon.statistics.rollout_forecast import margin_within, needed_for_rate, quickest

TODAY = timedelta(hours=24)
LOOKED_BACK = timedelta(days=7)

HOPELESS = timedelta(days=14)
"""An answer that takes longer than this at today's traffic is not waited for: something else is proposed."""

DOUBLED = 2.0
"""The rate ratio that a forecast of harm speaks of."""

_STEP = timedelta(minutes=5)
_HOUR = timedelta(hours=1)
_MOST = 10**9
_FEWEST_EVENTS = 10
"""Events of the control from which on its rate in the rollout is the base of a forecast."""


@dataclass(frozen=True, slots=True)
class GuardrailForecast:
    """What one guardrail needs: decisions of the candidate, and hours at today's traffic; None if no number is enough.

    `harm` speaks of a doubled rate at the share of `harm_share` percent, `sound` of an equal rate in the stage before the promotion.
    """

    guardrail: str
    base: float
    required: bool
    harm_share: float
    harm_decisions: int | None
    harm_hours: float | None
    sound_share: float
    sound_decisions: int | None
    sound_hours: float | None
    hopeless: bool
    proposal: str


@dataclass(frozen=True, slots=True)
class RolloutForecast:
    """Forecast of a rollout: decisions an hour today, each guardrail with a known rate, and the hours until the promotion."""

    an_hour: float
    guardrails: tuple[GuardrailForecast, ...]
    hours: float | None

    @property
    def sentence(self) -> str:
        """The forecast in one sentence."""
        if self.an_hour <= 0:
            return "Nothing was decided in the last day: how long it takes cannot be said"
        stuck = [one for one in self.guardrails if one.hopeless]
        if stuck:
            return " ".join(one.proposal for one in stuck)
        if self.hours is None:
            return f"At {self.an_hour:,.0f} decisions an hour it cannot be said how long it takes"
        return f"At {self.an_hour:,.0f} decisions an hour a candidate that is as good is promoted after about {spoken(self.hours)}"


def forecast(tx: Tx, automation: str, plan: RolloutPlan, now: datetime) -> RolloutForecast:
    """Forecast a rollout before it starts. Raises RolloutInvalid."""
    require_measures(tx, automation, plan)
    service = service_level_of(tx, automation)
    an_hour, slow = _traffic(tx, automation, service, now)
    bases = {"slow": slow, "errors": _errors(tx, automation, now)}
    return forecast_from(plan, guardrails_of(plan, service), an_hour, bases, {})


def forecast_of(tx: Tx, rollout: Rollout, now: datetime) -> RolloutForecast:
    """Forecast what a rollout under way still needs, by the rates of its own control where they are known."""
    service = service_level_of(tx, rollout.automation)
    an_hour, slow = _traffic(tx, rollout.automation, service, now)
    guardrails = guardrails_of(rollout.plan, service)
    kept = store.tests_of(tx, rollout.id)
    states = {one.name: GuardrailState.of(kept.get(one.name)) for one in guardrails}
    bases = {"slow": slow, "errors": _errors(tx, rollout.automation, now)}
    for one in guardrails:
        control = states[one.name].control
        if one.kind is GuardrailKind.RATE and control.units >= _FEWEST_EVENTS:
            bases[one.name] = control.units / control.decisions
    return forecast_from(rollout.plan, guardrails, an_hour, bases, states)


def spoken(hours: float) -> str:
    """Say a span of hours as people do."""
    if hours < 1:
        return f"{max(round(hours * 60), 1)} min"
    return f"{hours:.1f} h" if hours < 72 else f"{hours / 24:.1f} days"


def forecast_from(
    plan: RolloutPlan,
    guardrails: list[WatchedGuardrail],
    an_hour: float,
    bases: Mapping[str, float],
    states: Mapping[str, GuardrailState],
) -> RolloutForecast:
    """Forecast from traffic and rates. Pure."""
    steps = [share for share in plan.stages if 0 < share < 100]
    if not steps:
        shadow = None if an_hour <= 0 else plan.stage_decisions / an_hour
        return RolloutForecast(an_hour, (), shadow)
    found = tuple(
        _guardrail(one, bases, an_hour, steps, states.get(one.name))
        for one in guardrails
        if one.kind is GuardrailKind.RATE and (one.required or one.name in bases)
    )
    hours: float | None = plan.stage_decisions / an_hour if an_hour > 0 else None
    if hours is not None:
        for share in steps:
            hours += max(plan.stage_decisions / (an_hour * share / 100), plan.stage_time / _HOUR)
        required = [one for one in found if one.required]
        waits = [inf if one.sound_hours is None else one.sound_hours for one in required]
        hours = max([hours, *waits])
    return RolloutForecast(an_hour, found, None if hours is None or hours == inf else hours)


def _guardrail(
    one: WatchedGuardrail, bases: Mapping[str, float], an_hour: float, steps: list[float], state: GuardrailState | None
) -> GuardrailForecast:
    base = bases.get(one.name, 0.0)
    first, last = steps[0], steps[-1]
    harm = needed_for_rate(one.harm_by_rate(), base, first / 100, DOUBLED)
    harm_decisions = None if harm is None else harm.candidate
    known = GuardrailState() if state is None else state
    sound = 0 if step_name(100.0) in known.shown else _sound(one, base, last, known)
    sound_hours = _hours(sound, an_hour * last / 100)
    hopeless = one.required and an_hour > 0 and (sound_hours is None or sound_hours > HOPELESS / _HOUR)
    return GuardrailForecast(
        guardrail=one.name,
        base=base,
        required=one.required,
        harm_share=first,
        harm_decisions=harm_decisions,
        harm_hours=_hours(harm_decisions, an_hour * first / 100),
        sound_share=last,
        sound_decisions=sound,
        sound_hours=sound_hours,
        hopeless=hopeless,
        proposal=_proposal(one, bases, an_hour, last, sound_hours) if hopeless else "",
    )


def _sound(one: WatchedGuardrail, base: float, share: float, state: GuardrailState) -> int | None:
    """Compute the decisions of the candidate that are missing until it is good enough for promotion, by the shorter way."""
    ways: list[int | None] = []
    if base > 0:
        begun = state.sound.get(step_name(100.0))
        relative = needed_for_rate(one.sound_by_rate(100.0), base, share / 100, 1.0, state=begun)
        if relative is not None:
            ways.append(relative.candidate)
    if one.floor is not None:
        whole = _below_floor(one, base)
        ways.append(None if whole is None else max(whole - state.first[0], 1))
    known = [way for way in ways if way is not None]
    return min(known) if known else None


def _below_floor(one: WatchedGuardrail, base: float) -> int | None:
    """Compute after how many decisions with the expected number of events a rate is shown to be below its floor."""
    test, limit = one.below_limit(), one.limit_at(100.0)
    if base >= limit:
        return None

    def shown(count: int) -> bool:
        events = round(base * count)
        return test.log_e(test.fold(test.start(), events, count - events, limit)) >= test.bound

    low, high = 1, 2
    while not shown(high):
        low, high = high, high * 2
        if high > _MOST:
            return None
    while high - low > max(1, low // 100):
        middle = (low + high) // 2
        low, high = (low, middle) if shown(middle) else (middle, high)
    return high


def _proposal(
    one: WatchedGuardrail, bases: Mapping[str, float], an_hour: float, share: float, hours: float | None
) -> str:
    """Propose a margin that can be decided, or a measure that can."""
    base = bases.get(one.name, 0.0)
    takes = "cannot be shown at all" if hours is None else f"takes about {spoken(hours)}"
    said = (
        f"{one.name}: a margin of {one.margin:.0%} at a rate of {base:.2%} {takes} at {an_hour:,.0f} decisions an hour."
    )
    within = int(an_hour * HOPELESS / _HOUR)
    found = margin_within(within, base, share / 100, one.relative_alpha) if base > 0 and within > 0 else None
    if found is not None and found[0] > one.margin:
        margin, needed = found
        return f"{said} A margin of {margin:.0%} takes about {spoken(needed.hours(an_hour))}: --margin {one.name}={margin:g}."
    others = {name: rate for name, rate in bases.items() if name != one.name and rate > base}
    other = quickest(others, one.margin, share / 100, one.promotion)
    if other is not None and other[1].total <= within:
        name, needed = other
        return (
            f"{said} {name} can be decided in about {spoken(needed.hours(an_hour))}: --off {one.name} --require {name}."
        )
    return f"{said} Roll out without it (--off {one.name}), or by a measure with more events."


def _hours(decisions_needed: int | None, an_hour: float) -> float | None:
    if decisions_needed is None:
        return None
    if decisions_needed == 0:
        return 0.0
    return None if an_hour <= 0 else decisions_needed / an_hour


def _traffic(tx: Tx, automation: str, service: ServiceLevel, now: datetime) -> tuple[float, float]:
    """Return today's decisions an hour, and the share of slow ones."""
    found = [t for t in decisions.tallies(tx, since=now - TODAY, until=now, step=_STEP) if t.automation == automation]
    count = sum(one.decisions for one in found)
    if not count:
        return 0.0, 0.0
    hours = max((now - found[0].at) / _HOUR, _STEP / _HOUR)
    slowest = log(slow_us(service)) / log(LATENCY_BAND)
    slow = sum(n for one in found for band, n in one.latencies.items() if band >= slowest)
    return count / hours, slow / count


def _errors(tx: Tx, automation: str, now: datetime) -> float:
    """Return the share of decisions that failed lately, as monitors have it."""
    points = monitors.trend(tx, automation, "errors", now=now, since=now - LOOKED_BACK)
    count = sum(one.decisions for one in points)
    failed = sum((one.values.get("failed") or 0.0) * one.decisions for one in points)
    return failed / count if count else 0.0
