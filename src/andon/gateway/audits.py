"""Routes of blind audits: the share of automatic decisions that is drawn, and the verdicts on them."""

from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from andon import decisions, gates, reviews
from andon.access import Permission
from andon.decisions import AuditsInForce
from andon.gates import AuditShare
from andon.gateway.dependencies import Bus, Caller, Db, Now
from andon.gateway.reasons import Reason
from andon.reviews import AuditCounts

router = APIRouter(prefix="/v1/automations", tags=["gates"])


class ShareChange(BaseModel):
    """One change of the share."""

    share: float
    by: str
    reason: str
    at: datetime


class AuditShareOut(BaseModel):
    """The share in force, the declared share and its bounds, and the counts of blind verdicts."""

    share: float = Field(description="The share of automatic decisions that is drawn now.")
    declared: float
    least: float
    most: float
    changed: ShareChange | None = Field(description="The last change; null while the share is as declared.")
    agreed: int = Field(description="Blind verdicts that agreed with the line.")
    disagreed: int = Field(description="Blind verdicts that disagreed with the line.")


class AuditShareIn(BaseModel):
    """The share from now on, within the declared bounds."""

    model_config = ConfigDict(extra="forbid")

    share: float = Field(gt=0, le=1)
    reason: Reason


@router.get("/{name}/audit-share", operation_id="get_audit_share")
def show(name: str, caller: Caller, db: Db) -> AuditShareOut:
    """Show the share of blind audits in force, and how often they agreed with the line."""
    caller.require(Permission.READ_AUTOMATIONS, name)
    with db.begin() as tx:
        return _shown(decisions.audits_of(tx, name), reviews.audit_counts(tx, name).get(name, AuditCounts()))


@router.post("/{name}/audit-share", operation_id="change_audit_share")
def change(name: str, wanted: AuditShareIn, caller: Caller, db: Db, now: Now, bus: Bus) -> AuditShareOut:
    """Change the share of blind audits. Gateways follow within a second."""
    caller.require(Permission.SET_AUDIT_SHARE, name)
    with db.begin() as tx:
        declared = decisions.audits_of(tx, name).declared
        gates.set_audit_share(
            tx,
            name,
            wanted.share,
            actor=caller.actor,
            reason=wanted.reason,
            events=bus,
            now=now,
            least=declared.lowest,
            most=declared.highest,
        )
        return _shown(decisions.audits_of(tx, name), reviews.audit_counts(tx, name).get(name, AuditCounts()))


def _shown(audits: AuditsInForce, counts: AuditCounts) -> AuditShareOut:
    declared = audits.declared
    return AuditShareOut(
        share=audits.share,
        declared=declared.share,
        least=declared.lowest,
        most=declared.highest,
        changed=None if audits.changed is None else _change(audits.changed),
        agreed=counts.agreed,
        disagreed=counts.disagreed,
    )


def _change(made: AuditShare) -> ShareChange:
    return ShareChange(share=made.share, by=made.by, reason=made.reason, at=made.at)
