"""Idempotency keys, compared with the recorded decisions that they lead to, which tie them to a leaf."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from hashlib import sha256

import msgspec

from andon.audit import Finding, Harm, Leaf
from andon.decisions.domain import KEYS_KEPT
from andon.decisions.store import keys
from andon.kernel.db import Tx


class _Line(msgspec.Struct):
    automation: str


class _Keyed(msgspec.Struct):
    input: msgspec.Raw
    line: _Line
    caller: str
    idempotency_key: str | None = None


class _Asked(msgspec.Struct):
    line: _Line
    caller: str
    asked_at: datetime
    idempotency_key: str | None = None


_KEYED = msgspec.json.Decoder(_Keyed)
_ASKED = msgspec.json.Decoder(_Asked)

_MARGIN = timedelta(hours=1)
"""A key this close to its end may be forgotten while the log is verified."""


class KeptKeys:
    """Finds keys that lead to a different decision than the one that used them.

    Use one object for each verification; it needs no leaves.
    """

    def check(self, tx: Tx, leaves: Sequence[Leaf]) -> Iterable[Finding]:
        """Return nothing: a leaf covers a key by the record, which `LedgerEvidence` compares."""
        del tx, leaves
        return ()

    def unclaimed(self, tx: Tx) -> Iterable[Finding]:
        """Find keys without a matching decision or waiting request, and keys of recent decisions that are gone.

        A key whose decision was requested differently is a finding as well.
        """
        for key in keys.stream(tx):
            if key.record is None and not key.waits:
                why = "no decision used this key, and no request waits with it"
                yield _finding(Harm.EVIDENCE_UNCLAIMED, why, key)
            elif key.record is not None and not _is_of(key, bytes(key.record)):
                yield _finding(Harm.EVIDENCE_EDITED, "it leads to the decision of a different request", key)
        for decision, record, since in keys.decided_without(tx, KEYS_KEPT - _MARGIN):
            made = _asked_in(record)
            if made is not None and made.idempotency_key is not None and made.asked_at > since:
                subject = f"idempotency_key:{made.line.automation}/{made.caller}/{made.idempotency_key}"
                why = (
                    f"decision {decision} used this key within {KEYS_KEPT.total_seconds() / 3600:.0f} hours, but "
                    "the key is gone"
                )
                yield Finding(Harm.EVIDENCE_MISSING, why, action="idempotency_keys", subject=subject)


def _asked_in(record: bytes) -> "_Asked | None":
    try:
        return _ASKED.decode(record)
    except msgspec.DecodeError:
        return None  # a record that was altered is found by its digest


def _is_of(key: keys.KeptKey, record: bytes) -> bool:
    try:
        made = _KEYED.decode(record)
    except msgspec.DecodeError:
        return True  # a record that was altered is found by its digest
    scopes = (f"{made.line.automation}/{made.caller}", f"{made.line.automation}/")
    if made.idempotency_key != key.key or key.scope not in scopes:
        return False
    return key.scope == scopes[1] or sha256(bytes(made.input)).digest() == bytes(key.digest)


def _finding(harm: Harm, message: str, key: keys.KeptKey) -> Finding:
    return Finding(harm, message, action="idempotency_keys", subject=f"idempotency_key:{key.scope}/{key.key}")
