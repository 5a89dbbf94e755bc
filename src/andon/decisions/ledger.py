"""The rows and the audit leaf of a batch of decisions, and the statement that writes them. `store` reads the ledger."""

import os
from collections.abc import Callable, Hashable, Sequence
from time import perf_counter_ns
from typing import Any
from uuid import UUID

import asyncpg
from msgspec import Struct

from andon import audit, features
from andon.decisions import consequences, naming, record
from andon.decisions.appending import APPEND
from andon.decisions.domain import RECORDED, Decision
from andon.decisions.record import SALT_BYTES
from andon.decisions.shape import COLUMNS, ColumnForm
from andon.decisions.shaping import key_of, values_of
from andon.features import Delta
from andon.kernel import outbox
from andon.kernel.identity import PLATFORM
from andon.kernel.outbox import Message
from andon.kernel.statements import Statement


class LedgerEntry(Struct, frozen=True, gc=False):
    """One decision to be recorded, with the messages that follow from it."""

    decision: Decision
    messages: Sequence[Message]


class Proven(Struct, frozen=True):
    """The records of a batch, their concatenated salts, the leaf that proves them, and the messages they set off."""

    leaf: audit.Leaf
    records: list[bytes]
    salts: bytes
    messages: Sequence[Message]
    payloads: list[str]
    """The payloads of the messages as JSON text."""


def prove(chain: audit.Chain, entries: Sequence[LedgerEntry]) -> Proven:
    """Write the records of a batch and link the chain's next leaf to them.

    `advance` the chain once they are committed.
    """
    messages = [message for entry in entries for message in entry.messages]
    payloads = consequences.encoded(messages)
    records = record.encode([entry.decision for entry in entries], naming.digests_of(messages, payloads))
    drawn = os.urandom(SALT_BYTES * len(entries))
    salts = salts_of(drawn)
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
    return Proven(leaf, records, drawn, messages, payloads)


def salts_of(drawn: bytes) -> list[bytes]:
    """Return the single salts of `Proven`."""
    return [drawn[i : i + SALT_BYTES] for i in range(0, len(drawn), SALT_BYTES)]


def prepare(
    chain: audit.Chain, entries: Sequence[LedgerEntry], deltas: Sequence[Delta]
) -> tuple[audit.Leaf, Statement]:
    """Return the chain's next leaf for a batch, and the one statement that records it with all its consequences."""
    proven = prove(chain, entries)
    messages = proven.messages
    more = features.has_more(deltas)
    return proven.leaf, (
        APPEND[len(entries) == 1, bool(messages), bool(deltas), more],
        (
            *_parameters(entries, proven),
            *audit.values_of(proven.leaf),
            *(outbox.columns_of(messages, proven.payloads) if messages else ()),
            *(features.columns_of(deltas, more=more) if deltas else ()),
        ),
    )


def _parameters(entries: Sequence[LedgerEntry], proven: Proven) -> tuple[Any, ...]:
    """Return the parameters of APPEND that describe the decisions."""
    now = perf_counter_ns()
    if len(entries) == 1:
        decision = entries[0].decision
        return (*own_of(decision, proven.records[0], now), *shared_of(decision), proven.salts)
    shared = _Shared()
    rows = [
        (*own_of(entry.decision, written, now), shared.position(entry.decision))
        for entry, written in zip(entries, proven.records, strict=True)
    ]
    return (*zip(*rows, strict=True), *zip(*shared.values, strict=True), proven.salts)


async def writers_of(connection: asyncpg.Connection, ids: Sequence[UUID]) -> dict[UUID, UUID]:
    """Return the decisions that are in the ledger, each with the writer that recorded it."""
    rows = await connection.fetch("SELECT id, writer FROM decisions WHERE id = ANY($1::uuid[])", ids)
    return {row["id"]: row["writer"] for row in rows}


_SHARED = [field for field in COLUMNS.values() if field.column is ColumnForm.SHARED]
_own = values_of([field for field in COLUMNS.values() if field.column is ColumnForm.OWN])
_key = key_of(_SHARED)

shared_of: Callable[[Decision], tuple[Any, ...]] = values_of(_SHARED)
"""The values of SHARED."""


def own_of(decision: Decision, written: bytes, now: int) -> tuple[Any, ...]:
    """Return the values of OWN; the latency counts up to `now`."""
    return (*_own(decision, now), written)


class _Shared:
    """The values of SHARED in a batch, each combination once, distinguished by the values they follow from."""

    def __init__(self) -> None:
        self.values: list[tuple[Any, ...]] = []
        self._known: dict[Hashable, int] = {}

    def position(self, decision: Decision) -> int:
        """Return the position of a decision's shared values, counted from 1."""
        key = _key(decision)
        known = self._known.get(key)
        if known is None:
            self.values.append(shared_of(decision))
            known = self._known[key] = len(self.values)
        return known
