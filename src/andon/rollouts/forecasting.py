"""Forecasts: the decisions and hours that each answer of a rollout needs, and alternatives where that is hopeless."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from math import inf

from andon.authoring import RolloutPlan
from andon.kernel.db import Tx
from andon.rollouts.declared import require_measures, service_level_of
from andon.rollouts.domain import Rollout
from andon.rollouts.forecasts import GuardrailForecast, RolloutForecast
from andon.rollouts.guardrails import GuardrailKind, WatchedGuardrail, guardrails_of
from andon.rollouts.rate_needs import rate_forecast
from andon.rollouts.recently import RecentLine, recent_line
from andon.rollouts.states import GuardrailState
from andon.rollouts.value_needs import mean_forecast, quantile_forecast
from andon.trials import counts_of

_HOUR = timedelta(hours=1)
_FEWEST_EVENTS = 10
"""The number of the control's events above which its rate in the rollout is the base of a forecast."""


def forecast(tx: Tx, automation: str, plan: RolloutPlan, now: datetime) -> RolloutForecast:
    """Forecast a rollout before it starts. Raises RolloutInvalid."""
    require_measures(tx, automation, plan)
    service = service_level_of(tx, automation)
    guardrails = guardrails_of(plan, service)
    return forecast_from(plan, guardrails, recent_line(tx, automation, guardrails, service, now), {})


def forecast_of(tx: Tx, rollout: Rollout, now: datetime) -> RolloutForecast:
    """Forecast what a rollout under way still needs, by the figures of its own control where they are known."""
    service = service_level_of(tx, rollout.automation)
    guardrails = guardrails_of(rollout.plan, service)
    line = recent_line(tx, rollout.automation, guardrails, service, now)
    kept = counts_of(tx, rollout.id)
    states = {one.name: GuardrailState.of(kept.get(one.name)) for one in guardrails}
    rates = dict(line.rates)
    for one in guardrails:
        control = states[one.name].control
        if one.kind is GuardrailKind.RATE and (happened := control.rate(one)[0]) >= _FEWEST_EVENTS:
            rates[one.name] = happened / control.decisions
    return forecast_from(rollout.plan, guardrails, replace(line, rates=rates), states)


def forecast_from(
    plan: RolloutPlan,
    guardrails: Sequence[WatchedGuardrail],
    line: RecentLine,
    states: Mapping[str, GuardrailState],
) -> RolloutForecast:
    """Forecast from traffic and figures. Pure."""
    steps = [share for share in plan.stages if 0 < share < 100]
    an_hour = line.an_hour
    if not steps:
        shadow = None if an_hour <= 0 else plan.stage_decisions / an_hour
        return RolloutForecast(an_hour, (), shadow)
    tested = [one for one in guardrails if one.rolls_back]
    each = [_forecast_of(one, line, steps, states.get(one.name) or GuardrailState()) for one in tested]
    found = tuple(one for one in each if one is not None)
    hours: float | None = plan.stage_decisions / an_hour if an_hour > 0 else None
    if hours is not None:
        for share in steps:
            hours += max(plan.stage_decisions / (an_hour * share / 100), plan.stage_time / _HOUR)
        waits = [inf if one.sound_hours is None else one.sound_hours for one in found if one.required]
        hours = max([hours, *waits])
    notes = tuple(_note(one) for one in tested if one.name in line.labelled and not one.required)
    return RolloutForecast(an_hour, found, None if hours is None or hours == inf else hours, notes)


def _forecast_of(
    one: WatchedGuardrail, line: RecentLine, steps: list[float], state: GuardrailState
) -> GuardrailForecast | None:
    """Forecast one guardrail. Returns None if there are no figures and promotion does not wait for it."""
    match one.kind:
        case GuardrailKind.RATE:
            is_known = one.name in ("errors", "slow") or line.rates.get(one.name, 0.0) > 0.0
            made = rate_forecast(one, line.rates, line.an_hour, steps, state) if is_known or one.required else None
            if made is not None and one.of_cases:
                made = _aged(made, line.age_hours)
        case GuardrailKind.MEAN:
            made = mean_forecast(one, line, steps, state)
        case GuardrailKind.QUANTILE:
            made = quantile_forecast(one, line, steps, state)
        case GuardrailKind.LIMIT:
            made = None
    return made


def _aged(made: GuardrailForecast, hours: float) -> GuardrailForecast:
    """Add the time until the last decisions count."""
    later = {name: getattr(made, name) for name in ("harm_hours", "sound_hours")}
    return replace(made, **{name: known + hours for name, known in later.items() if known})


def _note(one: WatchedGuardrail) -> str:
    return (
        f"{one.name} is watched, but the promotion does not wait for it. "
        f'To wait: --require {one.name}, or Guardrail("{one.name}", required=True) in the plan'
    )
