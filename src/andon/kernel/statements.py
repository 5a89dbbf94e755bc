"""Prepared statements on their own connection, through libpq itself, for the statements of every batch.

Statements that belong together are one transaction and one round trip (libpq's pipeline mode). A general driver spends
a hundred microseconds on a statement with thirty parameters, because it inspects each value. Here the server names the
types of the parameters once, and arrays are encoded as a whole (`binary.py`). Errors are StatementRefused and
ConnectionLost.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from itertools import count
from pathlib import Path
from select import POLLIN, poll
from typing import Any, NamedTuple, TypeAlias

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
"""The longest time of one transaction; the server is then asked to cancel it."""

LOOK_SECONDS = 0.05
"""The time after which a transaction counts as slow, and its sender is asked how much longer to wait."""

CANCEL_SECONDS = 0.5
"""The time for a server to answer a request to cancel; without an answer it counts as lost."""

_BINARY = 1

CANCELED = "57014"
"""The SQLSTATE of a cancelled transaction: nothing of it was done."""

Statement: TypeAlias = tuple[str, Sequence[Any]]
"""SQL text with its parameters."""

Patience: TypeAlias = Callable[[], float]
"""Returns how many more seconds to wait for a slow transaction."""

INCOMPLETE = "AN001"
"""The SQLSTATE of `refuse_unless_all_found`: some rows that a statement depends on are not as it expects them."""


def all_of(statement: str, column: str, wanted: str) -> str:
    """Make a statement refuse its transaction with INCOMPLETE unless `column` of its rows has all of `wanted`."""
    return f"WITH found AS ({statement}) SELECT refuse_unless_all_found(array_agg(found.{column}), {wanted}) FROM found"


class StatementRefused(Exception):
    """The server refused a statement, so nothing of its transaction was done; `sqlstate` says why."""

    def __init__(self, sqlstate: str, message: str) -> None:
        super().__init__(f"{message} ({sqlstate})")
        self.sqlstate = sqlstate


class ConnectionLost(ConnectionError):
    """The connection to PostgreSQL ended; whether the transaction under way was committed is unknown."""


class _Prepared(NamedTuple):
    name: bytes
    encoders: list[Encode]
    formats: list[int]

    def encoded(self, values: Sequence[Any]) -> list[bytes | None]:
        """Return parameters as the server reads them."""
        return [None if value is None else encode(value) for encode, value in zip(self.encoders, values, strict=True)]


class Statements:
    """One connection, for one transaction at a time. Use from one event loop, and `close` when done."""

    def __init__(self, connection: psycopg.AsyncConnection, loop: asyncio.AbstractEventLoop) -> None:
        self._held = connection  # it is closed once nothing refers to it
        self._connection = connection.pgconn
        self._loop = loop
        self._prepared: dict[str, _Prepared] = {}
        self._numbers = count()
        self._answered: asyncio.Future[PGresult] | None = None
        self._result: PGresult | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._cancelling: asyncio.Task[None] | None = None
        self.is_closed = False
        self._socket = self._connection.socket
        self._more = poll()
        self._more.register(self._socket, POLLIN)
        self._connection.nonblocking = 1
        self._connection.enter_pipeline_mode()
        loop.add_reader(self._socket, self._readable)

    @classmethod
    async def connect(cls, url: str, socket: Path | None = None) -> "Statements":
        """Connect through the unix socket in this folder or, if nobody listens there, to the address.

        Raises ConnectionError.
        """
        way = url if socket is None else make_conninfo(url, host=str(socket))
        try:
            connection = await psycopg.AsyncConnection.connect(
                way, autocommit=True, connect_timeout=CONNECT_SECONDS, options=options_of(url, **STAYING)
            )
        except psycopg.OperationalError:
            if socket is None:
                raise ConnectionError("PostgreSQL does not accept this connection") from None
            one = await cls.connect(url)
            log.warning("database.not_by_socket", folder=str(socket))
            return one
        return cls(connection, asyncio.get_running_loop())

    async def prepare(self, statements: Iterable[str], patience: Patience | None = None) -> None:
        """Have the server parse these statements before they are needed. Raises as `together` does."""
        for statement in statements:
            await self._prepared_for(statement, patience)

    async def execute(self, statement: str, *values: Any) -> None:
        """Run one statement that returns nothing. Raises as `together` does."""
        await self.together([(statement, values)])

    async def together(self, statements: Sequence[Statement], patience: Patience | None = None) -> None:
        """Run these statements in one transaction, which ends at the first failure.

        `patience` is asked only about a transaction that is slow. When patience ends, the server is asked to cancel:
        StatementRefused with CANCELED is raised once it has done so, TimeoutError if it does not answer. Raises
        StatementRefused, ConnectionLost and TimeoutError; after all but the first, the connection is closed. The
        statements are freed while the server works, so that their memory can be reused meanwhile.
        """
        if not statements:
            return
        prepared = [await self._prepared_for(statement, patience) for statement, _ in statements]
        given = [one.encoded(values) for one, (_, values) in zip(prepared, statements, strict=True)]
        del statements

        def send() -> None:
            for one in prepared:
                self._connection.send_query_prepared(one.name, given.pop(0), one.formats)

        await self._run(send, patience)

    def close(self) -> None:
        """Close the connection; a transaction under way raises ConnectionLost."""
        if self.is_closed:
            return
        self.is_closed = True
        self._loop.remove_reader(self._socket)
        self._loop.remove_writer(self._socket)
        self._connection.finish()
        if self._answered is not None and not self._answered.done():
            self._answered.set_exception(ConnectionLost())

    async def _prepared_for(self, statement: str, patience: Patience | None) -> _Prepared:
        """Have the server parse a statement once, and return how to send it."""
        known = self._prepared.get(statement)
        if known is not None:
            return known
        name = b"s%d" % next(self._numbers)

        def send() -> None:
            self._connection.send_prepare(name, statement.encode())
            self._connection.send_describe_prepared(name)

        described = await self._run(send, patience)
        encoders = [ENCODERS[described.param_type(at)] for at in range(described.nparams)]
        prepared = self._prepared[statement] = _Prepared(name, encoders, [_BINARY] * len(encoders))
        return prepared

    async def _run(self, send: Callable[[], None], patience: Patience | None = None) -> PGresult:
        """Send one transaction and wait for its end; return its last result."""
        if self.is_closed:
            raise ConnectionLost()
        answered = self._answered = self._loop.create_future()
        if patience is None:
            self._timer = self._loop.call_later(PATIENCE_SECONDS, self._cancel)
        else:
            self._timer = self._loop.call_later(LOOK_SECONDS, self._is_slow, patience)
        try:
            send()
            self._connection.pipeline_sync()
            self._flush()
            result: PGresult = await answered
        except psycopg.OperationalError:
            answered.cancel()  # it may have ended before anybody waited
            self.close()
            raise ConnectionLost() from None
        except BaseException:
            answered.cancel()
            self.close()  # the outcome is unknown, so nothing can follow
            raise
        finally:
            if self._timer is not None:
                self._timer.cancel()
            self._answered = self._result = None
            if self._cancelling is not None:
                await self._cancelled(self._cancelling)
        if result.status == pq.ExecStatus.FATAL_ERROR:
            raise _error_of(result)
        return result

    def _is_slow(self, patience: Patience) -> None:
        """Wait as long as the sender requests, then cancel."""
        self._timer = self._loop.call_later(max(0.0, min(patience(), PATIENCE_SECONDS)), self._cancel)

    def _cancel(self) -> None:
        """Ask the server to cancel the transaction, and wait a moment longer for its answer."""
        self._timer = self._loop.call_later(CANCEL_SECONDS, self._give_up)
        self._cancelling = self._loop.create_task(self._held.cancel_safe(timeout=CANCEL_SECONDS))

    async def _cancelled(self, cancelling: asyncio.Task[None]) -> None:
        """Wait until the request to cancel has arrived: a late one must not hit the next transaction."""
        self._cancelling = None
        try:
            await cancelling
        except (psycopg.Error, OSError):
            self.close()  # it may still arrive

    def _give_up(self) -> None:
        """End the wait for a server that does not report the transaction's outcome."""
        if self._answered is not None and not self._answered.done():
            self._answered.set_exception(TimeoutError("PostgreSQL did not answer in time"))

    def _flush(self) -> None:
        """Send pending bytes; the rest follows when the socket is ready again."""
        if self._connection.flush():
            self._loop.add_writer(self._socket, self._writable)

    def _writable(self) -> None:
        self._loop.remove_writer(self._socket)
        try:
            self._flush()
        except psycopg.OperationalError:
            self.close()

    def _readable(self) -> None:
        """Read everything that the server sent: an answer, or a last error and then the end of the connection.

        uvloop reports a reset connection only once (libuv stops a handle at POLLERR), so all of it is read now.
        """
        self._hear()
        while not self.is_closed and self._more.poll(0):
            self._hear()

    def _hear(self) -> None:
        """Process the answer, a part of it, or the end of the connection."""
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
                    return  # there is nothing more, not even the next statement
                ended = True
                continue
            ended = False
            if result.status == pq.ExecStatus.PIPELINE_SYNC:
                if self._result is not None and not self._answered.done():
                    self._answered.set_result(self._result)
                return
            if self._result is None or self._result.status != pq.ExecStatus.FATAL_ERROR:
                self._result = result


def _error_of(result: PGresult) -> StatementRefused:
    sqlstate, message = (
        (result.error_field(field) or b"").decode(errors="replace")
        for field in (pq.DiagnosticField.SQLSTATE, pq.DiagnosticField.MESSAGE_PRIMARY)
    )
    return StatementRefused(sqlstate, message)
