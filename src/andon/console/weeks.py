"""Weeks as bars: how many changes there were and failed, how long they took, how long the line was held."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from andon.changes import ChangeWeek
from andon.console.rendering import number

WIDTH, HEIGHT = 360.0, 110.0
_GAP = 0.3
"""The part of a week's width that is left free."""

_LABELLED = 5
"""Weeks that get a label below them, at most."""

HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class WeekBar:
    """One week's bar: its whole, and the part of it that is marked, in units of the drawing; `sentence` states both."""

    x: float
    width: float
    height: float
    marked: float
    label: str
    sentence: str


@dataclass(frozen=True, slots=True)
class WeekChart:
    """The bars of one figure by week, the value of the highest, and the class of the marked part."""

    title: str
    unit: str
    mark: str
    highest: float
    bars: Sequence[WeekBar]


def charts_of(weeks: Sequence[ChangeWeek]) -> Sequence[WeekChart]:
    """Draw the weeks: changes with the failed ones marked, lead times, and times in which the line was held."""
    changes = [(float(one.changes), float(one.failed), f"{one.changes} changes, {one.failed} failed") for one in weeks]
    lead = [0.0 if one.lead_time is None else one.lead_time / HOUR for one in weeks]
    held = [one.held / HOUR for one in weeks]
    return (
        _chart("Changes", "", "failed", weeks, changes),
        _chart("Median lead time", "hours", "", weeks, [(one, 0.0, f"{number(one)} hours") for one in lead]),
        _chart("Not automatic", "hours", "held", weeks, [(one, one, f"{number(one)} hours") for one in held]),
    )


def _chart(
    title: str, unit: str, mark: str, weeks: Sequence[ChangeWeek], values: Sequence[tuple[float, float, str]]
) -> WeekChart:
    highest = max((value for value, _, _ in values), default=0.0)
    step, every = WIDTH / max(len(weeks), 1), -(-len(weeks) // _LABELLED)
    scale = HEIGHT / highest if highest else 0.0
    bars = [
        WeekBar(
            x=round((place + _GAP / 2) * step, 2),
            width=round((1 - _GAP) * step, 2),
            height=round(value * scale, 2),
            marked=round(marked * scale, 2),
            label=f"{week.starts_at:%d %b}" if place % every == 0 else "",
            sentence=f"week of {week.starts_at:%Y-%m-%d}: {sentence}",
        )
        for place, (week, (value, marked, sentence)) in enumerate(zip(weeks, values, strict=True))
    ]
    return WeekChart(title, unit, mark, highest, bars)
