"""Needs of means and quantiles: decisions until they answer, from the recent spread of the champion's values. Pure."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import ceil

from andon.rollouts.forecasts import HOPELESS_HOURS, GuardrailForecast, figure_now, hours_of, is_hopeless, spoken
from andon.rollouts.guardrails import EVENLY, WatchedGuardrail
from andon.rollouts.recently import RecentLine, RecentValues
from andon.rollouts.states import GuardrailState, step_name
from andon.statistics.mean_differences import LEAST, control_moments, values_judged
from andon.statistics.quantile_forecast import needed_for_quantile
from andon.statistics.quantile_sequences import QuantileTest
from andon.statistics.rollout_forecast import DecisionsNeeded, least_margin, told_from_mean

Needed = Callable[[float], DecisionsNeeded | None]
"""The values of both arms that a margin needs, at the share before the promotion."""

_PROMOTION = step_name(100.0)


def mean_forecast(
    one: WatchedGuardrail, line: RecentLine, steps: list[float], state: GuardrailState
) -> GuardrailForecast | None:
    """Forecast a guardrail on a mean; None if it has no values and promotion does not wait for it."""
    known = _values_of(one, line, state)
    compared = [share for share in steps if one.name not in EVENLY or share == 50.0]
    if known is None or not compared:
        return (
            _forecast(one, line, _Figures(0.0, 1.0), (steps[0], steps[-1]), None, _never, 0, state)
            if one.required
            else None
        )
    first, last = compared[0], compared[-1]
    sign, variation = (1.0 if one.better == "lower" else -1.0), known.variation

    def needed(margin: float) -> DecisionsNeeded | None:
        if sign < 0 and margin >= 1.0:
            return None
        return told_from_mean(1.0 + sign * margin, 1.0, variation, last / 100, one.promotion)

    harm = told_from_mean(1.0 + sign * one.margin, _ratio(one), variation, first / 100, one.alpha)
    kept = state.sound.get(_PROMOTION)
    figures = _Figures(known.moments.mean, known.part)
    return _forecast(one, line, figures, (first, last), harm, needed, values_judged(kept) if kept else 0, state)


def quantile_forecast(
    one: WatchedGuardrail, line: RecentLine, steps: list[float], state: GuardrailState
) -> GuardrailForecast | None:
    """Forecast a guardrail on a quantile by the latencies of the last day; None where there are none."""
    latencies, first, last = line.latencies, steps[0], steps[-1]
    if not latencies.total and not one.required:
        return None

    def needed(margin: float) -> DecisionsNeeded | None:
        test = QuantileTest.non_inferior(one.quantile, margin, one.promotion)
        return needed_for_quantile(test, latencies, last / 100)

    harm = needed_for_quantile(one.harm_by_quantile(), latencies, first / 100, _ratio(one))
    stage = state.stages.get(_PROMOTION)
    seen = sum(bins.total for bins in stage.bins) if stage else 0
    figures = _Figures(latencies.quantile(one.quantile), 1.0)
    return _forecast(one, line, figures, (first, last), harm, needed, seen, state)


@dataclass(frozen=True, slots=True)
class _Figures:
    """The figure now, and how many values there are for each decision."""

    base: float
    part: float


def _forecast(
    one: WatchedGuardrail,
    line: RecentLine,
    figures: _Figures,
    shares: tuple[float, float],
    harm: DecisionsNeeded | None,
    needed: Needed,
    seen: int,
    state: GuardrailState,
) -> GuardrailForecast:
    """Compose a forecast; the last stage already has `seen` values."""
    (first, last), an_hour = shares, line.an_hour
    sound = None
    if _PROMOTION in state.shown:
        sound = 0
    elif (whole := needed(one.margin)) is not None:
        sound = ceil(max(whole.total - seen, 1) / figures.part * last / 100)
    sound_hours = hours_of(sound, an_hour * last / 100)
    harm_decisions = None if harm is None else ceil(harm.candidate / figures.part)
    hopeless = is_hopeless(one, an_hour, sound_hours)
    return GuardrailForecast(
        guardrail=one.name,
        kind=one.kind,
        base=figures.base,
        required=one.required,
        harm_ratio=_ratio(one),
        harm_share=first,
        harm_decisions=harm_decisions,
        harm_hours=hours_of(harm_decisions, an_hour * first / 100),
        sound_share=last,
        sound_decisions=sound,
        sound_hours=sound_hours,
        hopeless=hopeless,
        proposal=_proposal(one, line, figures, needed, sound_hours) if hopeless else "",
    )


def _proposal(one: WatchedGuardrail, line: RecentLine, figures: _Figures, needed: Needed, hours: float | None) -> str:
    """Propose the least margin that today's traffic can decide, or to drop the guardrail."""
    takes = "cannot be shown at all" if hours is None else f"takes about {spoken(hours)}"
    now = f"at {figure_now(one.kind, figures.base)}" if figures.base else "without recent values"
    said = f"{one.name}: a margin of {one.margin:.0%}, {now}, {takes} at {line.an_hour:,.0f} decisions an hour."
    within = int(line.an_hour * HOPELESS_HOURS * figures.part)
    found = least_margin(lambda margin: needed(margin) if margin > one.margin else None, within)
    if found is None:
        return f"{said} Roll out without waiting for it, or with a measure that varies less."
    margin, values = found
    return (
        f"{said} A margin of {margin:.0%} takes about {spoken(values.hours(line.an_hour * figures.part))}: "
        f"--margin {one.name}={margin:g}."
    )


def _values_of(one: WatchedGuardrail, line: RecentLine, state: GuardrailState) -> RecentValues | None:
    """Return the values of the rollout's own control once it has some, otherwise of recent decisions."""
    lately = line.values.get(one.name)
    if not state.harm or (moments := control_moments(state.harm)).count < LEAST:
        return lately
    if one.better == "higher":
        moments = replace(moments, mean=-moments.mean)
    return RecentValues(moments, 1.0 if lately is None else lately.part)


def _ratio(one: WatchedGuardrail) -> float:
    """Return the figure of a harmful candidate as a multiple of the champion's: worse by two margins."""
    return 1.0 + 2.0 * one.margin if one.better == "lower" else max(1.0 - 2.0 * one.margin, 0.0)


def _never(margin: float) -> DecisionsNeeded | None:
    del margin
    return None
