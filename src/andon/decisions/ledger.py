"""The ledger's hot side: everything a batch of decisions writes goes into PostgreSQL as ONE statement, so as one commit.

Decisions, outbox messages, window tiles and the audit leaf stand or fall together. The cold side (reading) is `store.py`.
"""

import os
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import accumulate
from time import perf_counter_ns
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
from pydantic_core import to_json

from andon import audit, features
from andon.decisions import consequences, record
from andon.decisions.domain import RECORDED, Decision, DecisionRequest, Idempotency, LineRef
from andon.decisions.record import SALT_BYTES
from andon.features import TileDelta
from andon.kernel import outbox
from andon.kernel.identity import PLATFORM
from andon.kernel.outbox import Message

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
"""The columns that many decisions of a batch have alike: each combination is sent once, and a decision names it by its position."""

_OWN = """
ROWS FROM (
    unnest(
        string_to_array($1, ',')::uuid[],
        string_to_array($2, ',', '')::float8[],
        string_to_array($3, ',', '')::float8[],
        string_to_array($4, ',')::int[],
        string_to_array($5, ',')::int[],
        string_to_array($6, ',')::int[],
        string_to_array($7, ',')::int[]
    ),
    json_array_elements_text($8::json)
) WITH ORDINALITY AS d(id, score, confidence, latency_us, start, length, shared, correlation_id, number)
"""
"""What each decision has for itself, one parameter a column, as text; `start` and `length` are its record's in the bytes of all.

The driver looks at every element of an array several times, in Python: as text, columns of a batch cost a tenth of that.
"""


def _statement(*, messages: bool, tiles: bool) -> str:
    """One statement for everything. Its parameters: those of _OWN, _SHARED as JSON, records, salts, the leaf, messages, tiles.

    What a batch does not have is not in it: every array that a statement takes costs gateway and server some microseconds.
    """
    kinds = ", ".join(f"{name} {kind}" for name, kind in _SHARED.items())
    first = 12
    beside = [f"leaf AS ({audit.insert_sql(first)} RETURNING writer, seq)"]
    first += audit.COLUMNS
    if messages:
        beside.append(f"messages AS ({outbox.insert_sql(first)})")
        first += outbox.COLUMNS
    if tiles:
        beside.append(f"tiles AS ({features.insert_sql(first)})")
    return (
        f"WITH {', '.join(beside)} "
        f"INSERT INTO decisions (id, score, confidence, correlation_id, latency_us, record, salt, writer, seq, {', '.join(_SHARED)}) "
        "SELECT d.id, d.score, d.confidence, d.correlation_id, d.latency_us, substring($10::bytea FROM d.start FOR d.length), "
        f"substring($11::bytea FROM (d.number::int - 1) * {SALT_BYTES} + 1 FOR {SALT_BYTES}), leaf.writer, leaf.seq, "
        f"{', '.join(f's.{name}' for name in _SHARED)} "
        f"FROM leaf, {_OWN} JOIN ROWS FROM (json_to_recordset($9::json) AS ({kinds})) "
        f"WITH ORDINALITY AS s({', '.join(_SHARED)}, number) ON s.number = d.shared"
    )


APPEND = {
    (messages, tiles): _statement(messages=messages, tiles=tiles)
    for messages in (False, True)
    for tiles in (False, True)
}
"""The statement that records a batch, by whether it sends messages and whether it changes tiles."""

RESERVE = """
INSERT INTO idempotency_keys (scope, key, digest, decision_id, created_at)
SELECT * FROM unnest($1::text[], $2::text[], $3::bytea[], $4::uuid[], $5::timestamptz[])
ON CONFLICT DO NOTHING RETURNING decision_id
"""

USED = """
SELECT scope, key FROM idempotency_keys WHERE (scope, key) IN (SELECT * FROM unnest($1::text[], $2::text[]))
"""

TAKE_FROM_INTAKE = "DELETE FROM intake WHERE id = ANY($1::uuid[]) RETURNING id"


class Entry(NamedTuple):
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
    records = record.encode([entry.decision for entry in entries])
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
    messages = [message for entry in entries for message in entry.messages]
    return leaf, (
        APPEND[bool(messages), bool(deltas)],
        *_columns(entries, records),
        b"".join(records),
        drawn,
        *audit.values_of(leaf),
        *(outbox.columns_of(messages, consequences.encoded(messages)) if messages else ()),
        *(features.columns_of(deltas) if deltas else ()),
    )


async def used(connection: asyncpg.Connection, keys: Sequence[Idempotency]) -> set[tuple[str, str]]:
    """Those of these keys that have a decision, as scope and key."""
    found = await connection.fetch(USED, [key.scope for key in keys], [key.key for key in keys])
    return {(row["scope"], row["key"]) for row in found}


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


def _columns(entries: Sequence[Entry], records: Sequence[bytes]) -> Iterator[str]:
    """The parameters of _OWN, in its order, and those of _SHARED."""
    ids, scores, confidences, latencies, correlations, positions = [], [], [], [], [], []
    shared: dict[tuple[Any, ...], int] = {}
    lines: dict[int, tuple[Any, ...]] = {}
    now = perf_counter_ns()
    for (request, ref, _, (prediction, risk, ruling, _), decided_at, _, _), _ in entries:
        line = lines.get(id(ref))
        if line is None:
            line = lines[id(ref)] = _line(ref)
        alike = (*line, decided_at, ruling.outcome, ruling.rule, risk.certain, request.caller)
        ids.append(request.id.hex)
        scores.append("" if prediction is None else repr(prediction.score))
        confidences.append("" if prediction is None else repr(prediction.confidence))
        latencies.append(str((now - request.began_ns) // 1000))
        correlations.append(request.correlation_id)
        positions.append(str(shared.setdefault(alike, len(shared) + 1)))
    lengths = [len(record) for record in records]
    starts = accumulate(lengths[:-1], initial=1)
    for column in (ids, scores, confidences, latencies, map(str, starts), map(str, lengths), positions):
        yield ",".join(column)
    yield to_json(correlations).decode()
    yield to_json([dict(zip(_SHARED, values, strict=True)) for values in shared]).decode()


def _line(line: LineRef) -> tuple[Any, ...]:
    """The first values of _SHARED."""
    return line.automation, line.automation_version, line.model.name, line.model.version, line.policy_version
