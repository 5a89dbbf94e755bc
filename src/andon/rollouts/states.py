"""The state of a guardrail: its counts, the evidence of its tests, and the evidence's path. Pure; kept as JSON."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct, convert, field, to_builtins

from andon.rollouts.guardrails import GuardrailKind, WatchedGuardrail
from andon.rollouts.quantiles import QuantileStage, harm_of_stages

LONGEST_PATH = 200
"""The most points of a path; of a longer one, every second point is dropped."""

MOST_EVIDENCE = 40
"""The most decisions of each side that are named, the newest ones."""


class ArmTally(Struct):
    """Counts of one side: decisions, the units that counted for the tests, and the sum of their values.

    `open` counts the units whose verdict was still open when their decision reached its age.
    """

    decisions: int = 0
    units: int = 0
    total: float = 0.0
    open: int = 0

    def rate(self, guardrail: WatchedGuardrail) -> tuple[float, int]:
        """Return the events of a rate, and the decisions or cases among which they are."""
        return (self.total, self.units) if guardrail.of_cases else (float(self.units), self.decisions)


class PairTally(Struct):
    """Decisions on which both sides predicted otherwise, by who was right.

    With labels in the plan, people were asked about `asked`; the class of `waiting` ones is not due yet.
    """

    candidate: int = 0
    champion: int = 0
    neither: int = 0
    open: int = 0
    asked: int = 0
    waiting: int = 0

    @property
    def judged(self) -> int:
        """All that are due."""
        return self.candidate + self.champion + self.neither + self.open


class PathPoint(Struct):
    """The evidence at one moment: natural logarithms of E, of harm and of being good enough for the next step."""

    at: datetime
    candidate: int
    control: int
    harm: float
    sound: float


class GuardrailState(Struct):
    """The state of a guardrail. `sound` holds a test for each step ahead; `harmed` and `shown` stay once reached.

    `stages` holds the values of a quantile, by the step after each stage. `first` counts first decisions of the
    candidate's units, and the events among them. `evidence` holds ids of decisions.
    """

    candidate: ArmTally = field(default_factory=ArmTally)
    control: ArmTally = field(default_factory=ArmTally)
    first: tuple[int, int] = (0, 0)
    harm: list[float] = field(default_factory=list)
    pairs: PairTally = field(default_factory=PairTally)
    sound: dict[str, list[float]] = field(default_factory=dict)
    stages: dict[str, QuantileStage] = field(default_factory=dict)
    harmed: bool = False
    shown: list[str] = field(default_factory=list)
    path: list[PathPoint] = field(default_factory=list)
    evidence: dict[str, list[str]] = field(default_factory=lambda: {"candidate": [], "control": []})

    @classmethod
    def of(cls, body: Mapping[str, Any] | None) -> "GuardrailState":
        """Read a state that `body` wrote; without one, begin."""
        return cls() if body is None else convert(body, cls)

    def body(self) -> dict[str, Any]:
        """Return the state as JSON values."""
        written: dict[str, Any] = to_builtins(self)
        return written


def step_name(share: float) -> str:
    """Return the key of a step ahead."""
    return f"{share:g}"


def judge(guardrail: WatchedGuardrail, state: GuardrailState, steps: Sequence[float]) -> None:
    """Note what is shown by now: harm, and the steps for which the candidate is good enough."""
    if guardrail.rolls_back and harm_evidence(guardrail, state) >= harm_bound(guardrail):
        state.harmed = True
    for share in steps:
        if step_name(share) not in state.shown and _is_sound(guardrail, state, share):
            state.shown.append(step_name(share))


def harm_bound(guardrail: WatchedGuardrail) -> float:
    """Return the evidence at which harm is shown."""
    return guardrail.harm_by_rate().bound


def harm_evidence(guardrail: WatchedGuardrail, state: GuardrailState) -> float:
    """Return the natural logarithm of E for harm."""
    if state.stages:
        return harm_of_stages(state.stages)
    if not state.harm:
        return 0.0
    if guardrail.kind is GuardrailKind.MEAN:
        return guardrail.harm_by_mean().log_e(state.harm)
    return guardrail.harm_by_rate().log_e(state.harm)


def sound_evidence(guardrail: WatchedGuardrail, state: GuardrailState, share: float) -> tuple[float, float]:
    """Return the natural logarithm of E that the candidate is good enough for a step, and its bound.

    It is that of the stronger of the two tests.
    """
    ways = []
    kept = state.sound.get(step_name(share))
    if guardrail.kind is GuardrailKind.RATE:
        relative = guardrail.sound_by_rate(share)
        ways.append((relative.log_e(kept) if kept else 0.0, relative.bound))
    elif guardrail.kind is GuardrailKind.MEAN:
        mean = guardrail.sound_by_mean(share)
        ways.append((mean.log_e(kept) if kept else 0.0, mean.bound))
    elif guardrail.kind is GuardrailKind.QUANTILE:
        stage = state.stages.get(step_name(share))
        ways.append((stage.sound if stage else 0.0, guardrail.sound_by_quantile(share).bound))
    if guardrail.kind is GuardrailKind.LIMIT or guardrail.floor is not None:
        ways.append(_below(guardrail, state, share))
    return max(ways, key=lambda way: way[0] - way[1])


def note_point(guardrail: WatchedGuardrail, state: GuardrailState, share: float, now: datetime) -> None:
    """Add the present evidence to the path, if it moved."""
    sound = sound_evidence(guardrail, state, share)[0]
    point = PathPoint(now, state.candidate.decisions, state.control.decisions, harm_evidence(guardrail, state), sound)
    if state.path and (state.path[-1].harm, state.path[-1].sound) == (point.harm, point.sound):
        return
    state.path.append(point)
    if len(state.path) > LONGEST_PATH:
        state.path = [*state.path[:-1:2], state.path[-1]]


def _is_sound(guardrail: WatchedGuardrail, state: GuardrailState, share: float) -> bool:
    found, bound = sound_evidence(guardrail, state, share)
    return found >= bound


def _below(guardrail: WatchedGuardrail, state: GuardrailState, share: float) -> tuple[float, float]:
    test = guardrail.below_limit()
    count, events = (
        (state.candidate.units, int(state.candidate.total)) if guardrail.kind is GuardrailKind.LIMIT else state.first
    )
    return test.log_e(test.fold(test.start(), events, count - events, guardrail.limit_at(share))), test.bound
