"""Needs of rates: decisions until a guardrail on a rate answers, and proposals where they are too many. Pure."""

from collections.abc import Mapping

from andon.rollouts.forecasts import HOPELESS_HOURS, GuardrailForecast, hours_of, is_hopeless, spoken
from andon.rollouts.guardrails import INFORMING, WatchedGuardrail
from andon.rollouts.states import GuardrailState, step_name
from andon.statistics.rollout_forecast import margin_within, needed_for_rate, quickest

DOUBLED = 2.0
"""The rate ratio that a forecast of harm assumes."""

_MOST = 10**9


def rate_forecast(
    one: WatchedGuardrail, bases: Mapping[str, float], an_hour: float, steps: list[float], state: GuardrailState
) -> GuardrailForecast:
    """Forecast a guardrail by how often its event happens now."""
    base = bases.get(one.name, 0.0)
    first, last = steps[0], steps[-1]
    harm = needed_for_rate(one.harm_by_rate(), base, first / 100, DOUBLED)
    harm_decisions = None if harm is None else harm.candidate
    sound = 0 if step_name(100.0) in state.shown else _sound(one, base, last, state)
    sound_hours = hours_of(sound, an_hour * last / 100)
    hopeless = is_hopeless(one, an_hour, sound_hours)
    return GuardrailForecast(
        guardrail=one.name,
        kind=one.kind,
        base=base,
        required=one.required,
        harm_ratio=DOUBLED,
        harm_share=first,
        harm_decisions=harm_decisions,
        harm_hours=hours_of(harm_decisions, an_hour * first / 100),
        sound_share=last,
        sound_decisions=sound,
        sound_hours=sound_hours,
        hopeless=hopeless,
        proposal=_proposal(one, bases, an_hour, last, sound_hours) if hopeless else "",
    )


def _sound(one: WatchedGuardrail, base: float, share: float, state: GuardrailState) -> int | None:
    """Compute how many more decisions the candidate needs for its promotion, by the shorter of the two ways."""
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
    within = int(an_hour * HOPELESS_HOURS)
    found = margin_within(within, base, share / 100, one.relative_alpha) if base > 0 and within > 0 else None
    if found is not None and found[0] > one.margin:
        margin, needed = found
        sooner = spoken(needed.hours(an_hour))
        return f"{said} A margin of {margin:.0%} takes about {sooner}: --margin {one.name}={margin:g}."
    others = {n: rate for n, rate in bases.items() if n != one.name and n not in INFORMING and rate > base}
    other = quickest(others, one.margin, share / 100, one.promotion)
    if other is not None and other[1].total <= within:
        name, needed = other
        return (
            f"{said} {name} can be decided in about {spoken(needed.hours(an_hour))}: --off {one.name} --require {name}."
        )
    return f"{said} Roll out without it (--off {one.name}), or with a measure that has more events."
