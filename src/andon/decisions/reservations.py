"""What a request may be decided for only once: its key, and its row in the intake. Taken in the transaction that records the decision."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from andon.decisions.domain import DecisionRequest, Idempotency
from andon.kernel.statements import Statement

RESERVE = """
WITH wanted AS (
    SELECT * FROM unnest($1::text[], $2::text[], $3::bytea[], $4::uuid[], $5::timestamptz[])
        AS w(scope, key, digest, decision_id, created_at)
), new AS (
    INSERT INTO idempotency_keys (scope, key, digest, decision_id, created_at) SELECT * FROM wanted
    ON CONFLICT DO NOTHING RETURNING decision_id
)
SELECT decision_id FROM new UNION ALL SELECT decision_id FROM wanted JOIN idempotency_keys USING (scope, key, decision_id)
"""
"""Whose the keys are now: those that were free, and those that were reserved for the same request when it was accepted."""

RESERVE_ALL = """
INSERT INTO idempotency_keys (scope, key, digest, decision_id, created_at)
SELECT k.*, $5::timestamptz FROM unnest($1::text[], $2::text[], $3::bytea[], $4::uuid[]) AS k
"""
"""Fails if one of the keys was used before."""

USED = """
SELECT scope, key FROM idempotency_keys WHERE (scope, key) IN (SELECT * FROM unnest($1::text[], $2::text[]))
"""

TAKE_FROM_INTAKE = "DELETE FROM intake WHERE id = ANY($1::uuid[]) RETURNING id"


async def used(connection: asyncpg.Connection, keys: Sequence[Idempotency]) -> set[tuple[str, str]]:
    """Those of these keys that have a decision, as scope and key."""
    found = await connection.fetch(USED, [key.scope for key in keys], [key.key for key in keys])
    return {(row["scope"], row["key"]) for row in found}


async def reserve(connection: asyncpg.Connection, requests: Sequence[DecisionRequest], now: datetime) -> set[UUID]:
    """Inside a transaction: the ids that may be decided now. Left out are repeats of a used key and intake rows already taken."""
    refused: set[UUID] = set()
    if (columns := _keys_of(requests)) is not None:
        keyed = columns[-1]
        won = await connection.fetch(RESERVE, *columns, [now] * len(keyed))
        refused |= set(keyed) - {row["decision_id"] for row in won}
    waiting = [r.id for r in requests if r.from_intake and r.id not in refused]
    if waiting:
        taken = await connection.fetch(TAKE_FROM_INTAKE, waiting)
        refused |= set(waiting) - {row["id"] for row in taken}
    return {request.id for request in requests} - refused


def reserving(requests: Sequence[DecisionRequest], now: datetime) -> list[Statement]:
    """What reserves the keys of all of these, if any has one, or fails. Nothing for those from the intake."""
    columns = _keys_of(requests)
    return [] if columns is None else [(RESERVE_ALL, (*columns, now))]


def _keys_of(requests: Sequence[DecisionRequest]) -> tuple[list[str], list[str], list[bytes], list[UUID]] | None:
    """Scopes, keys, digests and ids of those that have a key, in the order in which everybody takes them; None if none has.

    Of those with one key the first gets it.
    """
    keyed = [
        (r.idempotency.scope, r.idempotency.key, r.idempotency.digest, r.id)
        for r in requests
        if r.idempotency is not None
    ]
    if not keyed:
        return None
    keyed.sort(key=lambda row: row[:2])
    scopes, keys, digests, ids = zip(*keyed, strict=True)
    return list(scopes), list(keys), list(digests), list(ids)
