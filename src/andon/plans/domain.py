"""A plan as values: what would change, who is affected, which approvals it needs, and the state that it rests on. Pure."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, TypeAlias

from andon.kernel.errors import Fault

Json: TypeAlias = Any
"""A value as JSON has it."""

State: TypeAlias = Mapping[str, Json]
"""What is in force, by place: `automations.transfer-screening.policy`, `champions.fraud-risk`."""


@dataclass(frozen=True, slots=True)
class PlannedChange:
    """One thing that becomes another. `detail` are lines for people, such as the difference of two policies."""

    place: str
    automation: str | None
    before: Json
    after: Json
    detail: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AffectedAutomation:
    """An automation that decides otherwise after the plan: its recent decisions, and who shares its endpoint."""

    automation: str
    endpoint: str
    decisions: int
    automatic: int
    shared_with: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FlippedOutcomes:
    """The newest decisions of an automation made again by what is planned: how many keep their outcome, and the others."""

    automation: str
    decisions: int
    same: int
    flips: Mapping[str, int]
    undecidable: int = 0


@dataclass(frozen=True, slots=True)
class NeededApproval:
    """What somebody has to be allowed or to agree to before a plan is applied."""

    what: str
    automation: str | None = None
    roles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ChangePlan:
    """Everything that a configuration would change, and the state it was planned from."""

    changes: tuple[PlannedChange, ...]
    state: State
    made_at: datetime
    made_by: str
    affected: tuple[AffectedAutomation, ...] = ()
    flipped: tuple[FlippedOutcomes, ...] = ()
    approvals: tuple[NeededApproval, ...] = ()

    @property
    def state_digest(self) -> str:
        """SHA-256 over the state, in hex."""
        return digest_of_state(self.state)

    def document(self) -> dict[str, Json]:
        """The plan as JSON values; `plan_of` reads it back."""
        whole = asdict(self)
        return {"andon_plan": SHAPE, **whole, "made_at": self.made_at.isoformat(), "state_digest": self.state_digest}


SHAPE = 1
"""The shape of plan files."""


def digest_of_state(state: State) -> str:
    """SHA-256 over a state as canonical JSON, in hex."""
    return hashlib.sha256(json.dumps(state, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def moved(planned: State, present: State) -> list[Fault]:
    """The places whose value is not the planned one any more, each with both values."""
    places = [*planned, *(place for place in present if place not in planned)]
    return [
        Fault(place, f"was {shown(planned.get(place))}, is {shown(present.get(place))}")
        for place in places
        if planned.get(place) != present.get(place)
    ]


def apart(planned: Sequence[PlannedChange], found: Sequence[PlannedChange]) -> list[Fault]:
    """The changes that would be made otherwise than planned."""
    wanted, given = ({one.place: one.after for one in some} for some in (planned, found))
    places = [*wanted, *(place for place in given if place not in wanted)]
    return [
        Fault(place, f"planned {_aim(wanted, place)}, now it would become {_aim(given, place)}")
        for place in places
        if _aim(wanted, place) != _aim(given, place)
    ]


def _aim(changes: Mapping[str, Json], place: str) -> str:
    return shown(changes[place]) if place in changes else "no change"


def shown(value: Json) -> str:
    """A value for people."""
    if value is None:
        return "nothing"
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {shown(one)}" for name, one in value.items()) or "none"
    if isinstance(value, list | tuple):
        return "; ".join(map(shown, value)) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)
