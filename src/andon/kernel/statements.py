"""Prepared statements on a connection of their own, through libpq itself: for what every batch runs.

All that belongs together is one transaction and one round trip (libpq's pipeline mode). A general driver spends a hundred microseconds on a statement of thirty parameters, most of it on looking at each value. Here
the server says once which types a statement takes, and whole arrays are encoded at once (`binary.py`). Errors are those of
asyncpg, so that who records need not know which way a statement went.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from itertools import count
from pathlib import Path
from select import POLLIN, poll
from typing import Any, NamedTuple, TypeAlias

import asyncpg
import psycopg
import structlog
from psycopg import pq
from psycopg.conninfo import make_conninfo
from psycopg.pq.abc import PGresult

from andon.kernel.binary import ENCODERS, Encode
from andon.kernel.session import STAYING, options_of

log = structlog.get_logger(__name__)

CONNECT_SECONDS = 5

PATIENCE_SECONDS = 30.0
"""For one statement; a server that takes longer is taken for lost."""

_BINARY = 1

Statement: TypeAlias = tuple[str, Sequence[Any]]
"""SQL with its parameters."""


class _Prepared(NamedTuple):
    name: bytes
    encoders: list[Encode]
    formats: list[int]

    def encoded(self, values: Sequence[Any]) -> list[bytes | None]:
        """Parameters as the server reads them."""
        return [None if value is None else encode(value) for encode, value in zip(self.encoders, values, strict=True)]


class Statements:
    """One connection. One transaction at a time; use from one event loop, and `close` when done."""

    def __init__(self, connection: psycopg.AsyncConnection, loop: asyncio.AbstractEventLoop) -> None:
        self._held = connection  # which ends when nobody holds it
        self._connection = connection.pgconn
        self._loop = loop
        self._prepared: dict[str, _Prepared] = {}
        self._numbers = count()
        self._answered: asyncio.Future[PGresult] | None = None
        self._result: PGresult | None = None
        self.is_closed = False
        self._socket = self._connection.socket
        self._more = poll()
        self._more.register(self._socket, POLLIN)
        self._connection.nonblocking = 1
        self._connection.enter_pipeline_mode()
        loop.add_reader(self._socket, self._readable)

    @classmethod
    async def connect(cls, url: str, socket: Path | None = None) -> "Statements":
        """By the unix socket in this folder, or if nobody listens there, by the address. Raises ConnectionError."""
        way = url if socket is None else make_conninfo(url, host=str(socket))
        try:
            connection = await psycopg.AsyncConnection.connect(
                way, autocommit=True, connect_timeout=CONNECT_SECONDS, options=options_of(url, **STAYING)
            )
        except psycopg.OperationalError:
            if socket is None:
                raise ConnectionError("PostgreSQL does not take this connection") from None
            one = await cls.connect(url)
            log.warning("database.not_by_socket", folder=str(socket))
            return one
        return cls(connection, asyncio.get_running_loop())

    async def prepare(self, statements: Iterable[str]) -> None:
        """Have the server read these before they are needed. Raises as `execute` does."""
        for statement in statements:
            await self._prepared_for(statement)

    async def execute(self, statement: str, *values: Any) -> None:
        """Run one statement that answers nothing. Raises what asyncpg would; after anything but a PostgresError it is closed."""
        await self.together([(statement, values)])

    async def together(self, statements: Sequence[Statement]) -> None:
        """Run these in one transaction, which the first that fails ends. Raises as `execute` does.

        Nothing of them is held while the server works: to free it then costs nobody time, and what comes meanwhile gets its memory.
        """
        prepared = [await self._prepared_for(statement) for statement, _ in statements]
        given = [one.encoded(values) for one, (_, values) in zip(prepared, statements, strict=True)]
        del statements

        def send() -> None:
            for one in prepared:
                self._connection.send_query_prepared(one.name, given.pop(0), one.formats)

        await self._run(send)

    async def in_turn(self, statements: Iterable[Statement]) -> None:
        """The same of statements that are prepared already: each is sent before the next is made, so that the server works on it meanwhile."""

        def send() -> None:
            for statement, values in statements:
                one = self._prepared[statement]
                self._connection.send_query_prepared(one.name, one.encoded(values), one.formats)
                self._connection.flush()

        await self._run(send)

    def close(self) -> None:
        """Let go of the server; of what is under way nobody will hear."""
        if self.is_closed:
            return
        self.is_closed = True
        self._loop.remove_reader(self._socket)
        self._loop.remove_writer(self._socket)
        self._connection.finish()
        if self._answered is not None and not self._answered.done():
            self._answered.set_exception(_lost())

    async def _prepared_for(self, statement: str) -> _Prepared:
        """Have the server read a statement, if it has not yet, and say what it takes."""
        known = self._prepared.get(statement)
        if known is not None:
            return known
        name = b"s%d" % next(self._numbers)

        def send() -> None:
            self._connection.send_prepare(name, statement.encode())
            self._connection.send_describe_prepared(name)

        described = await self._run(send)
        encoders = [ENCODERS[described.param_type(at)] for at in range(described.nparams)]
        prepared = self._prepared[statement] = _Prepared(name, encoders, [_BINARY] * len(encoders))
        return prepared

    async def _run(self, send: Callable[[], None]) -> PGresult:
        """Send what is one transaction and wait for its end; the result of the last of it."""
        if self.is_closed:
            raise _lost()
        answered = self._answered = self._loop.create_future()
        patience = self._loop.call_later(PATIENCE_SECONDS, self._give_up)
        try:
            send()
            self._connection.pipeline_sync()
            self._flush()
            result: PGresult = await answered
        except psycopg.OperationalError:
            answered.cancel()  # it may have happened before anybody waited
            self.close()
            raise _lost() from None
        except BaseException:
            answered.cancel()
            self.close()  # what became of it is not known, so nothing can follow
            raise
        finally:
            patience.cancel()
            self._answered = self._result = None
        if result.status == pq.ExecStatus.FATAL_ERROR:
            raise _error_of(result)
        return result

    def _give_up(self) -> None:
        """The server has had its time."""
        if self._answered is not None and not self._answered.done():
            self._answered.set_exception(TimeoutError("PostgreSQL did not answer in time"))

    def _flush(self) -> None:
        """Send on; what the socket does not take now goes when it is ready again."""
        if self._connection.flush():
            self._loop.add_writer(self._socket, self._writable)

    def _writable(self) -> None:
        self._loop.remove_writer(self._socket)
        try:
            self._flush()
        except psycopg.OperationalError:
            self.close()

    def _readable(self) -> None:
        """Something came from the server, or several things: a last word and then the end of the connection.

        Of a connection that was reset uvloop tells once and never again (libuv stops a handle at POLLERR), so all of it is heard now.
        """
        self._hear()
        while not self.is_closed and self._more.poll(0):
            self._hear()

    def _hear(self) -> None:
        """Take in the answer, a part of it, or the end of the connection."""
        connection = self._connection
        try:
            connection.consume_input()
        except psycopg.OperationalError:
            self.close()
            return
        ended = False
        while self._answered is not None and not connection.is_busy():
            result = connection.get_result()
            if result is None:
                if ended:
                    return  # nothing more is there, not even the next statement
                ended = True
                continue
            ended = False
            if result.status == pq.ExecStatus.PIPELINE_SYNC:
                if self._result is not None and not self._answered.done():
                    self._answered.set_result(self._result)
                return
            if self._result is None or self._result.status != pq.ExecStatus.FATAL_ERROR:
                self._result = result


def _lost() -> asyncpg.PostgresConnectionError:
    return asyncpg.ConnectionDoesNotExistError("the connection to PostgreSQL was lost")


def _error_of(result: PGresult) -> asyncpg.PostgresError:
    """The same error that asyncpg would raise."""
    fields = {
        "S": pq.DiagnosticField.SEVERITY,
        "C": pq.DiagnosticField.SQLSTATE,
        "M": pq.DiagnosticField.MESSAGE_PRIMARY,
    }
    told = {letter: (result.error_field(field) or b"").decode(errors="replace") for letter, field in fields.items()}
    error: asyncpg.PostgresError = asyncpg.PostgresError.new(told)
    return error
