"""The ledger's hot side: everything a batch of decisions writes goes into PostgreSQL as one statement, or two, in ONE commit.

Decisions, outbox messages, window tiles and the audit leaf stand or fall together. The cold side (reading) is `store`.
"""

import os
from collections.abc import Hashable, Iterator, Sequence
from time import perf_counter_ns
from typing import Any
from uuid import UUID

import asyncpg
from msgspec import Struct

from andon import audit, features
from andon.decisions import consequences, record
from andon.decisions.appending import APPEND, FIRST_PART, Rows
from andon.decisions.domain import RECORDED, Decision
from andon.decisions.record import SALT_BYTES
from andon.decisions.shape import COLUMNS, Column
from andon.decisions.shaping import key_of, values_of
from andon.features import Delta
from andon.kernel import outbox
from andon.kernel.identity import PLATFORM
from andon.kernel.outbox import Message
from andon.kernel.statements import Statement

EARLY_FROM = 8
"""From so many decisions on, a batch for which there is time goes to PostgreSQL in two parts, so that it works while the second is written."""

EARLY_PART = 3
"""The first is a third of it. That is written soonest, and takes PostgreSQL as long as the second takes the gateway."""


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
    rows, values = _rows(entries, records, now)
    return leaf, _append(rows, (*values, drawn), leaf, entries, deltas)


def prepare_early(
    chain: audit.Chain, entries: Sequence[Entry], deltas: Sequence[Delta]
) -> Iterator[tuple[audit.Leaf | None, Statement]]:
    """The same as two statements for one transaction: the first can be sent before the second, which has the leaf, is made."""
    first = len(entries) // EARLY_PART
    drawn, now = _drawn(entries), perf_counter_ns()
    salts = first * SALT_BYTES
    records = _records(entries[:first])
    rows, values = _rows(entries[:first], records, now)
    yield None, (FIRST_PART[rows], (*values, drawn[:salts], *chain.place))
    records += _records(entries[first:])
    leaf = _leaf(chain, entries, drawn, records)
    rows, values = _rows(entries[first:], records[first:], now)
    yield leaf, _append(rows, (*values, drawn[salts:]), leaf, entries, deltas)


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


def _rows(entries: Sequence[Entry], records: Sequence[bytes], now: int) -> tuple[Rows, tuple[Any, ...]]:
    """How these decisions come, and their parameters, all but the salts."""
    shared = _Shared()
    rows = [_row(entry.decision, written, shared, now) for entry, written in zip(entries, records, strict=True)]
    if len(shared.values) > 1:
        return Rows.MIXED, (*zip(*rows, strict=True), *zip(*shared.values, strict=True))
    if len(rows) > 1:
        *own, _ = zip(*rows, strict=True)
        return Rows.ALIKE, (*own, *shared.values[0])
    return Rows.ONE, (*rows[0][:-1], *shared.values[0])


def _append(
    rows: Rows, values: tuple[Any, ...], leaf: audit.Leaf, entries: Sequence[Entry], deltas: Sequence[Delta]
) -> Statement:
    """What records these decisions with the leaf, and with all that follows from the entries of the batch."""
    messages = [message for entry in entries for message in entry.messages]
    more = features.has_more(deltas)
    return (
        APPEND[rows, bool(messages), bool(deltas), more],
        (
            *values,
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


_SHARED = [field for field in COLUMNS.values() if field.column is Column.SHARED]
_own = values_of([field for field in COLUMNS.values() if field.column is Column.OWN])
_shared, _key = values_of(_SHARED), key_of(_SHARED)


class _Shared:
    """The combinations of values of SHARED in a batch, each once; what they follow from tells them apart, by its value."""

    def __init__(self) -> None:
        self.values: list[tuple[Any, ...]] = []
        self._known: dict[Hashable, int] = {}

    def position(self, decision: Decision) -> int:
        """Where those of a decision are, counted from 1."""
        key = _key(decision)
        known = self._known.get(key)
        if known is None:
            self.values.append(_shared(decision))
            known = self._known[key] = len(self.values)
        return known


def _row(decision: Decision, written: bytes, shared: _Shared, now: int) -> tuple[Any, ...]:
    """The values of OWN, and the position of those of SHARED."""
    return (*_own(decision, now), written, shared.position(decision))
