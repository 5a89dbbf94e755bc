"""The evidence of a guardrail as a drawing over time. Each line is relative to its own bound, so that one line is the bound of both."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

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
    """Points of both lines as SVG writes them, the heights of the bound and of zero, and where stages begin."""

    harm: str
    sound: str
    bound: float
    zero: float
    marks: tuple[StageMark, ...]


def path_of(
    standing: GuardrailStanding, events: Sequence[RolloutEvent], stages: Sequence[float], until: datetime
) -> EvidencePath | None:
    """Draw the path of a guardrail from the first stage until a moment; None while there is no evidence."""
    points, begun = standing.state.path, [one for one in events if one.kind in _BEGINNINGS]
    if not points or not begun:
        return None
    first, last = begun[0].at, max(until, points[-1].at)
    return EvidencePath(
        harm=_line([(one.at, one.harm) for one in points], first, last, standing.harm_bound),
        sound=_line(_of_this_step(points, begun[-1].at), first, last, standing.sound_bound),
        bound=_height(1.0),
        zero=_height(0.0),
        marks=tuple(StageMark(_place(one.at, first, last), stages[one.stage_after]) for one in begun),
    )


def _of_this_step(points: Sequence[PathPoint], since: datetime) -> list[tuple[datetime, float]]:
    """The evidence for the step that is next: that for earlier steps was about other margins."""
    return [(since, 0.0), *((one.at, one.sound) for one in points if one.at >= since)]


def _line(points: Sequence[tuple[datetime, float]], first: datetime, last: datetime, bound: float) -> str:
    drawn = [(_place(at, first, last), _height(value / bound)) for at, value in points]
    drawn.append((WIDTH, drawn[-1][1]))
    return " ".join(f"{x:g},{y:g}" for x, y in drawn)


def _place(at: datetime, first: datetime, last: datetime) -> float:
    whole = (last - first).total_seconds()
    return round(WIDTH * (at - first).total_seconds() / whole, 1) if whole > 0 else 0.0


def _height(part: float) -> float:
    shown = min(max(part, LOWEST), HIGHEST)
    return round(HEIGHT * (HIGHEST - shown) / (HIGHEST - LOWEST), 1)
