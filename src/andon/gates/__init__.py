"""Gates: revisions of the risk gate, one series for each arm and part of a line, kept as rows with their evidence."""

from andon.gates.domain import NOTHING, GateRevision, GateSegment, Origin
from andon.gates.errors import GateInvalid
from andon.gates.holding import LAPSE, WHOLE, ArmRevisions, Part, part_of
from andon.gates.published import GateRevised
from andon.gates.service import (
    ANNOUNCED,
    WIDER_HOLDS,
    ProvenGate,
    arm_revisions,
    ensure_held_out,
    in_force_of,
    living,
    narrow,
    page,
    prove,
)

__all__ = [
    "ANNOUNCED",
    "LAPSE",
    "NOTHING",
    "WHOLE",
    "WIDER_HOLDS",
    "ArmRevisions",
    "GateInvalid",
    "GateRevised",
    "GateRevision",
    "GateSegment",
    "Origin",
    "Part",
    "ProvenGate",
    "arm_revisions",
    "ensure_held_out",
    "in_force_of",
    "living",
    "narrow",
    "page",
    "part_of",
    "prove",
]
