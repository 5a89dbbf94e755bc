"""SQL about idempotency keys: who used one first, for which input, and the decision that it has or waits for."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import delete, select, text

from andon.decisions.domain import DecisionRequest, Idempotency
from andon.decisions.tables import idempotency_keys, intake
from andon.kernel.db import Tx

_RESERVE = text("""
INSERT INTO idempotency_keys (scope, key, digest, decision_id, created_at)
SELECT * FROM unnest(
    CAST(:scopes AS text[]), CAST(:keys AS text[]), CAST(:digests AS bytea[]), CAST(:ids AS uuid[]),
    CAST(:times AS timestamptz[])
)
ON CONFLICT DO NOTHING RETURNING decision_id
""")

_USED = text("""
SELECT scope, key, digest, decision_id FROM idempotency_keys
WHERE (scope, key) IN (SELECT * FROM unnest(CAST(:scopes AS text[]), CAST(:keys AS text[])))
""")


def reserve(tx: Tx, requests: Sequence[DecisionRequest]) -> set[UUID]:
    """Take the keys of these requests; return the ids of those whose key was free. One without a key takes none.

    It goes in the order of the keys, so that two processes cannot wait for each other; the first of several requests
    with the same key gets it.
    """
    keyed = [
        (key.scope, key.key, key.digest, request.id, request.asked_at)
        for request in requests
        if (key := request.idempotency) is not None
    ]
    if not keyed:
        return set()
    keyed.sort(key=lambda row: row[:2])
    columns = zip(("scopes", "keys", "digests", "ids", "times"), zip(*keyed, strict=True), strict=True)
    return set(tx.execute(_RESERVE, {name: list(values) for name, values in columns}).scalars())


def used(tx: Tx, keys: Sequence[Idempotency]) -> dict[tuple[str, str], tuple[bytes, UUID]]:
    """Return the results of used keys, by scope and key.

    A result is the digest of the input that first used the key, and the id of its decision. Unused keys are left out.
    """
    wanted = {"scopes": [key.scope for key in keys], "keys": [key.key for key in keys]}
    return {(row.scope, row.key): (row.digest, row.decision_id) for row in tx.execute(_USED, wanted)}


def release(tx: Tx, key: Idempotency, holder: UUID) -> None:
    """Free a key again, if this request holds it."""
    c = idempotency_keys.c
    tx.execute(delete(idempotency_keys).where(c.scope == key.scope, c.key == key.key, c.decision_id == holder))


def forget(tx: Tx, before: datetime) -> int:
    """Delete keys older than `before`, except those of waiting requests; return how many."""
    c = idempotency_keys.c
    waits = select(intake.c.id).where(intake.c.id == c.decision_id)
    return tx.execute(delete(idempotency_keys).where(c.created_at < before, ~waits.exists())).rowcount


class KeptKey(NamedTuple):
    """A used key with the record of the decision it leads to, or whether a request waits with it."""

    scope: str
    key: str
    digest: bytes
    record: bytes | None
    waits: bool


_DECIDED_WITHOUT = text("""
SELECT d.id, d.record, now() - :kept FROM decisions AS d
WHERE d.decided_at > now() - :kept AND position(CAST('"idempotency_key":"' AS bytea) IN d.record) > 0
AND NOT EXISTS (SELECT FROM idempotency_keys AS k WHERE k.decision_id = d.id)
""")


def decided_without(tx: Tx, kept: timedelta) -> Iterator[tuple[UUID, bytes, datetime]]:
    """Yield decisions of the last `kept` that seem to name a missing key, and the moment `kept` ago."""
    rows = tx.execute(_DECIDED_WITHOUT, {"kept": kept}, execution_options={"stream_results": True, "yield_per": 1000})
    for identifier, record, since in rows:
        yield identifier, bytes(record), since


def stream(tx: Tx) -> Iterator[KeptKey]:
    """Yield all stored keys, from a server-side cursor."""
    query = text(
        "SELECT k.scope, k.key, k.digest, d.record, i.id IS NOT NULL AS waits FROM idempotency_keys AS k "
        "LEFT JOIN decisions AS d ON d.id = k.decision_id LEFT JOIN intake AS i ON i.id = k.decision_id"
    )
    for row in tx.execute(query, execution_options={"stream_results": True, "yield_per": 1000}):
        yield KeptKey(*row)
