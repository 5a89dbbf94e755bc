"""PostgreSQL, reached in two ways: SQLAlchemy Core for the many small things, asyncpg for batches of decisions.

A request, a command or a unit of work is one `Tx`; only its opener commits.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TypeAlias

import asyncpg
from sqlalchemy import Connection, Engine, create_engine, make_url, text
from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError

from andon.kernel.errors import Unavailable

Tx: TypeAlias = Connection

CHANGED = "andon_changed"
"""The channel on which a change of what is deployed is announced (keys, aliases, automation versions); the payload names the noun."""

OVER = "andon_over"
"""The channel on which the end of an accepted request is announced, by a trigger; the payload is its id."""

MINIMUM_VERSION = 15

CONNECTION_LOST = (
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)
"""What asyncpg raises when the server went away, restarts or does not answer; the connection is of no use any more."""


Refusal: TypeAlias = SQLAlchemyError
"""Whatever PostgreSQL or its driver refuses; caught only where an installation is examined."""


class DatabaseUnavailable(Unavailable):
    """The database does not answer."""


class Database:
    """One PostgreSQL database. `url` is `postgresql://...`; the password never appears in a log or an error."""

    def __init__(self, url: str, *, pool_size: int = 3) -> None:
        self.url = url
        parsed = make_url(url).set(drivername="postgresql+psycopg")
        self.engine: Engine = create_engine(
            parsed,
            pool_size=pool_size,
            max_overflow=7,
            pool_pre_ping=True,
            connect_args={"options": "-c timezone=UTC"},
        )

    @property
    def shown(self) -> str:
        """The address without its password, for people."""
        return make_url(self.url).render_as_string(hide_password=True)

    @contextmanager
    def begin(self) -> Iterator[Tx]:
        """Give a `Tx` and commit it at the end, or roll it back on an error. Raises DatabaseUnavailable."""
        try:
            with self.engine.begin() as tx:
                yield tx
        except (OperationalError, InterfaceError) as error:
            raise DatabaseUnavailable(f"PostgreSQL at {self.shown} does not answer or gave up") from error

    @contextmanager
    def snapshot(self) -> Iterator[Tx]:
        """Give a read-only `Tx` that sees one moment for as long as it lasts, whatever others write meanwhile."""
        with self.begin() as tx:
            tx.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
            yield tx

    def version(self) -> int:
        """The server's major version. Raises DatabaseUnavailable."""
        try:
            with self.engine.connect() as tx:
                return int(tx.execute(text("SHOW server_version_num")).scalar_one()) // 10_000
        except OperationalError as error:
            raise DatabaseUnavailable(f"No PostgreSQL answers at {self.shown}") from error

    def now(self) -> datetime:
        """The server's clock."""
        with self.begin() as tx:
            moment: datetime = tx.execute(text("SELECT clock_timestamp()")).scalar_one()
        return moment

    async def pool(self, *, size: int = 4) -> asyncpg.Pool:
        """A pool of asyncpg connections to the same database. The caller closes it."""
        return await asyncpg.create_pool(self.url, min_size=1, max_size=size, command_timeout=30)

    async def connect(self) -> asyncpg.Connection:
        """One asyncpg connection of its own. The caller closes it."""
        return await asyncpg.connect(self.url, timeout=5, command_timeout=30)

    def close(self) -> None:
        """Close all idle connections."""
        self.engine.dispose()


def announce(tx: Tx, noun: str) -> None:
    """Tell every running process, once this transaction is committed, that `noun` changed."""
    tx.execute(text("SELECT pg_notify(:channel, :noun)"), {"channel": CHANGED, "noun": noun})
