"""Gate revisions and line states in force, as one process knows them.

A process refreshes them like its keys: at the start and whenever they are announced. That loads no model and needs no worker.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from andon import cord, gates
from andon.cord import ALL_AUTOMATIC, ALL_SUPERVISED, LineStates
from andon.decisions.domain import Risk
from andon.gates import GateRevision
from andon.kernel.db import Tx
from andon.serving import RiskGate


@dataclass(frozen=True, slots=True)
class Gate:
    """A risk gate with what it says of an uncertain and of a certain prediction: for the record, and as policies read it."""

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
        """The gate that held-out evidence gives."""
        return cls(gate.threshold, gate.target, revision)


@dataclass(frozen=True, slots=True)
class _Revised:
    """A gate and until when it holds."""

    gate: Gate
    revision: GateRevision


@dataclass(frozen=True, slots=True)
class Control:
    """The line states of one automation, the gate revisions of its arms, and its changed share of blind audits, if any."""

    states: LineStates = ALL_AUTOMATIC
    gates: Mapping[str, Sequence[_Revised]] = field(default_factory=dict)
    audit_share: float | None = None

    @property
    def automatic(self) -> "Control":
        """The same gates with every line automatic."""
        return Control(ALL_AUTOMATIC, self.gates, self.audit_share)

    def gate(self, arm: str, held_out: Gate, now: datetime) -> Gate:
        """The newest gate of an arm that has not expired at this moment; the one from held-out evidence if there is none."""
        for revised in self.gates.get(arm, ()):
            if revised.revision.holds(now):
                return revised.gate
        return held_out


UNCONTROLLED = Control()
"""No revision and no pulled cord: for replay of what was decided without, and for lines in memory."""

_UNKNOWN = Control(ALL_SUPERVISED)


class Controls:
    """A snapshot for all automations; without a known one every line is supervised until the first refresh.

    Safe to share between threads.
    """

    def __init__(self, known: Mapping[str, Control] | None = None) -> None:
        self._of = known

    def refresh(self, tx: Tx, now: datetime) -> None:
        """Take a new snapshot, in three queries."""
        states = cord.all_states(tx)
        revised: dict[str, dict[str, list[_Revised]]] = {}
        for one in sorted(gates.newest(tx, now), key=lambda revision: revision.revision, reverse=True):
            arms = revised.setdefault(one.automation, {})
            arms.setdefault(one.arm, []).append(_Revised(Gate(one.threshold, one.target, one.revision), one))
        shares = gates.audit_shares(tx)
        self._of = {
            name: Control(states.get(name, ALL_AUTOMATIC), revised.get(name, {}), shares.get(name))
            for name in states.keys() | revised.keys() | shares.keys()
        }

    @property
    def drills(self) -> tuple[str, ...]:
        """The drills whose segments this snapshot holds."""
        return tuple(drill for control in (self._of or {}).values() for drill in control.states.drills)

    def of(self, automation: str) -> Control:
        """Return the control of one automation."""
        return _UNKNOWN if self._of is None else self._of.get(automation, UNCONTROLLED)
