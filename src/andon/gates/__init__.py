"""Gates: revisions of the risk gate, one series an automation, kept as rows with their evidence."""

from andon.gates.domain import GateRevision, Origin, in_force
from andon.gates.errors import GateInvalid
from andon.gates.published import GateRevised
from andon.gates.service import ANNOUNCED, ensure_held_out, in_force_of, narrow, newest, page

__all__ = [
    "ANNOUNCED",
    "GateInvalid",
    "GateRevised",
    "GateRevision",
    "Origin",
    "ensure_held_out",
    "in_force",
    "in_force_of",
    "narrow",
    "newest",
    "page",
]
