"""Changing and reading the share of blind audits. Every change is audited, announced and published."""

from datetime import datetime

from andon import audit
from andon.gates import store
from andon.gates.published import AuditShareSet
from andon.gates.service import ANNOUNCED
from andon.gates.shares import AuditShare, check_share
from andon.gates.vouched import SHARES
from andon.kernel.db import Tx, announce
from andon.kernel.events import Events
from andon.kernel.identity import Actor


def set_audit_share(
    tx: Tx,
    automation: str,
    share: float,
    *,
    actor: Actor,
    reason: str,
    events: Events,
    now: datetime,
    least: float = 0.0,
    most: float = 1.0,
) -> AuditShare:
    """Change the share of blind audits. Lines keep it between the declared bounds. Raises AuditShareInvalid."""
    check_share(share, reason, least, most)
    store.hold(tx, automation)
    before = audit_share_of(tx, automation)
    made = AuditShare(automation, 1 if before is None else before.number + 1, share, actor.name, reason.strip(), now)
    store.add_share(tx, made)
    audit.record(
        tx,
        actor=actor,
        action="audit_share.set",
        subject=f"automation:{automation}",
        at=now,
        reason=made.reason,
        before=None if before is None else {"share": before.share},
        after={"share": share},
        rows=[SHARES.row(automation, made.number)],
    )
    share_before = None if before is None else before.share
    events.publish(tx, AuditShareSet(automation, share, share_before, made.by, made.reason, at=now))
    announce(tx, ANNOUNCED)
    return made


def audit_share_of(tx: Tx, automation: str) -> AuditShare | None:
    """Return the last change of one automation's share, or None."""
    return next(iter(store.audit_share_history(tx, automation, limit=1)), None)
