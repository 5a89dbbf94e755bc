"""The ledger's hot side: everything a batch of decisions writes goes into PostgreSQL as ONE statement, so as one commit.

Decisions, outbox messages, window tiles and the audit leaf stand or fall together. The cold side (reading) is `store.py`.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from time import perf_counter_ns
from typing import Any
from uuid import UUID

import asyncpg

from andon import audit, features
from andon.decisions import consequences, record
from andon.decisions.domain import RECORDED, Decision, DecisionRequest
from andon.decisions.record import SALT_BYTES
from andon.features import TileDelta
from andon.kernel import outbox
from andon.kernel.identity import PLATFORM
from andon.kernel.outbox import Message

_TYPES = [
    "uuid",
    "text",
    "int",
    "timestamptz",
    "text",
    "text",
    "float8",
    "float8",
    "bool",
    "text",
    "int",
    "text",
    "text",
    "text",
    "int",
    "uuid",
    "bigint",
    "bytea",
    "bytea",
]
_COLUMNS = (
    "id, automation, automation_version, decided_at, outcome, rule, score, confidence, certain, model, model_version, "
    "policy_version, caller, correlation_id, latency_us, writer, seq, salt, record"
)


def _statement() -> str:
    decided = ", ".join(f"${i}::{kind}[]" for i, kind in enumerate(_TYPES, start=1))
    first = len(_TYPES) + 1
    leaf = audit.insert_sql(first)
    first += audit.COLUMNS
    messages = outbox.insert_sql(first)
    first += outbox.COLUMNS
    tiles = features.insert_sql(first)
    return (
        f"WITH leaf AS ({leaf}), messages AS ({messages}), tiles AS ({tiles}) "
        f"INSERT INTO decisions ({_COLUMNS}) SELECT * FROM unnest({decided})"
    )


APPEND = _statement()

RESERVE = """
INSERT INTO idempotency_keys (scope, key, digest, decision_id, created_at)
SELECT * FROM unnest($1::text[], $2::text[], $3::bytea[], $4::uuid[], $5::timestamptz[])
ON CONFLICT DO NOTHING RETURNING decision_id
"""

TAKE_FROM_INTAKE = "DELETE FROM intake WHERE id = ANY($1::uuid[]) RETURNING id"


@dataclass(frozen=True, slots=True)
class Entry:
    """One decision on its way into the ledger, with what follows it."""

    decision: Decision
    messages: Sequence[Message]


def prepare(
    chain: audit.Chain, entries: Sequence[Entry], deltas: Sequence[TileDelta]
) -> tuple[audit.Leaf, tuple[Any, ...]]:
    """The next leaf of the chain for a batch, and the statement with its parameters that records it.

    The caller executes it, and advances the chain once it knows of the commit.
    """
    drawn = os.urandom(SALT_BYTES * len(entries))
    salts = [drawn[i : i + SALT_BYTES] for i in range(0, len(drawn), SALT_BYTES)]
    records = [record.encode(entry.decision) for entry in entries]
    leaf = chain.link(
        actor=PLATFORM.name,
        action=RECORDED,
        subject=f"decisions:{len(entries)}",
        body=b"".join(
            entry.decision.request.id.bytes + record.digest_of(salt, written)
            for entry, salt, written in zip(entries, salts, records, strict=True)
        ),
        at=entries[-1].decision.decided_at,
    )
    rows = (
        _row(entry.decision, leaf, salt, written) for entry, salt, written in zip(entries, salts, records, strict=True)
    )
    messages = [message for entry in entries for message in entry.messages]
    return leaf, (
        APPEND,
        *zip(*rows, strict=True),
        *audit.columns_of([leaf]),
        *outbox.columns_of(messages, consequences.encoded(messages)),
        *features.columns_of(deltas),
    )


async def reserve(connection: asyncpg.Connection, requests: Sequence[DecisionRequest], now: datetime) -> set[UUID]:
    """Inside a transaction: the ids that may be decided now. Left out are repeats of a used key and intake rows already taken."""
    keyed = sorted(
        ((r.idempotency, r.id) for r in requests if r.idempotency is not None), key=lambda k: (k[0].scope, k[0].key)
    )
    refused: set[UUID] = set()
    if keyed:
        won = await connection.fetch(
            RESERVE,
            [key.scope for key, _ in keyed],
            [key.key for key, _ in keyed],
            [key.digest for key, _ in keyed],
            [identifier for _, identifier in keyed],
            [now] * len(keyed),
        )
        refused |= {identifier for _, identifier in keyed} - {row["decision_id"] for row in won}
    waiting = [r.id for r in requests if r.from_intake and r.id not in refused]
    if waiting:
        taken = await connection.fetch(TAKE_FROM_INTAKE, waiting)
        refused |= set(waiting) - {row["id"] for row in taken}
    return {request.id for request in requests} - refused


async def is_committed(connection: asyncpg.Connection, leaf: audit.Leaf) -> bool:
    """Whether a batch whose commit was not answered is in the ledger."""
    return bool(await connection.fetchval(audit.EXISTS_SQL, leaf.writer, leaf.seq))


def _row(decision: Decision, leaf: audit.Leaf, salt: bytes, written: bytes) -> tuple[Any, ...]:
    request, line, judgement = decision.request, decision.line, decision.judgement
    prediction, ruling = judgement.prediction, judgement.ruling
    return (
        request.id,
        line.automation,
        line.automation_version,
        decision.decided_at,
        ruling.outcome,
        ruling.rule,
        None if prediction is None else prediction.score,
        None if prediction is None else prediction.confidence,
        judgement.risk.certain,
        line.model.name,
        line.model.version,
        line.policy_version,
        request.caller,
        request.correlation_id,
        (perf_counter_ns() - decision.request.began_ns) // 1000,
        leaf.writer,
        leaf.seq,
        salt,
        written,
    )
