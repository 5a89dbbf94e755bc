"""Blind audits as an automation declares them, kept with its version; and the share in force."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from andon import gates
from andon.authoring import Automation, BlindAudit
from andon.decisions.domain import AutomationVersion
from andon.decisions.errors import AuditsNotDeclared, AutomationNotFound
from andon.decisions.truth import version_in_force
from andon.gates import AuditShare
from andon.kernel.db import Tx


@dataclass(frozen=True, slots=True)
class AuditsInForce:
    """The declared audits, and the last change of their share, if there was one."""

    declared: BlindAudit
    changed: AuditShare | None

    @property
    def share(self) -> float:
        """The share of the automatic decisions that are drawn."""
        return self.declared.in_force(None if self.changed is None else self.changed.share)


def described_audit(automation: Automation) -> dict[str, Any]:
    """Describe the audits for the automation's version.

    The result is empty if none are declared, so that old versions keep their digest.
    """
    audit = automation.audit
    if audit is None:
        return {}
    return {
        "audit": {
            "share": audit.share,
            "least": audit.lowest,
            "most": audit.highest,
            "queue": audit.queue,
            "due_seconds": audit.due.total_seconds(),
        }
    }


def audits_of(tx: Tx, automation: str) -> AuditsInForce:
    """Return an automation's audits, read from its released version.

    Raises AutomationNotFound, AuditsNotDeclared.
    """
    in_force = version_in_force(tx, automation)
    if in_force is None:
        raise AutomationNotFound(f"No automation {automation!r} was ever deployed")
    declared = declared_audit(in_force)
    if declared is None:
        raise AuditsNotDeclared(f"{automation} declares no blind audits: Automation(..., audit=BlindAudit(0.02))")
    return AuditsInForce(declared, gates.audit_share_of(tx, automation))


def declared_audit(deployed: AutomationVersion) -> BlindAudit | None:
    """Return the audits that a version was deployed with, or None."""
    kept: Mapping[str, Any] | None = deployed.description.get("audit")
    if kept is None:
        return None
    due = timedelta(seconds=kept["due_seconds"])
    return BlindAudit(kept["share"], kept["least"], kept["most"], kept["queue"], due)
