"""The ledger's hot side: everything a batch of decisions writes goes into PostgreSQL as ONE statement, so as one commit.

Decisions, outbox messages, window tiles and the audit leaf stand or fall together. The cold side (reading) is `store`.
"""

import os
from collections.abc import Sequence
from datetime import datetime
from time import perf_counter_ns
from typing import Any
from uuid import UUID

import asyncpg
from msgspec import Struct

from andon import audit, features
from andon.decisions import consequences, record
from andon.decisions.domain import RECORDED, Decision, DecisionRequest, Idempotency, LineRef
from andon.decisions.record import SALT_BYTES
from andon.features import Delta
from andon.kernel import outbox
from andon.kernel.identity import PLATFORM
from andon.kernel.outbox import Message
from andon.kernel.statements import Statement

_OWN = {
    "id": "uuid",
    "score": "float8",
    "confidence": "float8",
    "correlation_id": "text",
    "latency_us": "bigint",
    "record": "bytea",
}
"""The columns in which each decision has its own value; of a batch sent as arrays."""

_SHARED = {
    "automation": "text",
    "automation_version": "int",
    "model": "text",
    "model_version": "int",
    "policy_version": "text",
    "decided_at": "timestamptz",
    "outcome": "text",
    "rule": "text",
    "certain": "bool",
    "caller": "text",
}
"""The columns that many decisions of a batch have alike: each combination is sent once, and a decision names it by its position.

The driver looks at every element of an array twice, so an array less is worth a microsecond a decision.
"""


def _one() -> tuple[str, str, int]:
    """What a single decision puts into the ledger, from where, and how many parameters that takes: _OWN, _SHARED and its salt, as they are."""
    kinds = (*_OWN.values(), *_SHARED.values(), "bytea")
    return ", ".join(f"${i}::{kind}" for i, kind in enumerate(kinds, start=1)), "leaf", len(kinds)


def _many() -> tuple[str, str, int]:
    """The same of a batch: _OWN and the position of what is shared as arrays, _SHARED as arrays, and all salts in one."""
    own = ", ".join(f"${i}::{kind}[]" for i, kind in enumerate((*_OWN.values(), "int"), start=1))
    first = len(_OWN) + 2
    shared = ", ".join(f"(${i}::{kind}[])[d.shared]" for i, kind in enumerate(_SHARED.values(), start=first))
    last = first + len(_SHARED)
    salt = f"substring(${last}::bytea FROM (d.number::int - 1) * {SALT_BYTES} + 1 FOR {SALT_BYTES})"
    values = f"{', '.join(f'd.{name}' for name in _OWN)}, {shared}, {salt}"
    return values, f"leaf, unnest({own}) WITH ORDINALITY AS d({', '.join(_OWN)}, shared, number)", last


def _statement(*, one: bool, messages: bool, tiles: bool, more: bool) -> str:
    """One statement for everything. Its parameters: those of `_one` or `_many`, the leaf, messages, tiles.

    What a batch does not have is not in it: every array that a statement takes costs gateway and server some microseconds. A single
    decision comes without arrays, which spares who waits for it a tenth of a millisecond.
    """
    values, source, taken = _one() if one else _many()
    first = taken + 1
    beside = [f"leaf AS ({audit.insert_sql(first)} RETURNING writer, seq)"]
    first += audit.COLUMNS
    if messages:
        beside.append(f"messages AS ({outbox.insert_sql(first)})")
        first += outbox.COLUMNS
    if tiles:
        beside.append(f"tiles AS ({features.insert_sql(first, more=more)})")
    return (
        f"WITH {', '.join(beside)} INSERT INTO decisions ({', '.join((*_OWN, *_SHARED))}, salt, writer, seq) "
        f"SELECT {values}, leaf.writer, leaf.seq FROM {source}"
    )


APPEND = {
    (one, messages, tiles, more): _statement(one=one, messages=messages, tiles=tiles, more=more)
    for one in (False, True)
    for messages in (False, True)
    for tiles, more in ((False, False), (True, False), (True, True))
}
"""The statement that records a batch, by whether it is a single decision, sends messages, changes tiles, and those more than sums."""

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


