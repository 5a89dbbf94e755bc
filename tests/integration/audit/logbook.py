"""A small real log in a real database, and hands to tamper with it."""

import asyncio
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import text

from andon import audit
from andon.kernel.db import Database, Tx
from andon.kernel.identity import Actor

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
ANNA, BERT = Actor("anna"), Actor("bert")
GATEWAY = UUID(int=7)
RECORDED = "decisions.record"


def change(tx: Tx, action: str = "thing.change", *, subject: str = "thing:1", actor: Actor = ANNA) -> None:
    """One change in the control chain."""
    audit.record(tx, actor=actor, action=action, subject=subject, at=NOON, reason="because", after={"n": 1})


def append(database: Database, leaves: list[audit.Leaf]) -> None:
    """As the hot path does it: one statement through asyncpg."""

    async def run() -> None:
        connection = await database.connect()
        try:
            for leaf in leaves:
                await connection.execute(audit.insert_sql(1), *audit.values_of(leaf))
        finally:
            await connection.close()

    asyncio.run(run())


def grow(chain: audit.Chain, n: int) -> list[audit.Leaf]:
    """Return the next leaves of a gateway's chain."""
    leaves = []
    for i in range(n):
        leaf = chain.link(actor="gateway", action=RECORDED, subject="line", body=bytes([i % 256]) * 48, at=NOON)
        chain.advance(leaf)
        leaves.append(leaf)
    return leaves


def a_sealed_log(database: Database) -> audit.Checkpoint:
    """Three changes and three group commits, sealed in two checkpoints; gives the first."""
    chain = audit.Chain(GATEWAY)
    with database.begin() as tx:
        change(tx)
    append(database, grow(chain, 2))
    with database.begin() as tx:
        first = audit.seal(tx, NOON)
    with database.begin() as tx:
        change(tx, "thing.open", subject="thing:2")
        change(tx, "thing.close", subject="thing:2", actor=BERT)
    append(database, grow(chain, 1))
    with database.begin() as tx:
        audit.seal(tx, NOON)
    assert first is not None
    return first


def tamper(database: Database, table: str, *statements: str) -> None:
    """As somebody who owns the database would: triggers off, rows changed, triggers on."""
    with database.begin() as tx:
        tx.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER ALL"))
        for statement in statements:
            tx.execute(text(statement))
        tx.execute(text(f"ALTER TABLE {table} ENABLE TRIGGER ALL"))


def verified(database: Database, *, anchor: bytes | None = None) -> audit.Report:
    """Return the report on a log without other evidence."""
    with database.snapshot() as tx:
        return audit.verify(tx, evidence={}, anchor=anchor)
