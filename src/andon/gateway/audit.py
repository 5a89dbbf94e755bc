"""The audit log: read it, see how far it is sealed, verify it."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from andon import audit
from andon.access import Permission
from andon.audit import AuditEntry, Checkpoint, Finding, Harm
from andon.decisions import RECORDED, LedgerEvidence
from andon.gateway.dependencies import Caller, Db, Parts

router = APIRouter(prefix="/v1/audit", tags=["audit"])


class AuditEntryOut(BaseModel):
    """Who did what to which subject, when and why."""

    at: datetime
    actor: str
    action: str
    subject: str
    reason: str | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    writer: UUID
    seq: int
    hash: str


class EntriesOut(BaseModel):
    """A page of entries, newest first; `next` is the `before` of the following page."""

    entries: list[AuditEntryOut]
    next: str | None


class CheckpointOut(BaseModel):
    """A checkpoint. Its hash, noted elsewhere, is an anchor: `verify` later proves that the log still holds it."""

    number: int
    hash: str
    at: datetime
    chains: int
    entries: int


class HeadOut(BaseModel):
    """How far the log has grown, and how much no checkpoint holds yet."""

    checkpoint: CheckpointOut | None
    chains: int
    entries: int
    unsealed: int


class VerifyIn(BaseModel):
    """What must still be in the log."""

    model_config = ConfigDict(extra="forbid")

    anchor: str | None = Field(None, max_length=100, description="The hash of a checkpoint, noted earlier.")


class FindingOut(BaseModel):
    """One thing that is wrong, and where."""

    harm: Harm
    message: str
    writer: UUID | None
    seq: int | None
    checkpoint: int | None
    action: str | None
    subject: str | None


class ReportOut(BaseModel):
    """What a verification saw; `findings` holds the first thousand of `found`."""

    ok: bool
    entries: int
    chains: int
    checkpoints: int
    unsealed: int
    head: CheckpointOut | None
    found: int
    findings: list[FindingOut]


@router.get("/entries")
async def entries(
    caller: Caller,
    gateway: Parts,
    actor: Annotated[str | None, Query(max_length=200)] = None,
    action: Annotated[str | None, Query(max_length=200, description="What the action begins with.")] = None,
    subject: Annotated[str | None, Query(max_length=500)] = None,
    decisions: Annotated[bool, Query(description="Also the groups of decisions that were recorded.")] = False,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    before: Annotated[str | None, Query(max_length=100)] = None,
) -> EntriesOut:
    """Entries of the log, newest first."""
    caller.require(Permission.READ_AUDIT, None)
    found = await gateway.searches.run(
        lambda tx: audit.page(
            tx,
            actor=actor,
            action=action,
            subject=subject,
            changes_only=not decisions,
            limit=limit,
            before=before,
        )
    )
    return EntriesOut(
        entries=[_entry(entry) for entry in found], next=found[-1].cursor if len(found) == limit else None
    )


@router.get("/head")
def head(caller: Caller, db: Db) -> HeadOut:
    """How far the log has grown and is sealed."""
    caller.require(Permission.READ_AUDIT, None)
    with db.begin() as tx:
        standing = audit.head(tx)
    return HeadOut(
        checkpoint=_checkpoint(standing.checkpoint),
        chains=standing.chains,
        entries=standing.entries,
        unsealed=standing.unsealed,
    )


@router.post("/verify")
def verify(caller: Caller, db: Db, wanted: VerifyIn) -> ReportOut:
    """Go over the whole log and the decisions it vouches for. Takes a second for some ten thousand; one at a time."""
    caller.require(Permission.VERIFY_AUDIT, None)
    anchor = None if wanted.anchor is None else audit.anchor_of(wanted.anchor)
    with db.snapshot() as tx:
        report = audit.verify(tx, evidence={RECORDED: LedgerEvidence()}, anchor=anchor)
    return ReportOut(
        ok=report.ok,
        entries=report.entries,
        chains=report.chains,
        checkpoints=report.checkpoints,
        unsealed=report.unsealed,
        head=_checkpoint(report.head),
        found=report.found,
        findings=[_finding(finding) for finding in report.findings],
    )


def _entry(entry: AuditEntry) -> AuditEntryOut:
    leaf = entry.leaf
    return AuditEntryOut(
        at=leaf.at,
        actor=leaf.actor,
        action=leaf.action,
        subject=leaf.subject,
        reason=entry.reason,
        before=None if entry.before is None else dict(entry.before),
        after=None if entry.after is None else dict(entry.after),
        writer=leaf.writer,
        seq=leaf.seq,
        hash=leaf.hash.hex(),
    )


def _checkpoint(checkpoint: Checkpoint | None) -> CheckpointOut | None:
    if checkpoint is None:
        return None
    return CheckpointOut(
        number=checkpoint.number,
        hash=checkpoint.hash.hex(),
        at=checkpoint.at,
        chains=checkpoint.chains,
        entries=checkpoint.entries,
    )


def _finding(finding: Finding) -> FindingOut:
    return FindingOut(
        harm=finding.harm,
        message=finding.message,
        writer=finding.writer,
        seq=finding.seq,
        checkpoint=finding.checkpoint,
        action=finding.action,
        subject=finding.subject,
    )
