"""A trial: arms of one automation on real traffic, and its history; a rollout or an experiment. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar, Self
from uuid import UUID

from andon.serving import Candidate, SplitUnit, arm_of

_WATCHED = ("running", "paused")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrafficTrial:
    """What rollouts and experiments have in common. The first of `arms` is the control: what decided at the start.

    `champion` and `in_force` decided then; `split` is the number of its newest split. `why` says what it waits for, or
    why it ended. `seen` counts decisions.
    """

    kind: ClassVar[str]
    states: ClassVar[type[StrEnum]]

    id: UUID
    automation: str
    number: int
    model: str
    arms: tuple[Candidate, ...]
    champion: int
    in_force: str
    unit: SplitUnit
    dead_man: timedelta
    four_eyes: bool
    state: StrEnum
    split: int
    shadows_before: tuple[Candidate, ...]
    started_by: str
    reason: str
    created_at: datetime
    ended_at: datetime | None = None
    ended_by: str | None = None
    why: str
    seen: int = 0

    @property
    def name(self) -> str:
        """Its name in sentences."""
        return f"{self.kind} {self.number} of {self.automation}"

    @property
    def title(self) -> str:
        """Its name at the beginning of a sentence."""
        return self.name.capitalize()

    @property
    def consumer(self) -> str:
        """The name under which it reads the feed."""
        return f"{self.kind}s/{self.automation}/{self.number}"

    @property
    def salt(self) -> str:
        """The salt of its splits, so that each trial draws its units afresh."""
        return f"{self.automation}/{self.kind}-{self.number}"

    @property
    def is_over(self) -> bool:
        """Whether its state is final."""
        return self.ended_at is not None

    @property
    def is_watched(self) -> bool:
        """Whether a worker watches it."""
        return self.state.value in _WATCHED

    @property
    def split_since(self) -> datetime:
        """Since when processes have to follow its arms."""
        return self.created_at

    @property
    def arm_names(self) -> list[str]:
        """The arms as decisions name them."""
        return [arm_of(self.model, one, in_force=self.in_force) for one in self.arms]

    def own(self) -> dict[str, Any]:
        """Return what only its kind has, as JSON values."""
        raise NotImplementedError

    @classmethod
    def read(cls, common: Mapping[str, Any], own: Mapping[str, Any]) -> Self:
        """Read one from its common fields, and from what `own` wrote."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialEvent:
    """One step of a trial: its actor and reason, and the state before and after."""

    number: int = 0
    at: datetime
    kind: str
    state_before: StrEnum | None
    state_after: StrEnum
    by: str
    reason: str
    evidence: Mapping[str, Any]

    def own(self) -> dict[str, Any]:
        """Return what only its kind has."""
        return {name: getattr(self, name) for name in own_fields(type(self), TrialEvent)}


COMMON = tuple(one.name for one in fields(TrafficTrial))
"""The fields that all trials have."""


def own_fields(cls: type[Any], base: type[Any]) -> list[str]:
    """Return the names of the fields that a class adds to its base."""
    known = {one.name for one in fields(base)}
    return [one.name for one in fields(cls) if one.name not in known]
