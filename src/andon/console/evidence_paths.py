"""The evidence of a guardrail over time.

Each line is relative to its own bound, so that one line is the bound of both.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from andon.rollouts import GuardrailStanding, PathPoint, RolloutEvent

WIDTH, HEIGHT = 420.0, 110.0

HIGHEST, LOWEST = 1.25, -0.5
"""The part that is drawn, as a multiple of the bound; what lies beyond runs along the edge."""

_BEGINNINGS = ("begin", "advance")


@dataclass(frozen=True, slots=True)
class StageMark:
    """Where a stage begins in the drawing, and the candidate's percent in it."""

    x: float
    share: float


@dataclass(frozen=True, slots=True)
class EvidencePath:
    """Points of the lines as SVG writes them, the heights of the bound and of zero, and where stages begin.

    `sound` has a line for each stage: in each, the evidence is about the step after it.
    """

    harm: str
    sound: tuple[str, ...]
    bound: float
    zero: float
    marks: tuple[StageMark, ...]


def path_of(
    standing: GuardrailStanding, events: Sequence[RolloutEvent], stages: Sequence[float], until: datetime
) -> EvidencePath | None:
    """Draw the path of a guardrail from the first stage until a moment; None while there is no evidence."""
    points, begun = standing.state.path, [one for one in events if one.kind in _BEGINNINGS]
    if not begun or not any(one.harm or one.sound for one in points):
        return None
    first, last = begun[0].at, max(until, points[-1].at)
    harm = [(first, 0.0), *((one.at, one.harm) for one in points), (last, standing.harm)]
    by_stage = _by_stage(points, [one.at for one in begun])
    by_stage[0].insert(0, (first, 0.0))
    by_stage[-1] = [*(by_stage[-1] or [(begun[-1].at, standing.sound)]), (last, standing.sound)]
    return EvidencePath(
        harm=_line(harm, first, last, standing.harm_bound),
        sound=tuple(_line(part, first, last, standing.sound_bound) for part in by_stage if len(part) > 1),
        bound=_height(1.0),
        zero=_height(0.0),
        marks=tuple(StageMark(_place(one.at, first, last), stages[one.stage_after]) for one in begun),
    )


def _by_stage(points: Sequence[PathPoint], begun: Sequence[datetime]) -> list[list[tuple[datetime, float]]]:
    """Return the evidence for the next step, by stage; the point that ended a stage belongs to it."""
    ends = [*begun[1:], datetime.max.replace(tzinfo=UTC)]
    return [
        [(one.at, one.sound) for one in points if start < one.at <= end] for start, end in zip(begun, ends, strict=True)
    ]


def _line(points: Sequence[tuple[datetime, float]], first: datetime, last: datetime, bound: float) -> str:
    return " ".join(f"{_place(at, first, last):g},{_height(value / bound):g}" for at, value in points)


def _place(at: datetime, first: datetime, last: datetime) -> float:
    whole = (last - first).total_seconds()
    return round(WIDTH * (at - first).total_seconds() / whole, 1) if whole > 0 else 0.0


def _height(part: float) -> float:
    shown = min(max(part, LOWEST), HIGHEST)
    return round(HEIGHT * (HIGHEST - shown) / (HIGHEST - LOWEST), 1)
