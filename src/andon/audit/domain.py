"""Types of the audit log: leaves in one chain a writer, and checkpoints over all chains. Pure, no database."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from andon.audit.errors import AnchorInvalid

CONTROL = UUID(int=0)
"""The writer of the one chain that holds every change a person or the platform makes (all but decisions)."""

NO_HASH = bytes(32)
"""What the first leaf of a chain, and the first checkpoint, give as the hash before them."""

SHOWN = 1000
"""A report lists this many findings; more are only counted."""


_ANCHOR = re.compile(r"[0-9a-fA-F]{64}")


@dataclass(frozen=True, slots=True)
class Leaf:
    """One stored link of one writer's chain. `body` is JSON in the control chain; elsewhere the action defines it."""

    writer: UUID
    seq: int
    prev_hash: bytes
    hash: bytes
    at: datetime
    actor: str
    action: str
    subject: str
    body: bytes


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """A leaf as people read it: who did what to which subject and why, with what it was before and after."""

    leaf: Leaf
    reason: str | None
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None

    @property
    def cursor(self) -> str:
        """Where a page that ends with this entry goes on."""
        return f"{self.leaf.writer.hex}.{self.leaf.seq}"


def anchor_of(text: str) -> bytes:
    """Return the hash of a checkpoint, noted elsewhere as 64 hexadecimal digits. Raises AnchorInvalid."""
    if not _ANCHOR.fullmatch(text.strip()):
        raise AnchorInvalid
    return bytes.fromhex(text.strip())


def entry_of(leaf: Leaf) -> AuditEntry:
    """Read a leaf. A body that was tampered with until it is no JSON reads as empty: only `verify` judges."""
    if leaf.writer != CONTROL:
        return AuditEntry(leaf, None, None, None)
    try:
        change = json.loads(leaf.body)
        return AuditEntry(leaf, change["reason"], change["before"], change["after"])
    except (ValueError, KeyError, TypeError):
        return AuditEntry(leaf, None, None, None)


@dataclass(frozen=True, slots=True)
class ChainHead:
    """How far one chain had grown: its last sequence number and the hash there."""

    writer: UUID
    seq: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The heads of the chains that grew since the last checkpoint, and the number of chains and leaves in all."""

    number: int
    prev_hash: bytes
    hash: bytes
    at: datetime
    chains: int
    entries: int
    heads: tuple[ChainHead, ...]


@dataclass(frozen=True, slots=True)
class LogStanding:
    """How far the log has grown, and how much of it no checkpoint holds yet."""

    checkpoint: Checkpoint | None
    chains: int
    entries: int
    unsealed: int


@dataclass(frozen=True, slots=True)
class CheckpointClaim:
    """What one checkpoint says about one chain."""

    checkpoint: int
    head: ChainHead


@dataclass(frozen=True, slots=True)
class Tip:
    """Where the control chain or the checkpoints end, noted apart from them, so that cutting off the end shows."""

    seq: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Verified:
    """The state of a verification: the checkpoint it reached, the heads of the chains there, the rows in leaves."""

    checkpoint: int
    hash: bytes
    chains: int
    entries: int
    heads: Mapping[UUID, ChainHead]
    rows: Mapping[str, int]
    """By action, of the evidence that counts rows."""
    totals: Mapping[str, Any] = field(default_factory=dict)
    """By action, of the evidence that adds up."""


class Harm(StrEnum):
    """The kinds of damage to the log, or to the rows it vouches for."""

    EDITED = "edited"
    MISSING = "missing"
    INSERTED = "inserted"
    BROKEN = "broken link"
    REPLACED = "replaced"
    TRUNCATED = "truncated"
    CHAIN_MISSING = "chain missing"
    CHECKPOINT_EDITED = "checkpoint edited"
    CHECKPOINT_MISSING = "checkpoint missing"
    ANCHOR_MISSING = "anchor missing"
    EVIDENCE_EDITED = "evidence edited"
    EVIDENCE_MISSING = "evidence missing"
    EVIDENCE_UNCLAIMED = "evidence unclaimed"


@dataclass(frozen=True, slots=True)
class Finding:
    """One defect and its place: a chain (`writer`, `seq`), a checkpoint, or a row of another slice (`subject`)."""

    harm: Harm
    message: str
    writer: UUID | None = None
    seq: int | None = None
    checkpoint: int | None = None
    action: str | None = None
    subject: str | None = None


class VerificationStatus(StrEnum):
    """The progress of a verification."""

    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Verification:
    """A verification that somebody asked for; `report` is there once it is done, `error` if it never will be."""

    id: UUID
    asked_by: str
    anchor: bytes | None
    asked_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    attempts: int
    entries_read: int
    report: Mapping[str, Any] | None
    error: str | None

    @property
    def status(self) -> VerificationStatus:
        """How far it is."""
        if self.ended_at is not None:
            return VerificationStatus.FAILED if self.report is None else VerificationStatus.DONE
        return VerificationStatus.RUNNING if self.attempts else VerificationStatus.PENDING


@dataclass(frozen=True, slots=True)
class Report:
    """What a verification saw. `found` counts all findings; `findings` are the first of them, at most SHOWN."""

    entries: int
    chains: int
    checkpoints: int
    unsealed: int
    head: Checkpoint | None
    found: int
    findings: tuple[Finding, ...]
    verified: Verified | None = None
    """From where the next verification may go on; None if something is wrong, or nothing was sealed."""
    read: int = 0
    """Entries that were read, where an incremental verification passed over those that were verified before."""

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return self.found == 0
