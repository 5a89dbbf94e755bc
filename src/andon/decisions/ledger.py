"""The ledger's hot side: everything a batch of decisions writes goes into PostgreSQL as one statement, or two, in ONE commit.

Decisions, outbox messages, window tiles and the audit leaf stand or fall together. The cold side (reading) is `store`.
"""

import os
from collections.abc import Iterator, Sequence
from time import perf_counter_ns
from typing import Any
from uuid import UUID

import asyncpg
from msgspec import Struct

from andon import audit, features
from andon.decisions import consequences, record
from andon.decisions.domain import RECORDED, Decision, LineRef
from andon.decisions.record import SALT_BYTES
from andon.features import Delta
from andon.kernel import outbox
from andon.kernel.identity import PLATFORM
from andon.kernel.outbox import Message
from andon.kernel.statements import Statement

EARLY_FROM = 8
"""From so many decisions on, a batch for which there is time goes to PostgreSQL in two parts, so that it works while the second is written."""

EARLY_PART = 3
"""The first is a third of it. That is written soonest, and takes PostgreSQL as long as the second takes the gateway."""

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
    return ", ".join(f"${i}::{kind}" for i, kind in enumerate(kinds, start=1)), "", len(kinds)


def _many() -> tuple[str, str, int]:
    """The same of a batch: _OWN and the position of what is shared as arrays, _SHARED as arrays, and all salts in one.

    Arrays that are taken apart in a list of values go row by row into the table; those in a FROM are kept as a whole first.
    """
    columns = enumerate((_OWN | {"shared": "int"}).items(), start=1)
    own = ", ".join(f"unnest(${i}::{kind}[]) AS {name}" for i, (name, kind) in columns)
    first = len(_OWN) + 2
    shared = ", ".join(f"(${i}::{kind}[])[d.shared]" for i, kind in enumerate(_SHARED.values(), start=first))
    last = first + len(_SHARED)
    salt = f"substring(${last}::bytea FROM (d.number - 1) * {SALT_BYTES} + 1 FOR {SALT_BYTES})"
    values = f"{', '.join(f'd.{name}' for name in _OWN)}, {shared}, {salt}"
    return values, f" FROM (SELECT {own}, generate_subscripts($1::uuid[], 1) AS number) AS d", last


def _statement(*, one: bool, messages: bool, tiles: bool, more: bool) -> str:
    """One statement for everything. Its parameters: those of `_one` or `_many`, the leaf, messages, tiles.

    What a batch does not have is not in it: every array that a statement takes costs gateway and server some microseconds. A single
    decision comes without arrays, which spares who waits for it a tenth of a millisecond.
    """
    values, source, taken = _one() if one else _many()
    first = taken + 1
    beside, leaf = [f"leaf AS ({audit.insert_sql(first)})"], audit.place_sql(first)
    first += audit.COLUMNS
    if messages:
        beside.append(f"messages AS ({outbox.insert_sql(first)})")
        first += outbox.COLUMNS
    if tiles:
        beside.append(f"tiles AS ({features.insert_sql(first, more=more)})")
    return (
        f"WITH {', '.join(beside)} INSERT INTO decisions ({', '.join((*_OWN, *_SHARED))}, salt, writer, seq) "
        f"SELECT {values}, {leaf}{source}"
    )


def _first_part() -> str:
    """The same for decisions alone. Its parameters: those of `_many`, and where the leaf will be."""
    values, source, taken = _many()
    return (
        f"INSERT INTO decisions ({', '.join((*_OWN, *_SHARED))}, salt, writer, seq) "
        f"SELECT {values}, {audit.place_sql(taken + 1)}{source}"
    )


APPEND = {
    (one, messages, tiles, more): _statement(one=one, messages=messages, tiles=tiles, more=more)
    for one in (False, True)
    for messages in (False, True)
    for tiles, more in ((False, False), (True, False), (True, True))
}
"""The statement that records a batch, by whether it is a single decision, sends messages, changes tiles, and those more than sums."""

FIRST_PART = _first_part()
"""The statement that records the first decisions of a batch, before its leaf is known. Only together with what records the others."""

STATEMENTS = (FIRST_PART, *APPEND.values())


class Entry(Struct, frozen=True, gc=False):
    """One decision on its way into the ledger, with what follows it."""

    decision: Decision
    messages: Sequence[Message]


