"""Sentences about experiments, for people and the audit log. Pure."""

from collections.abc import Sequence

from andon.experiments.domain import AUTOMATIC, Experiment
from andon.experiments.estimates import ExperimentEstimates, PairEstimate, pair_estimates, winner_of
from andon.experiments.forecasting import POWER, ExperimentForecast
from andon.rollouts import spoken


def standing_sentence(experiment: Experiment, estimates: ExperimentEstimates) -> str:
    """State which arm is better by now, with the interval, or that none is shown to be."""
    pairs = pair_estimates(experiment, estimates)
    winner = winner_of(experiment, pairs)
    if winner is not None:
        return f"{experiment.titles[winner]} is better: {compared(experiment, pairs, winner)}"
    leading = _leading(experiment, pairs)
    told = compared(experiment, pairs, leading) if leading is not None else ""
    missing = "No arm is shown to be better than all others yet"
    return f"{missing}: {told}" if told else f"{missing}: nothing can be compared so far"


def compared(experiment: Experiment, pairs: Sequence[PairEstimate], arm: int) -> str:
    """Describe how one arm compares with each other one."""
    found = []
    for one in pairs:
        if one.value is None or one.low is None or arm not in (one.first, one.second):
            continue
        other = one.second if arm == one.first else one.first
        found.append(_one(experiment, one, arm, other))
    return "; ".join(found)


def value_text(experiment: Experiment, value: float | None) -> str:
    """Write a value of the measure; rates as percentages."""
    if value is None:
        return ""
    return f"{value:.2%}" if is_share(experiment) else f"{value:.4g}"


def is_share(experiment: Experiment) -> bool:
    """Return whether values of the measure lie between 0 and 1."""
    return experiment.counts_events or experiment.measure == AUTOMATIC


def forecast_sentences(experiment: Experiment, expected: ExperimentForecast) -> list[str]:
    """State how many units and hours each difference needs."""
    units = "decisions" if experiment.unit == "decision" else "accounts"
    if expected.base is None:
        return [f"{experiment.measure}: there are no values yet, so the duration cannot be estimated"]
    of_units = f" of {units}" if is_share(experiment) else ""
    today = f"{value_text(experiment, expected.base)}{of_units} now, {expected.an_hour:,.0f} {units} an hour"
    found = [f"{experiment.measure}: {today}. An arm that differs is found, with a probability of {POWER:.0%}:"]
    word = "fewer" if experiment.counts_events else "apart"
    for one in expected.effects:
        takes = "no number is enough" if one.units is None else f"within about {one.units:,} {units}"
        found.append(f"  {one.effect:.0%} {word}: {takes}" + ("" if one.hours is None else f" ({spoken(one.hours)})"))
    return found


def _one(experiment: Experiment, pair: PairEstimate, arm: int, other: int) -> str:
    title, beside = experiment.titles[arm], experiment.titles[other]
    value, low, high = pair.value or 0.0, pair.low or 0.0, pair.high
    if experiment.counts_events:
        if arm != pair.first:
            value, low, high = 1 / value, (0.0 if high is None else 1 / high), (1 / low if low else None)
        upper = "" if high is None else f" to {high:.2f}"
        interval = f"{low:.2f}{upper}" if high is not None else f"at least {low:.2f}"
        counted = experiment.measure if experiment.unit == "decision" else f"accounts with {experiment.measure}"
        return f"{title} has {value:.2f} times the {counted} of {beside} ({interval})"
    if arm != pair.first:
        value, low, high = -value, -(high or 0.0), -low
    scale, unit = (100, " points") if is_share(experiment) else (1, "")
    bounds = f"{scale * low:+.3g} to {scale * (high or 0.0):+.3g}"
    return f"{title} has {scale * value:+.3g}{unit} {experiment.measure} compared with {beside} ({bounds})"


def _leading(experiment: Experiment, pairs: Sequence[PairEstimate]) -> int | None:
    """Return the leading arm: the one that wins most pairs by their estimates."""
    equal = 1.0 if experiment.counts_events else 0.0
    wins: dict[int, int] = {}
    for one in pairs:
        if one.value is not None and one.low is not None:
            less, more = (one.first, one.second) if experiment.better == "lower" else (one.second, one.first)
            ahead = less if one.value < equal else more
            wins[ahead] = wins.get(ahead, 0) + 1
    return max(wins, key=lambda arm: wins[arm], default=None)
