"""PostgreSQL, reached in two ways: by SQLAlchemy Core for the many small tasks, by asyncpg for batches of decisions.

A request, a command or a unit of work is one `Tx`; only its opener commits.
"""

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic, sleep
from typing import Any, TypeAlias, cast

import asyncpg
import psycopg
from psycopg.errors import (
    IdleInTransactionSessionTimeout,
    InsufficientPrivilege,
    ProgramLimitExceeded,
    ReadOnlySqlTransaction,
)
from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    IntegrityError,
    InterfaceError,
    InternalError,
    OperationalError,
    ProgrammingError,
    SQLAlchemyError,
)
from sqlalchemy.exc import TimeoutError as NoneFree
from sqlalchemy.pool import NullPool

from andon.kernel import session
from andon.kernel.errors import Conflict, Invalid, Unavailable
from andon.kernel.plurals import plural
from andon.kernel.statements import INCOMPLETE, Statements

Tx: TypeAlias = Connection

CHANGED = "andon_changed"
"""The channel that announces deployment changes (keys, aliases, automation versions); the payload is the noun."""

OVER = "andon_over"
"""The channel on which the end of an accepted request is announced, by a trigger; the payload is its id."""

MINIMUM_VERSION = 15

IDLE_LIMIT = "idle_in_transaction_session_timeout"
"""The server's setting for how long a transaction may be idle."""

STANDS_STILL_SECONDS = 8
"""Idle time within a transaction of a `connect` connection after which the server ends the session.

By then its process is frozen, and its locks block others. The time is longer than any claim or lease.
"""

CONNECTION_LOST = (
    asyncpg.PostgresConnectionError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.OperatorInterventionError,
    asyncpg.TooManyConnectionsError,
    asyncpg.DiskFullError,
    asyncpg.OutOfMemoryError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)
"""The errors asyncpg raises when the server is gone, restarting, silent, out of resources or now a read-only standby.

Resources are connections, disk and memory. The connection can no longer be used.
"""

UNFIT = (DataError, IntegrityError)
"""SQLAlchemy's errors for writes that PostgreSQL refuses: the same write would be refused again."""

Refusal: TypeAlias = SQLAlchemyError
"""Any refusal by PostgreSQL or its driver; caught only where an installation is examined."""


class DatabaseUnavailable(Unavailable):
    """The database does not answer."""


class TooLarge(Invalid):
    """One of the values is larger than PostgreSQL can store or index."""


class RowsChanged(Exception):
    """The rows that a statement depends on are not all as it expects them; `missing` names them."""

    def __init__(self, missing: frozenset[str]) -> None:
        super().__init__(f"{plural(len(missing), 'row')} changed in the meantime")
        self.missing = missing


class DatabaseUnfit(Conflict):
    """The PostgreSQL server is unsuitable: too old, not encoded as UTF8, or its role may not create tables."""


class Database:
    """One PostgreSQL database. `url` is `postgresql://...`; the password never appears in a log or an error.

    `stands_still` is how long a transaction may be idle before the server ends it. `socket` is the folder of the
    server's unix socket if it runs on this machine; every batch uses it, since it costs less than the address. Without
    a pool (`pool_size` 0) each transaction has its own connection.
    """

    def __init__(
        self, url: str, *, pool_size: int = 3, stands_still: timedelta | None = None, socket: Path | None = None
    ) -> None:
        logging.getLogger("sqlalchemy.pool.impl.QueuePool").addFilter(_is_shown)
        logging.getLogger("asyncio").addFilter(_is_news)
        self.url = url
        self._socket = socket
        limit = {} if stands_still is None else {IDLE_LIMIT: str(int(stands_still.total_seconds() * 1000))}
        pooled: dict[str, Any] = {"pool_size": pool_size, "max_overflow": 7, "pool_pre_ping": True}
        self.engine: Engine = create_engine(
            make_url(url).set(drivername="postgresql+psycopg"),
            **(pooled if pool_size else {"poolclass": NullPool}),
            connect_args={"options": session.options_of(url, **limit), "connect_timeout": 5},
        )

    @property
    def shown(self) -> str:
        """The address without its password, for people."""
        return make_url(self.url).render_as_string(hide_password=True)

    @contextmanager
    def begin(self) -> Iterator[Tx]:
        """Yield a `Tx` and commit it at the end, or roll it back on an error. Raises DatabaseUnavailable."""
        try:
            with self.engine.begin() as tx:
                yield tx
        except (OperationalError, InterfaceError, NoneFree) as error:
            if isinstance(error, OperationalError) and isinstance(error.orig, ProgramLimitExceeded):
                raise TooLarge() from error
            raise DatabaseUnavailable("PostgreSQL does not answer or aborted the work") from error
        except InternalError as error:
            if isinstance(error.orig, IdleInTransactionSessionTimeout):
                raise DatabaseUnavailable("PostgreSQL ended a transaction that was idle too long") from error
            if isinstance(error.orig, ReadOnlySqlTransaction):
                self.engine.dispose()  # by now another server may be the primary
                raise DatabaseUnavailable("PostgreSQL is read-only") from error
            raise

    @contextmanager
    def making(self) -> Iterator[None]:
        """Wrap the creation of tables and schemas. Raises DatabaseUnfit if the role may not create them."""
        try:
            yield
        except ProgrammingError as error:
            if not isinstance(error.orig, InsufficientPrivilege):
                raise
            said = str(error.orig).partition("\n")[0]
            raise DatabaseUnfit(
                f"The role of {self.shown} may not create what Andon needs ({said}): make it the database's owner, or "
                "GRANT CREATE on the database and on its schema to it"
            ) from error

    @contextmanager
    def snapshot(self) -> Iterator[Tx]:
        """Yield a read-only `Tx` that sees one moment throughout, whatever others write meanwhile."""
        with self.begin() as tx:
            tx.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
            yield tx

    @contextmanager
    def alone(self, name: str, *, within: float = 5.0) -> Iterator[bool]:
        """Yield whether this process alone holds `name` in this database until the block ends.

        Waits up to `within` seconds for a holder that is about to end. The name is free again when the holder's
        connection is gone, so a restart of the server frees it too: this avoids duplicate work but does not prevent
        duplicate writes. Raises DatabaseUnavailable.
        """
        try:
            holder = self.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        except (OperationalError, NoneFree) as error:
            raise DatabaseUnavailable("PostgreSQL does not answer or aborted the work") from error
        try:
            holder.detach()
            until, take = monotonic() + within, text("SELECT pg_try_advisory_lock(hashtextextended(:name, 0))")
            while not (taken := bool(holder.execute(take, {"name": name}).scalar_one())) and monotonic() < until:
                sleep(0.05)
            yield taken
        finally:
            holder.close()

    def version(self) -> int:
        """Return the server's major version. Raises DatabaseUnavailable."""
        try:
            with self.engine.connect() as tx:
                return int(tx.execute(text("SHOW server_version_num")).scalar_one()) // 10_000
        except OperationalError as error:
            raise DatabaseUnavailable(f"No connection to PostgreSQL at {self.shown}: {_why(error)}") from error

    def encoding(self) -> str:
        """Return the database's text encoding, by PostgreSQL's name."""
        with self.begin() as tx:
            return str(tx.execute(text("SHOW server_encoding")).scalar_one())

    def now(self) -> datetime:
        """Return the server's clock."""
        with self.begin() as tx:
            moment: datetime = tx.execute(text("SELECT clock_timestamp()")).scalar_one()
        return moment

    async def connect(self, **settings: str) -> asyncpg.Connection:
        """Return a separate asyncpg connection, with these settings in addition to ours. The caller closes it."""
        settings = {**session.SETTINGS, **session.STAYING, IDLE_LIMIT: f"{STANDS_STILL_SECONDS}s", **settings}
        return await asyncpg.connect(self.url, timeout=5, command_timeout=30, server_settings=settings)

    async def statements(self) -> Statements:
        """Return a new connection for the statements that every batch runs.

        The caller closes it. Raises ConnectionError.
        """
        return await Statements.connect(self.url, self._socket)

    def close(self) -> None:
        """Close all connections; those in use, as soon as they are returned."""
        close_pool(self.engine)


