"""Forecasts: the decisions an experiment needs to find a difference, at today's traffic and with today's figures."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import sqrt

from andon import decisions
from andon.decisions import DecisionFilter
from andon.experiments.domain import Experiment
from andon.experiments.measuring import MeasureReader
from andon.kernel.db import Tx
from andon.statistics.rate_ratio_sequences import coarse_test
from andon.statistics.rollout_forecast import needed_for_mean, needed_for_rate
from andon.trials import DeclaredMeasures, labelled

LOOKED_AT = 2_000
"""The number of newest decisions on which a forecast is based."""

EFFECTS = (0.5, 0.2, 0.1)
"""Differences that a forecast covers, relative to today's figure."""

POWER = 0.8
"""The probability that the answer is known by then."""

TODAY = timedelta(hours=24)
_STEP = timedelta(minutes=5)
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class EffectForecast:
    """The units of all arms, and hours at today's traffic, until a difference is shown; None if no number is enough."""

    effect: float
    units: int | None
    hours: float | None


@dataclass(frozen=True, slots=True)
class ExperimentForecast:
    """The forecast of an experiment: the measure's present figure and spread, units an hour, and the needs of effects.

    `base` is None where nothing is known of the measure yet.
    """

    measure: str
    unit: str
    counted: int
    base: float | None
    deviation: float
    an_hour: float
    effects: tuple[EffectForecast, ...]


def forecast(tx: Tx, experiment: Experiment, now: datetime) -> ExperimentForecast:
    """Forecast an experiment by the newest decisions of its automation."""
    values, units = _values(tx, experiment, now)
    an_hour = _an_hour(tx, experiment.automation, now) * (units[0] / units[1] if units[1] else 1.0)
    if not values:
        return ExperimentForecast(experiment.measure, experiment.unit, 0, None, 0.0, an_hour, ())
    base = sum(values) / len(values)
    deviation = sqrt(sum((one - base) ** 2 for one in values) / len(values))
    found = [_effect(experiment, base, deviation, an_hour, effect) for effect in EFFECTS]
    return ExperimentForecast(experiment.measure, experiment.unit, len(values), base, deviation, an_hour, tuple(found))


def _effect(experiment: Experiment, base: float, deviation: float, an_hour: float, effect: float) -> EffectForecast:
    """Forecast when an arm that differs by `effect` is distinguished from the control, whichever arm that is."""
    control, least = experiment.shares[0] / 100, min(experiment.shares[1:]) / 100
    share, both = least / (least + control), least + control
    needed = None
    if experiment.counts_events and base > 0:
        test = coarse_test(experiment.pair_alpha)
        needed = needed_for_rate(test, base, share, 1.0 - effect, POWER)
    elif base != 0 and deviation > 0:
        needed = needed_for_mean(effect, deviation / abs(base), share, experiment.pair_alpha / 2, POWER)
    if needed is None:
        return EffectForecast(effect, None, None)
    units = round(needed.total / both)
    return EffectForecast(effect, units, units / an_hour if an_hour > 0 else None)


def _values(tx: Tx, experiment: Experiment, now: datetime) -> tuple[list[float], tuple[int, int]]:
    """Return each unit's first known value of the measure among the newest decisions.

    And how many units and decisions.
    """
    wanted = DecisionFilter(automation=experiment.automation)
    rows = decisions.page(tx, wanted, limit=LOOKED_AT)
    items = {item.id: item for item in decisions.items_of(tx, [row.id for row in rows])}
    reader = MeasureReader(experiment.measure, DeclaredMeasures())
    known = [(one, items[one.row.id]) for one in labelled(tx, experiment.automation, list(items), now)]
    late = reader.late(tx, known)
    by_unit: dict[bytes, float] = {}
    seen = set[bytes]()
    for row in rows:
        alone = experiment.unit == "decision" or row.subject_hash is None
        unit = row.id.bytes if alone or row.subject_hash is None else bytes(row.subject_hash)
        value = reader.at_once(tx, items[row.id])
        if value is None:
            value = late.get(row.id)
        if experiment.counts_cases and value is None:  # nobody looked at it
            continue
        seen.add(unit)
        if experiment.counts_events:
            by_unit[unit] = max(by_unit.get(unit, 0.0), value or 0.0)
        elif value is not None:
            by_unit.setdefault(unit, value)
    return list(by_unit.values()), (len(seen), len(rows))


def _an_hour(tx: Tx, automation: str, now: datetime) -> float:
    """Return today's decisions an hour."""
    tallies = decisions.tallies(tx, since=now - TODAY, until=now, step=_STEP)
    mine = [one for one in tallies if one.automation == automation]
    if not mine:
        return 0.0
    hours = max((now - min(one.at for one in mine)) / _HOUR, _STEP / _HOUR)
    return sum(one.decisions for one in mine) / hours
