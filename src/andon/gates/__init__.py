"""Gates: revisions of the risk gate with their evidence, and shares of blind audits.

There is one series of revisions for each arm and part of a line.
"""

from andon.gates.candidates import ensure_given, give, require_proven, take_over
from andon.gates.domain import NOTHING, GateRevision, GateSegment, Origin, shown_part
from andon.gates.errors import AuditShareInvalid, GateInvalid
from andon.gates.holding import LAPSE, WHOLE, ArmRevisions, Part, part_of, segment_of_part
from andon.gates.published import AuditShareSet, GateRevised
from andon.gates.service import (
    ANNOUNCED,
    WIDER_HOLDS,
    ProvenGate,
    arm_revisions,
    as_of,
    doubted,
    ensure_held_out,
    in_force_by_arm,
    living,
    narrow,
    prove,
)
from andon.gates.shares import AuditShare
from andon.gates.sharing import audit_share_of, set_audit_share
from andon.gates.store import (
    audit_share_history,
    audit_shares,
    held_out_table,
    hold,
    made_between,
    made_by_people,
    page,
)

__all__ = [
    "ANNOUNCED",
    "LAPSE",
    "NOTHING",
    "WHOLE",
    "WIDER_HOLDS",
    "ArmRevisions",
    "AuditShare",
    "AuditShareInvalid",
    "AuditShareSet",
    "GateInvalid",
    "GateRevised",
    "GateRevision",
    "GateSegment",
    "Origin",
    "Part",
    "ProvenGate",
    "arm_revisions",
    "as_of",
    "audit_share_history",
    "audit_share_of",
    "audit_shares",
    "doubted",
    "ensure_given",
    "ensure_held_out",
    "give",
    "held_out_table",
    "hold",
    "in_force_by_arm",
    "living",
    "made_between",
    "made_by_people",
    "narrow",
    "page",
    "part_of",
    "prove",
    "require_proven",
    "segment_of_part",
    "set_audit_share",
    "shown_part",
    "take_over",
]
