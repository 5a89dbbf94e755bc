"""Transfers in a table of the bank, in Andon's own database: no broker is needed."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import psycopg

from andon_demo.stream import Transfer

_COLUMNS = """
    transfer_id text, account_id text, amount double precision, country text, channel text, hour integer,
    beneficiary_is_new boolean, account_age_days integer, device_trust double precision, made_at timestamptz
"""
_NAMES = ", ".join(column.split()[0] for column in _COLUMNS.split(","))


class TableIntake:
    """A table for each place, in the schema `bank`."""

    imports = "table"
    definitions = '''
def of_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of the bank's table as a transfer."""
    return {name: row[name] for name in Transfer.model_fields}
'''
    settings = ""

    def trigger(self, place: str) -> str:
        """Return a trigger for added rows."""
        return f'table("bank.{place}", at="made_at", key="account_id", read=of_row)'

    def stream(self, place: str) -> str:
        """Return the name, that of the table."""
        return f"table:bank.{place}"

    def prepare(self, place: str, url: str) -> None:
        """Create the table."""
        with psycopg.connect(url, autocommit=True) as database:
            database.execute("CREATE SCHEMA IF NOT EXISTS bank")
            database.execute(
                f"CREATE TABLE bank.{place} (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, {_COLUMNS})".encode()
            )

    @asynccontextmanager
    async def sending(self, place: str, url: str) -> AsyncIterator["_Sender"]:
        """Send on a connection of the bank's own."""
        connection = await asyncpg.connect(url)
        sender = _Sender(connection, f"bank.{place}")
        try:
            yield sender
            await sender.arrived()
        finally:
            await connection.close()

    def cpu_seconds(self) -> float:
        """Return zero: PostgreSQL is counted anyway."""
        return 0.0


class _Sender:
    """Collects rows while others are written, like a busy system."""

    def __init__(self, connection: asyncpg.Connection, relation: str) -> None:
        self._connection = connection
        self._statement = (
            f"INSERT INTO {relation} ({_NAMES}) SELECT {_NAMES} FROM jsonb_to_recordset($1::jsonb) AS t({_COLUMNS})"
        )
        self._rows: list[dict[str, object]] = []
        self._writing: asyncio.Task[None] | None = None

    async def send(self, transfer: Transfer) -> None:
        """Record a transfer with the current time, to be written shortly."""
        self._rows.append({**transfer.input, "made_at": datetime.now(UTC).isoformat()})
        if self._writing is None or self._writing.done():
            await self.arrived()
            self._writing = asyncio.create_task(self._write())

    async def arrived(self) -> None:
        """Wait until all rows are committed."""
        if self._writing is not None:
            await self._writing

    async def _write(self) -> None:
        while self._rows:
            rows, self._rows = self._rows, []
            await self._connection.execute(self._statement, json.dumps(rows))


@contextmanager
def opened(folder: Path) -> Iterator[TableIntake]:
    """Return the intake; nothing has to be started."""
    del folder
    yield TableIntake()
