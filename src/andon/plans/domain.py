"""A plan as values: its changes, the affected automations, the needed approvals, and the state before. Pure."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, TypeAlias

from andon.decisions import ProofChange
from andon.kernel.errors import Fault

Json: TypeAlias = Any
"""A value that JSON can hold."""

State: TypeAlias = Mapping[str, Json]
"""The values in force by place, such as `automations.transfer-screening.policy` or `champions.fraud-risk`."""


@dataclass(frozen=True, slots=True)
class PlannedChange:
    """One value that changes. `detail` are lines for people, such as the difference of two policies."""

    place: str
    automation: str | None
    before: Json
    after: Json
    detail: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AffectedAutomation:
    """An automation that a plan changes: its recent decisions, and the automations that share its endpoint."""

    automation: str
    endpoint: str
    decisions: int
    automatic: int
    shared_with: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FlippedOutcomes:
    """The newest decisions of an automation, made again as planned: how many keep their outcome, and the others."""

    automation: str
    decisions: int
    same: int
    flips: Mapping[str, int]
    undecidable: int = 0


@dataclass(frozen=True, slots=True)
class NeededApproval:
    """A permission or an approval that a plan needs before it is applied."""

    what: str
    automation: str | None = None
    roles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AppliedPlan:
    """A configuration that was applied: its actor, time and reason, and its changes."""

    number: int
    at: datetime
    by: str
    reason: str
    state_digest: str
    changes: tuple[PlannedChange, ...]


@dataclass(frozen=True, slots=True)
class ChangePlan:
    """All changes that a configuration would make, and the state from which it was planned."""

    changes: tuple[PlannedChange, ...]
    state: State
    made_at: datetime
    made_by: str
    affected: tuple[AffectedAutomation, ...] = ()
    flipped: tuple[FlippedOutcomes, ...] = ()
    approvals: tuple[NeededApproval, ...] = ()
    proofs: tuple[ProofChange, ...] = ()

    @property
    def state_digest(self) -> str:
        """SHA-256 over the state, in hex."""
        return digest_of_state(self.state)

    def document(self) -> dict[str, Json]:
        """Write the plan as JSON values."""
        whole = asdict(self)
        return {"andon_plan": SHAPE, **whole, "made_at": self.made_at.isoformat(), "state_digest": self.state_digest}


SHAPE = 1
"""The version of the format of plan files."""


def digest_of_state(state: State) -> str:
    """Compute SHA-256 over a state as canonical JSON, in hex."""
    return hashlib.sha256(json.dumps(state, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def moved(planned: State, present: State) -> list[Fault]:
    """List the places whose value has changed since the plan, each with both values."""
    places = [*planned, *(place for place in present if place not in planned)]
    return [
        Fault(place, f"was {shown(planned.get(place))}, is {shown(present.get(place))}")
        for place in places
        if planned.get(place) != present.get(place)
    ]


def apart(planned: Sequence[PlannedChange], found: Sequence[PlannedChange]) -> list[Fault]:
    """List the changes that differ from the planned ones."""
    wanted, given = ({one.place: one.after for one in some} for some in (planned, found))
    places = [*wanted, *(place for place in given if place not in wanted)]
    return [
        Fault(place, f"planned {_aim(wanted, place)}, but it would now become {_aim(given, place)}")
        for place in places
        if _aim(wanted, place) != _aim(given, place)
    ]


def _aim(changes: Mapping[str, Json], place: str) -> str:
    return shown(changes[place]) if place in changes else "no change"


def shown(value: Json) -> str:
    """Write a value for people."""
    if value is None:
        return "nothing"
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {shown(one)}" for name, one in value.items()) or "none"
    if isinstance(value, list | tuple):
        return "; ".join(map(shown, value)) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)
