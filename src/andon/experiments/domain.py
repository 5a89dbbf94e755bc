"""An experiment: arms of one automation that answer side by side until one is shown to be better."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar, Literal, Self, TypeAlias

from pydantic_core import to_jsonable_python

from andon.serving import Candidate
from andon.trials import TrafficTrial, TrialEvent, TrialStore, own_fields

EVENT_MEASURES = ("errors", "overrides", "wrong")
"""Measures that count how often something bad happens: rates, whose ratio is tested."""

AUTOMATIC = "automatic"

BUILT_IN = (*EVENT_MEASURES, AUTOMATIC)
"""Measures that every automation has; all others are its business measures."""

ALPHA = 0.05
"""The probability that any comparison of an experiment is wrong, at any look."""

MOST_ARMS = 5
"""The most arms of an experiment, including what decides now."""

LEAST_SHARE = 5.0
"""Percent of the traffic that Thompson sampling leaves to each arm."""

ALLOCATED_EVERY = timedelta(minutes=5)

Direction: TypeAlias = Literal["lower", "higher"]
AllocationKind: TypeAlias = Literal["fixed", "thompson"]


class ExperimentState(StrEnum):
    """The states of an experiment. All but the first are final; a decided one may still be adopted."""

    RUNNING = "running"
    DECIDED = "decided"
    UNDECIDED = "undecided"
    STOPPED = "stopped"
    ADOPTED = "adopted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment(TrafficTrial):
    """One experiment. `shares` holds the percentage of each arm now, or at its end."""

    kind: ClassVar[str] = "experiment"
    states: ClassVar[type[StrEnum]] = ExperimentState

    state: ExperimentState
    measure: str
    better: Direction
    allocation: AllocationKind
    most_decisions: int | None
    until: datetime | None
    shares: tuple[float, ...]
    allocated_at: datetime
    winner: Candidate | None = None

    @property
    def is_running(self) -> bool:
        """Whether its arms answer."""
        return self.state is ExperimentState.RUNNING

    @property
    def counts_events(self) -> bool:
        """Whether its measure is a rate of events, not a mean of values."""
        return self.measure in EVENT_MEASURES

    @property
    def counts_cases(self) -> bool:
        """Whether it counts cases: decisions that somebody looked at, at the same age in all arms."""
        return self.measure == "wrong"

    @property
    def certainty(self) -> str:
        """What an arm's interval is about: verdicts of reviewers come late, so more of them will be known."""
        return f"{'known so far, ' if self.measure == 'overrides' else ''}at the 95% level"

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """All pairs of its arms, by their places."""
        places = range(len(self.arms))
        return [(one, other) for one in places for other in places if one < other]

    @property
    def pair_alpha(self) -> float:
        """The level of each pair's comparison: all of them share `ALPHA` (Bonferroni)."""
        return ALPHA / len(self.pairs)

    @property
    def titles(self) -> list[str]:
        """Short names of the arms."""
        return [f"{self.model}@{one}" for one in self.arms]

    @property
    def given_shares(self) -> dict[Candidate, float]:
        """The shares of a split: the control is the champion, which has the rest."""
        return dict(zip(self.arms[1:], self.shares[1:], strict=True))

    def own(self) -> dict[str, Any]:
        """Return what only an experiment has, as JSON values."""
        plain = {name: getattr(self, name) for name in own_fields(Experiment, TrafficTrial)}
        return to_jsonable_python({**plain, "winner": None if self.winner is None else str(self.winner)})  # type: ignore[no-any-return]

    @classmethod
    def read(cls, common: Mapping[str, Any], own: Mapping[str, Any]) -> Self:
        """Read one from its common fields, and from what `own` wrote."""
        winner, shares = own["winner"], tuple(map(float, own["shares"]))
        times = {name: own[name] and datetime.fromisoformat(own[name]) for name in ("until", "allocated_at")}
        known = {**times, "shares": shares, "winner": winner and Candidate.parse(winner)}
        return cls(**{**common, **own, **known})


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentEvent(TrialEvent):
    """One step of an experiment, and the shares from then on."""

    shares: Sequence[float]


@dataclass(frozen=True, slots=True)
class ExperimentHistory:
    """An experiment with its events, oldest first."""

    experiment: Experiment
    events: Sequence[ExperimentEvent]


EXPERIMENTS = TrialStore(Experiment, ExperimentEvent)
"""The rows of experiments."""


def usual_direction(measure: str) -> Direction | None:
    """Return the better direction of a built-in measure; None for others, as only their author knows it."""
    if measure not in BUILT_IN:
        return None
    return "higher" if measure == AUTOMATIC else "lower"


def equal_shares(count: int) -> tuple[float, ...]:
    """Share 100 percent equally, in hundredths; the control has what is left over."""
    each = 10_000 // count / 100
    return (round(100 - each * (count - 1), 2), *([each] * (count - 1)))
