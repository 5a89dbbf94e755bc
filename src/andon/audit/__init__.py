"""The audit log: who did what and why, append-only and hash-linked, so that every alteration shows.

`record` writes changes in the caller's transaction; each process writes its decisions with a `Chain`; `seal` links all
chains into a checkpoint every few seconds; `verify` finds alterations. Start reading at `encoding.py`, which defines
what is hashed.
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
    Verification,
    VerificationStatus,
    Verified,
    anchor_of,
)
from andon.audit.encoding import hash_of
from andon.audit.errors import (
    AnchorInvalid,
    CursorInvalid,
    EntryInvalid,
    TooManyVerifications,
    VerificationNotFound,
    VerificationRunning,
    VerifiedInvalid,
)
from andon.audit.ports import AddsUp, Evidence
from andon.audit.refusing import RowsDoubted, tell_refused
from andon.audit.rows import RowKind, RowName
from andon.audit.service import adopt, head, page, record, seal, verify
from andon.audit.store import COLUMNS, insert_sql, place_sql, values_of
from andon.audit.store.verifications import OPEN_SQL
from andon.audit.verified import read as read_verified
from andon.audit.verified import sign as sign_verified
from andon.audit.verifying import Verifier, ask_for_verification, get_verification, report_document
from andon.audit.vouching import doubts

__all__ = [
    "COLUMNS",
    "CONTROL",
    "OPEN_SQL",
    "AddsUp",
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
    "TooManyVerifications",
    "Verification",
    "VerificationNotFound",
    "VerificationRunning",
    "VerificationStatus",
    "Verified",
    "VerifiedInvalid",
    "Verifier",
    "adopt",
    "anchor_of",
    "ask_for_verification",
    "doubts",
    "get_verification",
    "hash_of",
    "head",
    "insert_sql",
    "page",
    "place_sql",
    "read_verified",
    "record",
    "report_document",
    "seal",
    "sign_verified",
    "tell_refused",
    "values_of",
    "verify",
]
