"""An experiment: arms of one automation that answer side by side until one is shown to be better. Pure values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Literal, TypeAlias
from uuid import UUID

from andon.serving import Candidate, SplitUnit, arm_of
from andon.trials import salt_of

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


@dataclass(frozen=True, slots=True)
class Experiment:
    """One experiment. The first of its `arms` is the control: what decided when it was started.

    `shares` holds the percentage of each arm now, or at its end. `why` is its status, or why it ended.
    """

    id: UUID
    automation: str
    number: int
    model: str
    arms: tuple[Candidate, ...]
    champion: int
    in_force: str
    measure: str
    better: Direction
    allocation: AllocationKind
    unit: SplitUnit
    most_decisions: int | None
    until: datetime | None
    dead_man: timedelta
    four_eyes: bool
    shares: tuple[float, ...]
    allocated_at: datetime
    state: ExperimentState
    split: int
    shadows_before: tuple[Candidate, ...]
    started_by: str
    reason: str
    created_at: datetime
    ended_at: datetime | None
    ended_by: str | None
    why: str
    winner: Candidate | None
    seen: int = 0
    """Decisions of all arms."""

    @property
    def name(self) -> str:
        """Its name in sentences."""
        return f"experiment {self.number} of {self.automation}"

    @property
    def consumer(self) -> str:
        """The name under which it reads the feed."""
        return f"experiments/{self.automation}/{self.number}"

    @property
    def salt(self) -> str:
        """The salt of its splits, so that every experiment draws its units independently."""
        return salt_of("experiment", self.automation, self.number)

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
    def arm_names(self) -> list[str]:
        """The arms as decisions name them."""
        return [arm_of(self.model, one, in_force=self.in_force) for one in self.arms]

    @property
    def given_shares(self) -> dict[Candidate, float]:
        """The shares of a split: the control is the champion, which has the rest."""
        return dict(zip(self.arms[1:], self.shares[1:], strict=True))


@dataclass(frozen=True, slots=True)
class ExperimentEvent:
    """One step of an experiment: its actor and reason, the state before and after, and the shares from then on."""

    number: int
    at: datetime
    kind: str
    state_before: ExperimentState | None
    state_after: ExperimentState
    shares: Sequence[float]
    by: str
    reason: str
    evidence: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ExperimentHistory:
    """An experiment with its events, oldest first."""

    experiment: Experiment
    events: Sequence[ExperimentEvent]


def usual_direction(measure: str) -> Direction | None:
    """Return the better direction of a built-in measure; None for others, as only their author knows it."""
    if measure not in BUILT_IN:
        return None
    return "higher" if measure == AUTOMATIC else "lower"


def equal_shares(count: int) -> tuple[float, ...]:
    """Share 100 percent equally, in hundredths; the control has what is left over."""
    each = 10_000 // count / 100
    return (round(100 - each * (count - 1), 2), *([each] * (count - 1)))
