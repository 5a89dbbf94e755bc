"""The audit log: who did what and why, append-only and hash-linked, so that what was altered shows.

Changes by `record`, in the caller's transaction; decisions by a `Chain` a process; `seal` links all chains into a checkpoint
every few seconds; `verify` finds what was done to it. Start reading at `encoding.py`: it says what is hashed.
"""

from andon.audit.chain import Chain
from andon.audit.domain import (
    CONTROL,
    AuditEntry,
    ChainHead,
    Checkpoint,
    Finding,
    Harm,
    Leaf,
    LogStanding,
    Report,
    Verified,
    anchor_of,
)
from andon.audit.encoding import hash_of
from andon.audit.errors import AnchorInvalid, CursorInvalid, EntryInvalid, VerificationRunning, VerifiedInvalid
from andon.audit.ports import Evidence
from andon.audit.refusing import RowsDoubted, tell_refused
from andon.audit.rows import RowKind, RowName
from andon.audit.service import adopt, head, page, record, seal, verify
from andon.audit.store import COLUMNS, insert_sql, place_sql, values_of
from andon.audit.verified import read as read_verified
from andon.audit.verified import sign as sign_verified
from andon.audit.vouching import doubts

__all__ = [
    "COLUMNS",
    "CONTROL",
    "AnchorInvalid",
    "AuditEntry",
    "Chain",
    "ChainHead",
    "Checkpoint",
    "CursorInvalid",
    "EntryInvalid",
    "Evidence",
    "Finding",
    "Harm",
    "Leaf",
    "LogStanding",
    "Report",
    "RowKind",
    "RowName",
    "RowsDoubted",
    "VerificationRunning",
    "Verified",
    "VerifiedInvalid",
    "adopt",
    "anchor_of",
    "doubts",
    "hash_of",
    "head",
    "insert_sql",
    "page",
    "place_sql",
    "read_verified",
    "record",
    "seal",
    "sign_verified",
    "tell_refused",
    "values_of",
    "verify",
]
