"""Statements by libpq: what arrives is what was given, and what goes wrong is told by its SQLSTATE."""

import asyncio
import gc
import os
import select
import signal
import socket
import struct
import threading
import time
import weakref
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import structlog
import uvloop
from sqlalchemy import make_url, text

from andon.kernel import statements
from andon.kernel.db import CONNECTION_LOST, Database
from andon.kernel.ids import uuid7
from andon.kernel.postgres import Server
from andon.kernel.statements import INCOMPLETE, ConnectionLost, StatementRefused, Statements, all_of

ALL = """
INSERT INTO things (n, u, t, i, b, f, o, w, y)
SELECT * FROM unnest(
    $1::int[], $2::uuid[], $3::text[], $4::int[], $5::bigint[], $6::float8[], $7::bool[], $8::timestamptz[],
    $9::bytea[])
"""
ONE = "INSERT INTO things (n, u, t, i, b, f, o, w, y) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"

FOUND = all_of("SELECT n FROM things WHERE n = ANY($1::int[])", "n", "$1::int[]")

UNIQUE_VIOLATION, CHARACTER_NOT_IN_REPERTOIRE, UNDEFINED_TABLE = "23505", "22021", "42P01"

SLEEP = "SELECT pg_sleep($1::float8)"

A_NOTICE = b"N" + struct.pack("!I", 24) + b"SWARNING\0C57P02\0M!\0\0"
"""The words of a server one of whose processes crashed: severity, code and message."""

EARLY, LATE = datetime(1999, 12, 31, 23, 59, 59, 999999, UTC), datetime(2026, 11, 25, 14, 38, 42, 1, UTC)
ROWS = [
    (1, UUID(int=7), "Ünïcode €", -(2**31), 2**63 - 1, 0.1, True, EARLY, b"\0\1\2"),
    (2, uuid7(LATE), "", 2**31 - 1, -(2**63), float("-inf"), False, LATE, b""),
    (3, None, None, None, None, None, None, None, None),
]


@pytest.fixture(params=["address", "socket"])
def things(request: pytest.FixtureRequest, postgres_server: Server | None, database: Database) -> Iterator[Database]:
    """Yield a database with a table, reached by its address or by its socket."""
    if request.param == "socket" and postgres_server is None:
        pytest.skip("ANDON_TEST_SERVER says of no socket")
    found = Database(
        database.url, socket=postgres_server.socket if request.param == "socket" and postgres_server else None
    )
    with found.begin() as tx:
        tx.execute(
            text(
                "CREATE TABLE things (n int PRIMARY KEY, u uuid, t text, i int, b bigint, f float8, o bool, w "
                "timestamptz, y bytea)"
            )
        )
    yield found
    found.close()


@asynccontextmanager
async def opened(database: Database) -> AsyncIterator[Statements]:
    one = await database.statements()
    try:
        yield one
    finally:
        one.close()


def run(database: Database, work: Callable[[Statements], Coroutine[Any, Any, None]]) -> None:
    async def whole() -> None:
        async with opened(database) as one:
            await work(one)

    asyncio.run(whole())


class Reset:
    """A way to PostgreSQL that ends with a reset, which no orderly end comes before."""

    def __init__(self, url: str) -> None:
        parsed = make_url(url)
        self._door = socket.create_server(("127.0.0.1", 0))
        self._server = socket.create_connection((parsed.host or "127.0.0.1", parsed.port or 5432))
        own = parsed.set(host="127.0.0.1", port=self._door.getsockname()[1])
        self.url = own.render_as_string(hide_password=False)
        self._over = threading.Event()
        self._handing_on = threading.Thread(target=self._hand_on)
        self._handing_on.start()

    def end(self, *, after: bytes) -> None:
        """Say a last word and reset; the client has both when this returns."""
        self._over.set()
        self._handing_on.join()
        self._client.sendall(after)
        self._client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        for one in (self._client, self._server, self._door):
            one.close()

    def _hand_on(self) -> None:
        self._client, _ = self._door.accept()
        other = {self._client: self._server, self._server: self._client}
        while not self._over.is_set():
            for source in select.select(list(other), [], [], 0.01)[0]:
                other[source].sendall(source.recv(65536))


def wait_until_asleep(database: Database) -> None:
    """Until the server runs a statement that takes its time."""
    wait_until(database, "wait_event = 'PgSleep'")


def wait_until(database: Database, waits: str) -> None:
    """Until the server waits so with a statement."""
    so = text(f"SELECT count(*) FROM pg_stat_activity WHERE {waits} AND datname = current_database()")
    until = time.monotonic() + 10
    while time.monotonic() < until:
        with database.begin() as tx:
            if tx.execute(so).scalar_one():
                return
        time.sleep(0.01)
    raise AssertionError("the statement did not begin")