class Entry(Struct, frozen=True, gc=False):
    """One decision on its way into the ledger, with what follows it."""

    decision: Decision
    messages: Sequence[Message]


def prepare(chain: audit.Chain, entries: Sequence[Entry], deltas: Sequence[Delta]) -> tuple[audit.Leaf, Statement]:
    """The next leaf of the chain for a batch, and the statement with its parameters that records it.

    The caller executes it, and advances the chain once it knows of the commit.
    """
    drawn = os.urandom(SALT_BYTES * len(entries))
    salts = [drawn[i : i + SALT_BYTES] for i in range(0, len(drawn), SALT_BYTES)]
    records = record.encode([entry.decision for entry in entries])
    leaf = chain.link(
        actor=PLATFORM.name,
        action=RECORDED,
        subject=f"decisions:{len(entries)}",
        body=b"".join(
            [
                entry.decision.request.id.bytes + record.digest_of(salt, written)
                for entry, salt, written in zip(entries, salts, records, strict=True)
            ]
        ),
        at=entries[-1].decision.decided_at,
    )
    shared = _Shared()
    now = perf_counter_ns()
    rows = [_row(entry.decision, written, shared, now) for entry, written in zip(entries, records, strict=True)]
    messages = [message for entry in entries for message in entry.messages]
    more, one = features.has_more(deltas), len(entries) == 1
    return leaf, (
        APPEND[one, bool(messages), bool(deltas), more],
        (
            *(_alone(rows[0], shared) if one else (*zip(*rows, strict=True), *zip(*shared.values, strict=True))),
            drawn,
            *audit.values_of(leaf),
            *(outbox.columns_of(messages, consequences.encoded(messages)) if messages else ()),
            *(features.columns_of(deltas, more=more) if deltas else ()),
        ),
    )


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


async def written_hash(connection: asyncpg.Connection, leaf: audit.Leaf) -> bytes | None:
    """The hash of the leaf that is in the log where this one should be; None if there is none, so the batch was not committed."""
    written: bytes | None = await connection.fetchval(audit.HASH_SQL, leaf.writer, leaf.seq)
    return written


async def recorded_of(connection: asyncpg.Connection, ids: Sequence[UUID]) -> set[UUID]:
    """Those of these decisions that are in the ledger."""
    rows = await connection.fetch("SELECT id FROM decisions WHERE id = ANY($1::uuid[])", ids)
    return {row["id"] for row in rows}


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


class _Shared:
    """The values of _SHARED that decisions of a batch have, each once. The batch holds what they are made of, so identity tells."""

    def __init__(self) -> None:
        self.values: list[tuple[Any, ...]] = []
        self._known: dict[tuple[Any, ...], int] = {}

    def position(self, decision: Decision) -> int:
        """Where those of a decision are, counted from 1."""
        judgement, caller = decision.judgement, decision.request.caller
        ruling, certain = judgement.ruling, judgement.risk.certain
        key = (id(decision.line), id(decision.decided_at), id(ruling), certain, caller)
        known = self._known.get(key)
        if known is None:
            self.values.append(
                (*_line(decision.line), decision.decided_at, ruling.outcome, ruling.rule, certain, caller)
            )
            known = self._known[key] = len(self.values)
        return known


def _row(decision: Decision, written: bytes, shared: _Shared, now: int) -> tuple[Any, ...]:
    """The values of _OWN, and the position of those of _SHARED."""
    request, prediction = decision.request, decision.judgement.prediction
    return (
        request.id,
        None if prediction is None else prediction.score,
        None if prediction is None else prediction.confidence,
        request.correlation_id,
        (now - request.began_ns) // 1000,
        written,
        shared.position(decision),
    )


def _alone(row: tuple[Any, ...], shared: _Shared) -> tuple[Any, ...]:
    """The values of _OWN and _SHARED of a single decision, which needs no position."""
    return *row[:-1], *shared.values[0]


def _line(line: LineRef) -> tuple[Any, ...]:
    """The first values of _SHARED."""
    return line.automation, line.automation_version, line.model.name, line.model.version, line.policy_version
