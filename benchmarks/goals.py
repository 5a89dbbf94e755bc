"""Goals of benchmarks: ratios within one run, and counts of forbidden events. Pure.

A ratio means the same on a slow machine and a fast one, because both sides were measured in turns on the same machine.
Absolute figures (per second, milliseconds, megabytes) are printed and never judged.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.table import Table


@dataclass(frozen=True, slots=True)
class Goal:
    """A judged figure: its description, measured value and bound. `reached` is None where a side was not measured."""

    said: str
    measured: float | None
    wanted: float
    reached: bool | None


def at_least(said: str, measured: float | None, wanted: float) -> Goal:
    """Return the goal of a ratio that must not be lower."""
    return Goal(f"{said}: at least", _shown(measured), wanted, None if measured is None else measured >= wanted)


def more_than(said: str, measured: float | None, wanted: float) -> Goal:
    """Return the goal of a ratio that must be higher."""
    return Goal(f"{said}: more than", _shown(measured), wanted, None if measured is None else measured > wanted)


def at_most(said: str, measured: float | None, wanted: float) -> Goal:
    """Return the goal of a ratio that must not be higher."""
    return Goal(f"{said}: at most", _shown(measured), wanted, None if measured is None else measured <= wanted)


def none_of(said: str, count: int) -> Goal:
    """Return the goal of a count that must be zero."""
    return at_most(said, float(count), 0.0)


def ratio(one: float, other: float | None) -> float | None:
    """Return one figure divided by the other; None if the other side was not measured or did nothing."""
    return one / other if other else None


def missed(goals: Sequence[Goal]) -> list[str]:
    """Describe each goal that was missed."""
    return [f"{goal.said} {goal.wanted:g}, measured {goal.measured:g}" for goal in goals if goal.reached is False]


def as_json(goals: Sequence[Goal]) -> dict[str, Any]:
    """Return the goals and the missed ones, for the last line of a benchmark."""
    return {"goals": [asdict(goal) for goal in goals], "missed": missed(goals)}


def table_of(goals: Sequence[Goal]) -> Table:
    """Return the goals for a terminal."""
    table = Table("goal", "measured", "wanted", "")
    for goal in goals:
        measured = "not measured" if goal.measured is None else f"{goal.measured:,.2f}"
        verdict = {True: "reached", False: "MISSED", None: "not judged"}[goal.reached]
        table.add_row(goal.said, measured, f"{goal.wanted:,.2f}", verdict)
    return table


def _shown(measured: float | None) -> float | None:
    return None if measured is None else round(measured, 4)
