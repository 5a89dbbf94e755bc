"""A silent database is reported, in our words and without its password; a silent client keeps nothing locked."""

import asyncio
import gc
import re
import socket
import time
from contextlib import ExitStack

import asyncpg
import pytest
from sqlalchemy import make_url, text

from andon.kernel.db import CONNECTION_LOST, STANDS_STILL_SECONDS, Database, DatabaseUnavailable


def test_a_transaction_on_a_server_that_is_not_there_is_unavailable_and_names_no_address() -> None:
    database = Database("postgresql://andon:hush@127.0.0.1:1/andon")
    with pytest.raises(DatabaseUnavailable) as raised, database.begin():
        pass
    database.close()
    assert "127.0.0.1" not in str(raised.value)
    assert "hush" not in str(raised.value)


def test_why_a_connection_did_not_come_about_is_said(database: Database) -> None:
    url = make_url(database.url)
    for wrong, said in (
        (url.set(database="nothing_there"), 'nothing_there: database "nothing_there" does not exist'),
        (url.set(password="hush"), f'password authentication failed for user "{url.username}"'),
        (url.set(port=1), f"{url.database}: Connection refused"),
    ):
        other = Database(wrong.render_as_string(hide_password=False))
        with pytest.raises(DatabaseUnavailable, match=re.escape(said)) as raised:
            other.version()
        other.close()
        assert "hush" not in str(raised.value)


def test_a_pool_whose_connections_are_all_busy_is_unavailable_too(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database.engine.pool, "_timeout", 0.05)
    with ExitStack() as busy:
        for _ in range(10):
            busy.enter_context(database.begin())
        with pytest.raises(DatabaseUnavailable):
            busy.enter_context(database.begin())


def test_a_server_that_only_reads_is_unavailable_and_another_may_be_found_later(database: Database) -> None:
    alter, write = f'ALTER DATABASE "{make_url(database.url).database}"', text("CREATE TABLE written ()")
    owner = Database(database.url)
    with owner.begin() as tx:
        tx.execute(text(f"{alter} SET default_transaction_read_only = on"))
    with pytest.raises(DatabaseUnavailable, match="is read-only"), database.begin() as tx:
        tx.execute(write)
    with owner.begin() as tx:  # which is as it was when it began
        tx.execute(text(f"{alter} RESET default_transaction_read_only"))
    owner.close()
    with database.begin() as tx:
        tx.execute(write)


def test_a_connection_that_is_gone_when_it_comes_back_is_no_error_in_the_log(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    lost = database.engine.raw_connection()
    cursor = lost.cursor()
    cursor.execute("SELECT pg_backend_pid()")
    with database.begin() as tx:
        assert tx.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": cursor.fetchone()[0]}).scalar_one()
    lost.close()
    assert caplog.records == []
    with database.begin() as tx:
        assert tx.execute(text("SELECT 1")).scalar_one() == 1


def test_a_connection_in_use_when_a_database_is_closed_is_closed_when_it_is_given_back(database: Database) -> None:
    other = Database(database.url)
    with other.begin() as tx:
        in_use = tx.connection.dbapi_connection
        other.close()
        assert tx.execute(text("SELECT 1")).scalar_one() == 1
    assert in_use.closed
    with other.begin() as tx:  # closed is not the end: what comes late finds the database, and leaves nothing open
        in_use = tx.connection.dbapi_connection
    assert in_use.closed


def test_what_a_process_locked_that_stands_still_is_free_again_and_it_hears_of_it(database: Database) -> None:
    take = "SELECT pg_advisory_xact_lock(7)"

    async def go() -> None:
        frozen, other = await database.connect(), await database.connect()
        await frozen.execute("BEGIN")
        await frozen.execute(take)
        async with asyncio.timeout(2 * STANDS_STILL_SECONDS):
            await other.execute(take)
        with pytest.raises(CONNECTION_LOST):
            await frozen.execute("COMMIT")
        await frozen.close()
        await other.close()

    asyncio.run(go())


@pytest.mark.parametrize("last_word", [b"", b"Ewhy"], ids=["silent", "refusing"])
def test_a_process_that_stood_still_while_it_connected_hears_of_it_once(
    caplog: pytest.LogCaptureFixture, last_word: bytes
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"postgresql://a:b@127.0.0.1:{server.getsockname()[1]}/x"
        Database(url).close()

        async def connect(steps: int) -> None:
            connecting = asyncio.create_task(asyncpg.connect(url, timeout=0.05))
            for _ in range(steps):
                await asyncio.sleep(0)
            with server.accept()[0] as taken:
                taken.send(last_word)
                time.sleep(0.1)  # noqa: ASYNC251 - it stands still
                with pytest.raises((TimeoutError, ConnectionError)):
                    await connecting
            await asyncio.sleep(0.01)

        for steps in range(2, 12):  # in one of which the connection is there, and what comes next is not yet asked
            asyncio.run(connect(steps))
            gc.collect()
    assert caplog.records == []
