"""Gates: revisions of the risk gate, one series an automation, kept as rows with their evidence; and shares of blind audits."""

from andon.gates.domain import GateRevision, Origin, in_force
from andon.gates.errors import GateInvalid
from andon.gates.published import AuditShareSet, GateRevised
from andon.gates.service import ANNOUNCED, ensure_held_out, in_force_of, narrow, newest, page
from andon.gates.shares import AuditShare
from andon.gates.sharing import audit_share_history, audit_share_of, audit_shares, set_audit_share

__all__ = [
    "ANNOUNCED",
    "AuditShare",
    "AuditShareSet",
    "GateInvalid",
    "GateRevised",
    "GateRevision",
    "Origin",
    "audit_share_history",
    "audit_share_of",
    "audit_shares",
    "ensure_held_out",
    "in_force",
    "in_force_of",
    "narrow",
    "newest",
    "page",
    "set_audit_share",
]
