"""Gate revisions, line states and traffic leases in force, as one process knows them.

A process refreshes them like its keys: at the start and whenever a change is announced. A refresh loads no model and
needs no worker, because the values after an expiry are known beforehand.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

from pydantic_core import to_jsonable_python

from andon import cord, gates, serving
from andon.cord import ALL_AUTOMATIC, ALL_SUPERVISED, LineStates
from andon.decisions.domain import Risk
from andon.gates import WHOLE, ArmRevisions, Part
from andon.kernel.db import Tx
from andon.serving import RiskGate, TrafficLease


@dataclass(frozen=True, slots=True)
class Gate:
    """A risk gate and its verdicts on an uncertain and a certain prediction.

    `risks` holds the verdicts as they are recorded, `facts` as policies read them.
    """

    threshold: float
    target: float
    revision: int = 0
    risks: tuple[Risk, Risk] = field(init=False, compare=False, repr=False)
    facts: tuple[Mapping[str, Any], Mapping[str, Any]] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        risks = tuple(Risk(certain, self.threshold, self.target, self.revision) for certain in (False, True))
        facts = tuple({"certain": r.certain, "threshold": r.threshold, "target": r.target} for r in risks)
        object.__setattr__(self, "risks", risks)
        object.__setattr__(self, "facts", facts)

    @classmethod
    def of(cls, gate: RiskGate, revision: int = 0) -> "Gate":
        """Return the gate from held-out evidence."""
        return cls(gate.threshold, gate.target, revision)


Schedule: TypeAlias = Sequence[tuple[datetime | None, Gate]]
"""Consecutive gates, each with the moment at which the next one takes over; None for the last."""


@dataclass(frozen=True, slots=True)
class PartGates:
    """The gates of an arm that has more than one: by the values of a field, and by predicted class."""

    field: str | None
    values: frozenset[Any]
    classes: frozenset[str]
    by_part: Mapping[Part, Schedule]

    def of(self, given: Mapping[str, Any], predicted: str | None, now: datetime) -> Gate:
        """Return the gate of one row at this moment."""
        value = None if self.field is None else _plain(given.get(self.field))
        own = predicted if predicted is not None and predicted in self.classes else ""
        return _at(self.by_part[value if value in self.values else None, own], now)


@dataclass(frozen=True, slots=True)
class ArmGates:
    """The gates of one arm, now and after each expiry. `parts` is None if one gate holds for the whole line."""

    whole: Schedule
    parts: PartGates | None = None

    @classmethod
    def of(cls, there: ArmRevisions, now: datetime) -> "ArmGates | None":
        """Return the gates now and after each expiry; None while no revision from held-out evidence is kept."""
        by_part = {part: _schedule(there, part, now) for part in there.parts}
        if not all(by_part.values()):
            return None
        if by_part.keys() == {WHOLE}:
            return cls(by_part[WHOLE])
        values = frozenset(value for value, _ in by_part if value is not None)
        return cls(by_part[WHOLE], PartGates(there.field, values, frozenset(there.classes), by_part))


@dataclass(frozen=True, slots=True)
class Control:
    """What controls one automation: line states, the gates of its arms, a changed audit share, a traffic lease.

    `audit_share` and `lease` are None if there is none.
    """

    states: LineStates = ALL_AUTOMATIC
    gates: Mapping[str, ArmGates] = field(default_factory=dict)
    audit_share: float | None = None
    lease: TrafficLease | None = None

    @property
    def automatic(self) -> "Control":
        """Return the same gates with every line automatic."""
        return Control(ALL_AUTOMATIC, self.gates, self.audit_share, self.lease)

    def withdraws(self, split: int, now: datetime) -> bool:
        """Return whether the candidates of a split must get no traffic because no worker watches them any more."""
        return self.lease is not None and self.lease.is_over(split, now)

    def gate(self, arm: str, held_out: Gate, now: datetime) -> Gate:
        """Return the gate of a whole arm now; the one from held-out evidence if no revision is kept."""
        known = self.gates.get(arm)
        return held_out if known is None else _at(known.whole, now)

    def parts(self, arm: str) -> PartGates | None:
        """Return the gates of the parts of an arm; None if one gate holds for all of it."""
        known = self.gates.get(arm)
        return None if known is None else known.parts


UNCONTROLLED = Control()
"""No revision and no pulled cord: for lines in memory, and for replay of decisions made without them."""

_UNKNOWN = Control(ALL_SUPERVISED)


class Controls:
    """A snapshot for all automations. Without an initial one, every line is supervised until the first refresh.

    Safe to share between threads.
    """

    def __init__(self, known: Mapping[str, Control] | None = None) -> None:
        self._of = known

    def refresh(self, tx: Tx, now: datetime) -> None:
        """Take a new snapshot. A line whose gates or states contradict the audit log is supervised."""
        states, living, shares = cord.all_states(tx), gates.living(tx, now), gates.audit_shares(tx)
        leases = serving.leases(tx)
        arms = {
            name: {arm: known for arm, one in some.items() if (known := ArmGates.of(one, now)) is not None}
            for name, some in living.items()
        }
        controls = {
            name: Control(states.get(name, ALL_AUTOMATIC), arms.get(name, {}), shares.get(name), leases.get(name))
            for name in states.keys() | arms.keys() | shares.keys() | leases.keys()
        }
        self._of = {**controls, **dict.fromkeys(gates.doubted(tx, now) | cord.doubted(tx), _UNKNOWN)}

    @property
    def drills(self) -> tuple[str, ...]:
        """The drills whose segments this snapshot holds."""
        return tuple(drill for control in (self._of or {}).values() for drill in control.states.drills)

    def of(self, automation: str) -> Control:
        """Return the control of one automation."""
        return _UNKNOWN if self._of is None else self._of.get(automation, UNCONTROLLED)


def _at(schedule: Schedule, now: datetime) -> Gate:
    for until, gate in schedule:
        if until is None or now < until:
            return gate
    return schedule[-1][1]


def _schedule(there: ArmRevisions, part: Part, now: datetime) -> Schedule:
    """Return the gates of one part from now on; empty if none is known."""
    moments = [now, *there.moments(part, now)]
    revisions = [there.in_force(part, moment) for moment in moments]
    ends: list[datetime | None] = [*moments[1:], None]
    found = [(end, one) for end, one in zip(ends, revisions, strict=True) if one is not None]
    return [(end, Gate(one.threshold, one.target, one.revision)) for end, one in found]


def _plain(value: Any) -> Any:
    """Return a value of the contract as in JSON; None if it cannot name a part of a line."""
    if isinstance(value, str | int | float):
        return value
    plain = to_jsonable_python(value)
    return plain if isinstance(plain, str | int | float) else None