def there(database: Database) -> list[tuple[Any, ...]]:
    with database.begin() as tx:
        return [tuple(row) for row in tx.execute(text("SELECT n, u, t, i, b, f, o, w, y FROM things ORDER BY n"))]


@contextmanager
def refused(sqlstate: str) -> Iterator[None]:
    with pytest.raises(StatementRefused) as raised:
        yield
    assert raised.value.sqlstate == sqlstate


async def add(one: Statements, number: int, note: str = "") -> None:
    await one.execute(ONE, number, None, note, None, None, None, None, None, None)


@pytest.mark.parametrize("rows", [ROWS, ROWS * 20, ROWS[:2] * 20], ids=["few", "many", "many without a NULL"])
def test_arrays_arrive_as_they_were_given(things: Database, rows: list[tuple[Any, ...]]) -> None:
    numbered = [(number, *row[1:]) for number, row in enumerate(rows)]
    run(things, lambda one: one.execute(ALL, *zip(*numbered, strict=True)))
    assert there(things) == numbered


def test_single_values_arrive_as_they_were_given(things: Database) -> None:
    async def each(one: Statements) -> None:
        for row in ROWS:
            await one.execute(ONE, *row)

    run(things, each)
    assert there(things) == ROWS


def test_no_rows_are_no_error(things: Database) -> None:
    run(things, lambda one: one.execute(ALL, *([] for _ in range(9))))
    assert there(things) == []


def test_what_the_socket_does_not_take_at_once_is_sent_when_it_does(things: Database) -> None:
    long = "x" * 20_000_000
    run(things, lambda one: add(one, 1, long))
    assert there(things)[0][2] == long


def test_a_refusal_says_why_and_the_next_statement_is_taken(things: Database) -> None:
    async def twice(one: Statements) -> None:
        await add(one, 1)
        with refused(UNIQUE_VIOLATION):
            await add(one, 1)
        with refused(CHARACTER_NOT_IN_REPERTOIRE):
            await add(one, 2, "a NUL: \0")
        await add(one, 3)

    run(things, twice)
    assert [row[0] for row in there(things)] == [1, 3]


def test_a_statement_that_cannot_be_read_is_refused_and_can_be_mended(things: Database) -> None:
    async def wrong(one: Statements) -> None:
        with refused(UNDEFINED_TABLE):
            await one.execute("INSERT INTO nothing_of_that_name VALUES ($1)", 1)
        await add(one, 1)

    run(things, wrong)
    assert [row[0] for row in there(things)] == [1]


def test_what_goes_together_is_there_together_or_not_at_all(things: Database) -> None:
    async def several(one: Statements) -> None:
        await one.together([(ONE, (number, *[None] * 8)) for number in (1, 2)])
        with refused(UNIQUE_VIOLATION):
            await one.together([(ONE, (number, *[None] * 8)) for number in (3, 1, 4)])
        with refused(INCOMPLETE):
            await one.together([(ONE, (5, *[None] * 8)), (FOUND, ([1, 3],))])
        await one.together([(ONE, (6, *[None] * 8)), (FOUND, ([1, 2],)), (ONE, (7, *[None] * 8))])

    run(things, several)
    assert [row[0] for row in there(things)] == [1, 2, 6, 7]


def test_what_was_sent_is_not_held_while_the_server_works(things: Database) -> None:
    class Note(str):
        """A text whose end can be seen."""

    async def sent(one: Statements) -> None:
        note = Note("long")
        gone = weakref.ref(note)
        under_way = asyncio.create_task(one.together([("SELECT pg_sleep(0.5), $1::text", (note,))]))
        del note
        await asyncio.to_thread(wait_until_asleep, things)
        assert gone() is None
        await under_way

    run(things, sent)