def close_pool(engine: Engine) -> None:
    """Close the pool's connections, also those in use once they are returned.

    By itself, SQLAlchemy would never close the connection of a thread in the middle of a transaction.
    """
    event.listen(engine.pool, "checkin", lambda _, given_back: given_back.close())
    engine.dispose()


def _why(error: OperationalError) -> str:
    """Return the server's or the network's reason for a failed connection, without any password."""
    said = str(error.orig).partition("\n")[0].rpartition(" failed: ")[2]
    return said.removeprefix("FATAL:").strip()


def is_of_database(error: Exception) -> bool:
    """Return whether the database raised an error: a statement, a connection or a lock failed."""
    return isinstance(error, DBAPIError | DatabaseUnavailable)


def is_lost(tx: Tx) -> bool:
    """Return whether a transaction's connection is gone, so that not even a savepoint of it can be rolled back."""
    return tx.invalidated or cast("psycopg.Connection[Any]", tx.connection.driver_connection).closed


def announce(tx: Tx, noun: str) -> None:
    """Notify every running process that `noun` changed, once this transaction is committed."""
    tx.execute(text("SELECT pg_notify(:channel, :noun)"), {"channel": CHANGED, "noun": noun})


def fetch_binary(tx: Tx, sql: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Return the rows of a query in psycopg's syntax (`%(name)s`), read in binary format.

    For thousands of rows the text format takes several times as long. Raises DatabaseUnavailable.
    """
    connection = cast("psycopg.Connection[tuple[Any, ...]]", tx.connection.driver_connection)
    try:
        with connection.cursor(binary=True) as cursor:
            return cursor.execute(sql, values).fetchall()
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        raise DatabaseUnavailable("PostgreSQL does not answer or aborted the work") from error


def run_plain(tx: Tx, sql: str, values: Sequence[Any]) -> None:
    """Run a statement in PostgreSQL's own syntax (`$1`), which batches also use.

    Raises RowsChanged, DatabaseUnavailable.
    """
    connection = cast("psycopg.Connection[tuple[Any, ...]]", tx.connection.driver_connection)
    try:
        with psycopg.RawCursor(connection) as cursor:
            cursor.execute(sql, values)
    except psycopg.Error as error:
        if error.sqlstate == INCOMPLETE:
            raise RowsChanged(frozenset(json.loads(error.diag.message_detail or "[]"))) from error
        if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
            raise DatabaseUnavailable("PostgreSQL does not answer or aborted the work") from error
        raise


def _is_shown(record: logging.LogRecord) -> bool:
    """Return whether to log a pool's record: all but connections found dead on return, which their user reports."""
    return record.exc_info is None or not isinstance(record.exc_info[1], psycopg.OperationalError)


def _is_news(record: logging.LogRecord) -> bool:
    """Return whether to log an event loop's record: all but asyncpg's connection loss during the TLS request.

    The user of that connection gets its own error. This happens when a process was frozen for longer than the
    connection timeout: then nobody awaits the future of asyncpg's TLSUpgradeProto. The text is asyncpg's own; other
    broken connections have other texts and are logged.
    """
    error = None if record.exc_info is None else record.exc_info[1]
    cut_off = ("unexpected connection_lost() call", "PostgreSQL server at ")
    return type(error) is not ConnectionError or not str(error).startswith(cut_off)
