"""Idempotency keys and intake rows, which a request must hold to be decided.

They are taken in the transaction of the request's decision.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from andon.decisions.domain import DecisionRequest, Idempotency
from andon.kernel.statements import Statement, all_of

RESERVE = """
INSERT INTO idempotency_keys (scope, key, digest, decision_id, created_at)
SELECT w.*, $5::timestamptz FROM unnest($1::text[], $2::text[], $3::bytea[], $4::uuid[]) AS w
ON CONFLICT DO NOTHING RETURNING decision_id
"""
"""Reserve the keys that are free. Returns the requests that got theirs."""

HELD = """
SELECT decision_id FROM unnest($1::text[], $2::text[], $3::uuid[]) AS w(scope, key, decision_id)
JOIN idempotency_keys USING (scope, key, decision_id)
"""
"""The requests that have their keys, reserved now or when they were accepted.

No row is locked, so that a repeat does not wait.
"""

TAKE_FROM_INTAKE = "DELETE FROM intake WHERE id = ANY($1::uuid[]) RETURNING id"
"""Take requests out of the intake. Returns the ones that were present."""

RESERVE_ALL = all_of(RESERVE, "decision_id", "$4::uuid[]")
HELD_ALL = all_of(HELD, "decision_id", "$3::uuid[]")
TAKE_ALL = all_of(TAKE_FROM_INTAKE, "id", "$1::uuid[]")

USED = """
SELECT scope, key FROM idempotency_keys WHERE (scope, key) IN (SELECT * FROM unnest($1::text[], $2::text[]))
"""


async def used(connection: asyncpg.Connection, keys: Sequence[Idempotency]) -> set[tuple[str, str]]:
    """Return the keys that have a decision, as scope and key."""
    found = await connection.fetch(USED, [key.scope for key in keys], [key.key for key in keys])
    return {(row["scope"], row["key"]) for row in found}


async def reserve(connection: asyncpg.Connection, requests: Sequence[DecisionRequest], now: datetime) -> set[UUID]:
    """Take keys and intake rows, inside a transaction, and return the ids of the requests that may be decided.

    The others repeat a used key, or were already taken out of the intake. Of requests with the same key, the first gets
    it.
    """
    refused: set[UUID] = set()
    if keyed := _keyed(requests):
        scopes, keys, digests, ids = _columns(keyed)
        reserved = await connection.fetch(RESERVE, scopes, keys, digests, ids, now)
        if len(reserved) < len(ids):
            reserved = await connection.fetch(HELD, scopes, keys, ids)
        refused = set(ids) - {row["decision_id"] for row in reserved}
    waiting = [r.id for r in requests if r.from_intake and r.id not in refused]
    if waiting:
        taken = await connection.fetch(TAKE_FROM_INTAKE, waiting)
        refused |= set(waiting) - {row["id"] for row in taken}
    return {request.id for request in requests} - refused


def reserving(requests: Sequence[DecisionRequest], now: datetime) -> list[Statement]:
    """Return the statements that take the keys and intake rows of all these requests, or are refused."""
    statements: list[Statement] = []
    keyed, waiting = _keyed(requests), [request.id for request in requests if request.from_intake]
    if keyed and not waiting:
        statements.append((RESERVE_ALL, (*_columns(keyed), now)))
    elif keyed:
        scopes, keys, digests, ids = _columns(keyed)
        statements += [(RESERVE, (scopes, keys, digests, ids, now)), (HELD_ALL, (scopes, keys, ids))]
    if waiting:
        statements.append((TAKE_ALL, (waiting,)))
    return statements


def _keyed(requests: Sequence[DecisionRequest]) -> list[tuple[str, str, bytes, UUID]]:
    """Return scope, key, digest and id of requests with a key, in an order that all writers share."""
    keyed = [
        (r.idempotency.scope, r.idempotency.key, r.idempotency.digest, r.id)
        for r in requests
        if r.idempotency is not None
    ]
    keyed.sort(key=lambda row: row[:2])
    return keyed


def _columns(
    keyed: Sequence[tuple[str, str, bytes, UUID]],
) -> tuple[list[str], list[str], list[bytes], list[UUID]]:
    scopes, keys, digests, ids = zip(*keyed, strict=True)
    return list(scopes), list(keys), list(digests), list(ids)
