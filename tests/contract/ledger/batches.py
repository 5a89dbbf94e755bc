"""Batches for a ledger's writers, and what must be true of the database afterwards."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
from msgspec.structs import replace
from sqlalchemy import text

from andon import audit, decisions
from andon.decisions import RECORDED, AlongsideEntry, DecisionRequest, Idempotency, LedgerEvidence, Line
from andon.decisions.consequences import messages
from andon.decisions.ledger import LedgerEntry
from andon.decisions.recording import Batch
from andon.features import Delta
from andon.kernel.clock import SystemClock
from andon.kernel.db import Database
from andon.kernel.errors import Invalid
from andon.kernel.statements import Statement, all_of
from arms import Here, arm, line_of, request_of, traffic
from automations import an_automation, payment
from counted import counted_in_windows

CLOCK = SystemClock()

PLACES = "CREATE TABLE places (name text PRIMARY KEY, position bigint NOT NULL)"
MOVE = all_of(
    "UPDATE places SET position = position + 1 WHERE name = $1::text AND position = $2::bigint RETURNING name",
    "name",
    "ARRAY[$1::text]",
)
MOVED = "SELECT position = $2::bigint + 1 FROM places WHERE name = $1::text"


class Place:
    """Something alongside: a row that moves by one with each batch."""

    def __init__(self, position: int, name: str = "here") -> None:
        self._values = (name, position)
        self.refused: Mapping[UUID, str | Invalid] = {}

    def entry(self) -> AlongsideEntry:
        """Return the audit entry that vouches for the move."""
        name, position = self._values
        return AlongsideEntry("place.move", f"place:{name}", str(position).encode(), datetime.now(UTC))

    def statements(self, recorded: AbstractSet[UUID], refused: Mapping[UUID, str | Invalid]) -> Sequence[Statement]:
        """Return the statement that moves the position."""
        del recorded
        self.refused = dict(refused)
        return [(MOVE, self._values)]

    async def is_written(self, connection: asyncpg.Connection) -> bool:
        """Whether the row has moved."""
        return bool(await connection.fetchval(MOVED, *self._values))


def a_line() -> Line:
    """Return a line with windows; every third amount is paused and every third reviewed, so that messages follow."""

    def score(row: Mapping[str, Any]) -> float:
        return (0.01, 0.5, 0.99)[int(row["amount"]) % 3]

    return line_of(an_automation(windows=True), traffic(arm(1, Here(score))))


def requests_of(line: Line, count: int, *, keys: Sequence[str | None] = ()) -> list[DecisionRequest]:
    """Return requests; `keys` are the callers' own for the first of them."""
    keyed = [None if key is None else Idempotency.of("payments", "bank", key, b"") for key in keys]
    return [
        request_of(
            line,
            payment(number, amount=10.0 + number),
            at=CLOCK.now(),
            idempotency=keyed[number] if number < len(keyed) else None,
        )
        for number in range(count)
    ]


def accepted(database: Database, requests: Sequence[DecisionRequest]) -> list[DecisionRequest]:
    """Return these as the intake gives them, with their rows and keys in place."""
    with database.begin() as tx:
        assert decisions.accept_new(tx, requests) == {request.id for request in requests}
    return [replace(request, from_intake=True) for request in requests]


def batch_of(line: Line, requests: Sequence[DecisionRequest], alongside: Place | None = None) -> Batch:
    """Return a decided batch of these."""
    decided = line.decide(requests, {}, now=CLOCK.now())[0] if requests else []
    entries = [LedgerEntry(decision, messages(line, decision)) for decision in decided]

    def deltas(of: Sequence[DecisionRequest]) -> list[Delta]:
        return list(line.see(of, {})[1]) if of else []

    return Batch(entries, deltas, alongside=alongside)


def places(database: Database) -> None:
    """Put one row there that can move."""
    with database.begin() as tx:
        tx.execute(text(PLACES))
        tx.execute(text("INSERT INTO places VALUES ('here', 0)"))


def position(database: Database) -> int:
    """Where the row is; each of its moves has one audit entry."""
    there = int(scalar(database, "SELECT position FROM places"))
    assert scalar(database, "SELECT count(*) FROM audit_entries WHERE action = 'place.move'") == there
    return there


def scalar(database: Database, statement: str) -> Any:
    with database.begin() as tx:
        return tx.execute(text(statement)).scalar_one()


def ids(database: Database) -> set[UUID]:
    """Return the decisions in the ledger."""
    with database.begin() as tx:
        return set(tx.execute(text("SELECT id FROM decisions")).scalars())


def check(database: Database, recorded: AbstractSet[UUID]) -> None:
    """Assert that the ledger has these decisions only, each proven, counted by windows and followed by one message."""
    assert ids(database) == recorded
    with database.snapshot() as tx:
        report = audit.verify(tx, evidence={RECORDED: LedgerEvidence()})
        assert (report.ok, report.findings) == (True, ())
        assert counted_in_windows(tx, "payments") == len(recorded)
        followed = tx.execute(text("SELECT count(*), count(DISTINCT subject) FROM outbox")).one()
        assert tuple(followed) == (len(recorded), len(recorded))
        stray = text("SELECT count(*) FROM idempotency_keys WHERE decision_id NOT IN (SELECT id FROM decisions)")
        assert tx.execute(stray).scalar_one() == 0
