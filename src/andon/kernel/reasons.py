"""The reason for an intervention, which people read in the audit log."""

import unicodedata

from andon.kernel.errors import Fault, Invalid

LONGEST = 2000
"""The longest reason, in characters."""

_UNSEEN = {"Cc", "Cf", "Cs"}
"""Unicode's categories of control characters, of format characters, and of halves of characters."""
_JOINERS = "\u200c\u200d"
"""The characters among them that some scripts and emoji need."""


class ReasonInvalid(Invalid):
    """A reason is required, as text for people: the audit log records it."""


def faults_of(reason: str) -> list[Fault]:
    """Return the faults of a reason; empty if it is valid."""
    fault = _fault_of(reason)
    return [] if fault is None else [Fault("reason", fault)]


def require(reason: str) -> str:
    """Return the reason without surrounding whitespace. Raises ReasonInvalid, which names the fault."""
    if faults := faults_of(reason):
        raise ReasonInvalid(faults[0].message, faults=faults)
    return reason.strip()


def _fault_of(reason: str) -> str | None:
    if not reason.strip():
        return "A reason is required: it is recorded in the audit log"
    if len(reason) > LONGEST:
        return f"A reason has at most {LONGEST} characters; this one has {len(reason)}"
    if any(unicodedata.category(c) in _UNSEEN and not c.isspace() and c not in _JOINERS for c in reason):
        return "A reason must be text that people can read: this one contains an invisible character"
    return None