def prepare(chain: audit.Chain, entries: Sequence[Entry], deltas: Sequence[Delta]) -> tuple[audit.Leaf, Statement]:
    """The next leaf of the chain for a batch, and the statement with its parameters that records it.

    The caller executes it, and advances the chain once it knows of the commit.
    """
    drawn, records, now = _drawn(entries), _records(entries), perf_counter_ns()
    leaf = _leaf(chain, entries, drawn, records)
    one = len(entries) == 1
    rows = _row_alone(entries[0], records[0], now) if one else _rows(entries, records, now)
    return leaf, _with_leaf((*rows, drawn), leaf, entries, deltas, one=one)


def prepare_early(
    chain: audit.Chain, entries: Sequence[Entry], deltas: Sequence[Delta]
) -> Iterator[tuple[audit.Leaf | None, Statement]]:
    """The same as two statements for one transaction: the first can be sent before the second, which has the leaf, is made."""
    first = len(entries) // EARLY_PART
    drawn, now = _drawn(entries), perf_counter_ns()
    salts = first * SALT_BYTES
    records = _records(entries[:first])
    yield None, (FIRST_PART, (*_rows(entries[:first], records, now), drawn[:salts], *chain.place))
    records += _records(entries[first:])
    leaf = _leaf(chain, entries, drawn, records)
    rows = _rows(entries[first:], records[first:], now)
    yield leaf, _with_leaf((*rows, drawn[salts:]), leaf, entries, deltas)


def _drawn(entries: Sequence[Entry]) -> bytes:
    """The salts of a batch behind each other."""
    return os.urandom(SALT_BYTES * len(entries))


def _records(entries: Sequence[Entry]) -> list[bytes]:
    return record.encode([entry.decision for entry in entries])


def _leaf(chain: audit.Chain, entries: Sequence[Entry], drawn: bytes, records: Sequence[bytes]) -> audit.Leaf:
    """The next leaf, which proves all of a batch."""
    salts = [drawn[i : i + SALT_BYTES] for i in range(0, len(drawn), SALT_BYTES)]
    return chain.link(
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


def _rows(entries: Sequence[Entry], records: Sequence[bytes], now: int) -> tuple[Any, ...]:
    """The first parameters of `_many`, all but the salts."""
    shared = _Shared()
    rows = [_row(entry.decision, written, shared, now) for entry, written in zip(entries, records, strict=True)]
    return (*zip(*rows, strict=True), *zip(*shared.values, strict=True))


def _row_alone(entry: Entry, written: bytes, now: int) -> tuple[Any, ...]:
    """The same of `_one`, which needs no position."""
    shared = _Shared()
    return *_row(entry.decision, written, shared, now)[:-1], *shared.values[0]


def _with_leaf(
    rows: tuple[Any, ...], leaf: audit.Leaf, entries: Sequence[Entry], deltas: Sequence[Delta], *, one: bool = False
) -> Statement:
    """What records these rows with the leaf, and with all that follows from the entries of the batch."""
    messages = [message for entry in entries for message in entry.messages]
    more = features.has_more(deltas)
    return (
        APPEND[one, bool(messages), bool(deltas), more],
        (
            *rows,
            *audit.values_of(leaf),
            *(outbox.columns_of(messages, consequences.encoded(messages)) if messages else ()),
            *(features.columns_of(deltas, more=more) if deltas else ()),
        ),
    )


async def written_hash(connection: asyncpg.Connection, leaf: audit.Leaf) -> bytes | None:
    """The hash of the leaf that is in the log where this one should be; None if there is none, so the batch was not committed."""
    written: bytes | None = await connection.fetchval(audit.HASH_SQL, leaf.writer, leaf.seq)
    return written


async def recorded_of(connection: asyncpg.Connection, ids: Sequence[UUID]) -> set[UUID]:
    """Those of these decisions that are in the ledger."""
    rows = await connection.fetch("SELECT id FROM decisions WHERE id = ANY($1::uuid[])", ids)
    return {row["id"] for row in rows}


class _Shared:
    """The values of _SHARED that decisions of a batch have, each once. The batch holds what they are made of, so identity tells."""

    def __init__(self) -> None:
        self.values: list[tuple[Any, ...]] = []
        self._known: dict[tuple[Any, ...], int] = {}

    def position(self, decision: Decision) -> int:
        """Where those of a decision are, counted from 1."""
        judgement, caller = decision.judgement, decision.request.caller
        ruling, certain = judgement.ruling, judgement.risk.certain
        line, at = decision.line, decision.decided_at
        key = (id(line), id(at), id(ruling), certain, caller)
        known = self._known.get(key)
        if known is None:
            self.values.append((*_line(line), at, ruling.outcome, ruling.rule, certain, caller))
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


def _line(line: LineRef) -> tuple[Any, ...]:
    """The first values of _SHARED."""
    return line.automation, line.automation_version, line.model.name, line.model.version, line.policy_version