def test_of_statements_of_which_one_cannot_be_encoded_nothing_is_done(
    things: Database, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(one: Statements) -> None:
        with pytest.raises(KeyError):
            await one.together([(ONE, (1, *[None] * 8)), ("SELECT $1::jsonb", ("{}",))])
        with pytest.raises(TypeError):
            await one.together([(ONE, (2, *[None] * 8)), ("SELECT $1::text", (7,))])
        await add(one, 3)

    run(things, broken)
    gc.collect()
    assert caplog.text == ""  # as of an error that nobody looked at
    assert [number for number, *_ in there(things)] == [3]


def test_a_killed_backend_is_a_lost_connection(things: Database) -> None:
    async def killed(one: Statements) -> None:
        await add(one, 1)
        with things.begin() as tx:
            end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'INSERT INTO things%'"
            assert tx.execute(text(end)).scalar_one()
        with pytest.raises(CONNECTION_LOST):
            await add(one, 2)
        with pytest.raises(CONNECTION_LOST):
            await add(one, 3)
        assert one.is_closed

    run(things, killed)
    assert [row[0] for row in there(things)] == [1]


def test_what_takes_too_long_is_cancelled(things: Database) -> None:
    async def slow(one: Statements) -> None:
        with pytest.raises(StatementRefused) as refused:
            await one.together([(SLEEP, (30.0,))], lambda: 0.0)
        assert refused.value.sqlstate == statements.CANCELED
        await add(one, 1)

    run(things, slow)
    assert [row[0] for row in there(things)] == [1]


def test_a_server_that_does_not_cancel_is_taken_for_lost(things: Database) -> None:
    async def stopped(one: Statements) -> None:
        pids = "SELECT pid FROM pg_stat_activity WHERE query LIKE '%pg_sleep%' AND pid <> pg_backend_pid()"
        slow = asyncio.create_task(one.together([(SLEEP, (30.0,))], lambda: 0.3))
        found: list[int] = []
        while not found:
            await asyncio.sleep(0.01)
            with things.begin() as tx:
                found = list(tx.execute(text(pids)).scalars())
        os.kill(found[0], signal.SIGSTOP)
        try:
            with pytest.raises(TimeoutError):
                await slow
        finally:
            os.kill(found[0], signal.SIGCONT)
        assert one.is_closed

    run(things, stopped)


@pytest.mark.parametrize("runner", [uvloop.run, asyncio.run])
def test_a_reset_that_is_met_in_sending_is_told_to_who_asked_and_to_nobody_else(
    things: Database, runner: Callable[[Coroutine[Any, Any, None]], None]
) -> None:
    untold: list[object] = []

    async def reset() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: untold.append(context))
        way = Reset(things.url)
        one = await Statements.connect(way.url)
        await one.execute("SELECT $1::text", "a")
        way.end(after=b"")
        with pytest.raises(ConnectionLost):
            await one.execute("SELECT $1::text", "more than a socket takes at once" * 100_000)
        assert one.is_closed
        gc.collect()

    runner(reset())
    assert untold == []


@pytest.mark.parametrize("runner", [uvloop.run, asyncio.run])
def test_a_connection_that_is_reset_after_a_last_word_is_lost_at_once(
    things: Database, runner: Callable[[Coroutine[Any, Any, None]], None]
) -> None:
    async def reset() -> None:
        way = Reset(things.url)
        one = await Statements.connect(way.url)
        task = asyncio.create_task(one.execute(SLEEP, 30.0))
        await asyncio.to_thread(wait_until_asleep, things)
        way.end(after=A_NOTICE)
        with pytest.raises(ConnectionLost):
            await asyncio.wait_for(task, 5)
        assert one.is_closed

    runner(reset())


def test_who_waits_no_more_leaves_a_closed_connection(things: Database) -> None:
    async def cancelled(one: Statements) -> None:
        task = asyncio.create_task(one.execute(SLEEP, 30.0))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert one.is_closed

    run(things, cancelled)


def test_a_socket_is_what_is_used_where_one_is_named(things: Database, request: pytest.FixtureRequest) -> None:
    async def asked(one: Statements) -> None:
        await one.execute("INSERT INTO things (n, b) SELECT $1::int, (inet_client_addr() IS NULL)::int", 1)

    run(things, asked)
    with things.begin() as tx:
        by_socket = tx.execute(text("SELECT b FROM things")).scalar_one()
    assert bool(by_socket) is ("socket" in request.node.callspec.id)


@pytest.mark.parametrize("folder", ["nobody-listens", "no/such/folder"])
def test_where_nobody_listens_at_the_socket_the_address_is_used_and_that_is_logged(
    database: Database, tmp_path: Path, folder: str
) -> None:
    (tmp_path / "nobody-listens").mkdir()
    gone = Database(database.url, socket=tmp_path / folder)

    async def asked(one: Statements) -> None:
        await one.execute("SELECT $1::text", "a")

    with structlog.testing.capture_logs() as logs:
        run(gone, asked)
    assert [(entry["event"], entry["folder"]) for entry in logs] == [("database.not_by_socket", str(tmp_path / folder))]
    gone.close()


def test_a_server_that_is_not_there_is_a_connection_error_without_a_password() -> None:
    with pytest.raises(ConnectionError) as raised:
        asyncio.run(Statements.connect("postgresql://andon:hush@127.0.0.1:1/andon"))
    assert "hush" not in str(raised.value)
