"""Routes of the audit log: read it, see how far it is sealed, verify it."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from andon import audit
from andon.access import Permission
from andon.audit import AuditEntry, Checkpoint, Harm, Verification, VerificationStatus
from andon.gateway.dependencies import Caller, Db, Now, Parts

router = APIRouter(prefix="/v1/audit", tags=["audit"])

_CURSOR = "^[0-9a-f]{32}[.][0-9]{1,18}$"


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
    """The size of the log, and how much of it no checkpoint holds yet."""

    checkpoint: CheckpointOut | None
    chains: int
    entries: int
    unsealed: int


class VerifyIn(BaseModel):
    """The checkpoint that must still be in the log."""

    model_config = ConfigDict(extra="forbid")

    anchor: str | None = Field(
        None,
        max_length=100,
        description="The hash of a checkpoint, noted earlier.",
        json_schema_extra={"pattern": "^[0-9a-fA-F]{64}$"},
    )


class FindingOut(BaseModel):
    """One problem that was found, and its place."""

    harm: Harm
    message: str
    writer: UUID | None
    seq: int | None
    checkpoint: int | None
    action: str | None
    subject: str | None


class ReportOut(BaseModel):
    """The report of a verification; `findings` holds the first thousand of `found`."""

    ok: bool
    entries: int
    read: int
    chains: int
    checkpoints: int
    unsealed: int
    head: CheckpointOut | None
    found: int
    findings: list[FindingOut]


class VerificationOut(BaseModel):
    """A requested verification: its progress and, once it has ended, its report."""

    id: UUID
    status: VerificationStatus
    asked_by: str
    asked_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    entries_read: int
    report: ReportOut | None
    error: str | None


_UNDER_WAY: dict[int | str, dict[str, Any]] = {
    202: {"model": VerificationOut, "description": "It has not ended yet; ask again."}
}


@router.get("/entries", operation_id="list_audit_entries")
async def entries(
    caller: Caller,
    gateway: Parts,
    actor: Annotated[str | None, Query(max_length=200)] = None,
    action: Annotated[str | None, Query(max_length=200, description="A prefix, such as `model.`.")] = None,
    subject: Annotated[str | None, Query(max_length=500)] = None,
    decisions: Annotated[bool, Query(description="Whether to include the recorded groups of decisions.")] = False,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    before: Annotated[str | None, Query(max_length=100, json_schema_extra={"pattern": _CURSOR})] = None,
) -> EntriesOut:
    """List the entries of the log, newest first."""
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


@router.get("/head", operation_id="get_audit_head")
def head(caller: Caller, db: Db) -> HeadOut:
    """Show the size of the log and how far it is sealed."""
    caller.require(Permission.READ_AUDIT, None)
    with db.begin() as tx:
        standing = audit.head(tx)
    return HeadOut(
        checkpoint=_checkpoint(standing.checkpoint),
        chains=standing.chains,
        entries=standing.entries,
        unsealed=standing.unsealed,
    )


@router.post("/verify", status_code=202, operation_id="verify_audit")
def verify(caller: Caller, db: Db, wanted: VerifyIn, now: Now, response: Response) -> VerificationOut:
    """Have a worker verify the whole log and the decisions it vouches for. `Location` is the address of the report.

    While a verification with the same anchor is under way, it is returned and no other is started.
    """
    caller.require(Permission.VERIFY_AUDIT, None)
    anchor = None if wanted.anchor is None else audit.anchor_of(wanted.anchor)
    with db.begin() as tx:
        asked = audit.ask_for_verification(tx, asked_by=caller.name, anchor=anchor, now=now)
    response.headers["Location"] = f"/v1/audit/verifications/{asked.id}"
    response.headers["Retry-After"] = "1"
    return _verification(asked)


@router.get("/verifications/{verification_id}", operation_id="get_verification", responses=_UNDER_WAY)
def verification(caller: Caller, db: Db, verification_id: UUID, response: Response) -> VerificationOut:
    """Show a verification: 202 until it has ended, then with its report or the error that ended it."""
    caller.require(Permission.VERIFY_AUDIT, None)
    with db.begin() as tx:
        found = audit.get_verification(tx, verification_id)
    if found.ended_at is None:
        response.status_code = 202
        response.headers["Retry-After"] = "1"
    return _verification(found)


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


def _verification(asked: Verification) -> VerificationOut:
    return VerificationOut(
        id=asked.id,
        status=asked.status,
        asked_by=asked.asked_by,
        asked_at=asked.asked_at,
        started_at=asked.started_at,
        ended_at=asked.ended_at,
        entries_read=asked.entries_read,
        report=None if asked.report is None else ReportOut.model_validate(asked.report),
        error=asked.error,
    )
