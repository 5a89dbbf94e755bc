"""Sessions are as we rely on them to be, whatever a database has been told by its owner."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import make_url, text

from andon.kernel.clock import SystemClock
from andon.kernel.db import Database
from andon.kernel.durable.engine import Engine
from andon.scoring.query import fetch

ODD = {
    "DateStyle": "'German, DMY'",
    "IntervalStyle": "'sql_standard'",
    "TimeZone": "'Asia/Kathmandu'",
    "extra_float_digits": "0",
    "client_encoding": "'LATIN1'",
    "default_transaction_isolation": "'serializable'",
    "idle_session_timeout": "'10min'",
}
UNLESS_IT_STAYS = "SELECT 1 / (current_setting('idle_session_timeout') = '0')::int"
UNLESS_READ_COMMITTED = "SELECT 1 / (current_setting('transaction_isolation') = 'read committed')::int"
PRECISE = 0.1 + 0.2


@pytest.fixture
def odd(database: Database) -> Iterator[Database]:
    """Yield the database with settings of its own, and sessions that were begun under them."""
    name = make_url(database.url).database
    with database.begin() as tx:
        for setting, value in ODD.items():
            tx.execute(text(f'ALTER DATABASE "{name}" SET {setting} = {value}'))
    made = Database(database.url)
    yield made
    made.close()


def test_times_intervals_numbers_and_texts_are_read_as_they_were_written(odd: Database) -> None:
    moment, long, word = datetime(2026, 11, 27, 12, 30, tzinfo=UTC), timedelta(days=3, seconds=5), "Łódź"
    query = "SELECT :moment ::timestamptz, :long ::interval, :number ::float8, :word ::text"
    with odd.begin() as tx:
        found = tx.execute(text(query), {"moment": moment, "long": long, "number": PRECISE, "word": word}).one()
        tx.execute(text(UNLESS_READ_COMMITTED))
    assert tuple(found) == (moment, long, PRECISE, word)


def test_batches_see_what_others_committed_meanwhile_and_their_connections_stay(odd: Database) -> None:
    async def ask() -> None:
        connection, statements = await odd.connect(), await odd.statements()
        try:
            for unless in (UNLESS_READ_COMMITTED, UNLESS_IT_STAYS):
                await connection.execute(unless)
                await statements.execute(unless)
        finally:
            statements.close()
            await connection.close()

    asyncio.run(ask())


def test_the_transactions_of_procedures_see_what_others_committed_meanwhile(odd: Database) -> None:
    engine = Engine(odd, {}, SystemClock())
    try:
        with engine._connections.connect() as connection:
            connection.execute(text(UNLESS_READ_COMMITTED))
    finally:
        engine.close()


def test_a_query_to_decide_rows_of_says_times_and_numbers_in_full(odd: Database, tmp_path: Path) -> None:
    file = tmp_path / "rows"
    query = "SELECT '2026-11-27 12:30Z'::timestamptz AS moment, 0.1::float8 + 0.2 AS number"
    fetch(odd.url, query, ["moment", "number"], [], file, lambda _: None)
    assert '"2026-11-27T12:30:00' in file.read_text()
    assert str(PRECISE) in file.read_text()


def test_what_the_address_asks_for_itself_holds_too(odd: Database) -> None:
    asked = "options=-c%20search_path%3Dpg_catalog&sslmode=prefer&target_session_attrs=read-write&application_name=bank"
    database = Database(f"{odd.url}?{asked}")
    settings = "SELECT current_setting('search_path'), current_setting('timezone'), current_setting('application_name')"

    async def in_batches() -> tuple[str, ...]:
        connection, statements = await database.connect(), await database.statements()
        await statements.execute("SELECT 1 / (current_setting('search_path') = 'pg_catalog')::int")
        statements.close()
        found = tuple(await connection.fetchrow(settings))
        await connection.close()
        return found

    with database.begin() as tx:
        found = tuple(tx.execute(text(settings)).one())
    database.close()
    assert found == asyncio.run(in_batches()) == ("pg_catalog", "UTC", "bank")
