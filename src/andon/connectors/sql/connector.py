"""One statement per delivery, in one transaction with its key: a repeat finds the key and does nothing.

An unknown outcome is therefore harmless: an inquiry looks for the key, and even a repeat without one is done once.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg

from andon.actions import ValueMissing, values_of
from andon.actions.ports import Answer, AnswerKind, Delivery, Destination, Repeat
from andon.connectors.sql.settings import SqlOptions, SqlSettings
from andon.connectors.sql.statements import ValueUnfit, numbered, parameters
from andon.kernel.addresses import AddressRefused, refuse_private, resolve
from andon.kernel.db import CONNECTION_LOST

CONNECTIONS = 8
"""The most connections to one database, however many deliveries run concurrently."""

_CLOSE_SECONDS = 5.0

_PASSING = ("08", "25", "40", "53", "55", "57", "58")
"""Classes of SQLSTATE after which the same statement may succeed later."""


class UrlUnusable(Exception):
    """The url of a database cannot be used. The message never contains it."""


class SqlConnector:
    """Runs statements, keeping a few connections to each database."""

    repeat = Repeat.IDEMPOTENT

    def __init__(self) -> None:
        self._databases: dict[Destination, _Target] = {}

    async def deliver(self, delivery: Delivery) -> Answer:
        """Run the statement once, unless its key already exists. Waiting for a connection is not part of its time."""
        seconds = delivery.destination.timeout.total_seconds()
        target = self._databases.setdefault(delivery.destination, _Target(delivery.destination))
        statement = SqlOptions.model_validate(dict(delivery.options)).statement
        progress = _Progress()
        try:
            async with target.places, asyncio.timeout(seconds), target.connection() as connection:
                return await _run(target, connection, statement, delivery, progress)
        except (ValueMissing, ValueUnfit, UrlUnusable) as error:
            return Answer(AnswerKind.REFUSED, str(error))
        except AddressRefused as refused:
            return delivery.destination.refuse_address(refused)
        except CONNECTION_LOST as error:
            return progress.lost(_words(error, delivery.destination))
        except asyncpg.PostgresError as error:
            return _refusal(error)

    def can_inquire(self, delivery: Delivery) -> bool:
        """Return True: the key is in the database or it is not."""
        del delivery
        return True

    async def inquire(self, delivery: Delivery) -> Answer:
        """Look for the key."""
        seconds = delivery.destination.timeout.total_seconds()
        target = self._databases.setdefault(delivery.destination, _Target(delivery.destination))
        try:
            async with target.places, asyncio.timeout(seconds), target.connection() as connection:
                found = await connection.fetchval(f"SELECT true FROM {target.keys} WHERE key = $1", delivery.key)
        except (UrlUnusable, AddressRefused, asyncpg.PostgresError, *CONNECTION_LOST) as error:
            return Answer(AnswerKind.UNKNOWN, _words(error, delivery.destination))
        if found:
            return Answer(AnswerKind.DELIVERED, "asked: its key is there")
        return Answer(AnswerKind.FAILED, "asked: its key is not there")

    async def close(self) -> None:
        """Close all connections."""
        databases, self._databases = self._databases, {}
        for target in databases.values():
            await target.close()


@dataclass(slots=True)
class _Progress:
    """The progress of an attempt: until the commit is sent, nothing can have happened."""

    committing: bool = False

    def lost(self, words: str) -> Answer:
        if self.committing:
            return Answer(AnswerKind.UNKNOWN, f"the commit was sent, but no answer came ({words})")
        return Answer(AnswerKind.FAILED, f"nothing was done ({words})")


@dataclass(slots=True)
class _Target:
    """One database, and the types that its statements give their parameters."""

    destination: Destination
    types: dict[str, list[str]] = field(default_factory=dict)
    places: asyncio.Semaphore = field(init=False)
    """One place per connection: a holder of a place need not wait for the pool."""

    _pool: asyncpg.Pool | None = None
    _opening: asyncio.Lock = field(default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        self.places = asyncio.Semaphore(self._most)

    @property
    def _most(self) -> int:
        return min(CONNECTIONS, self.destination.max_concurrent)

    @property
    def keys(self) -> str:
        return self.destination.settings_of("sql", SqlSettings).keys_table

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[asyncpg.Connection]:
        """Yield an exclusive connection. After any error except a refusal, it is not used again.

        Raises UrlUnusable, AddressRefused, and what asyncpg raises.
        """
        pool = await self._opened()
        connection = await pool.acquire()
        try:
            yield connection
        except CONNECTION_LOST:
            connection.terminate()
            raise
        except (asyncpg.PostgresError, ValueMissing, ValueUnfit):
            raise
        except BaseException:
            connection.terminate()
            raise
        finally:
            await pool.release(connection)

    async def _opened(self) -> asyncpg.Pool:
        """Return the pool of connections, after making sure that the table of keys exists."""
        async with self._opening:
            if self._pool is None:
                await self._check_address()
                pool = await asyncpg.create_pool(self.destination.url, min_size=0, max_size=self._most)
                try:
                    async with pool.acquire() as connection:
                        if await connection.fetchval("SELECT to_regclass($1)", self.keys) is None:
                            await connection.execute(
                                f"CREATE TABLE IF NOT EXISTS {self.keys} (key uuid PRIMARY KEY, "
                                "taken_at timestamptz NOT NULL DEFAULT now())"
                            )
                except BaseException:
                    pool.terminate()
                    raise
                self._pool = pool
        return self._pool

    async def close(self) -> None:
        pool, self._pool = self._pool, None
        if pool is not None:
            try:
                await asyncio.wait_for(pool.close(), _CLOSE_SECONDS)
            except TimeoutError:
                pool.terminate()

    async def _check_address(self) -> None:
        parts = urlsplit(self.destination.url)
        if parts.scheme not in ("postgresql", "postgres") or not parts.hostname:
            raise UrlUnusable(
                f"[destinations.{self.destination.name}] cannot be used: its url is not postgresql:// with a host"
            )
        addresses = await resolve(parts.hostname, parts.port or 5432)
        if not self.destination.allow_private:
            refuse_private(addresses)


async def _run(
    target: _Target, connection: asyncpg.Connection, statement: str, delivery: Delivery, progress: _Progress
) -> Answer:
    sql, names = numbered(statement)
    if sql not in target.types:
        target.types[sql] = [one.name for one in (await connection.prepare(sql)).get_parameters()]
    values = parameters(names, target.types[sql], values_of(delivery))
    transaction = connection.transaction()
    await transaction.start()
    try:
        if not await _keep_key(target, connection, delivery.key):
            await transaction.rollback()
            return Answer(AnswerKind.DELIVERED, "it was taken before, under the same key")
        done = await connection.execute(sql, *values)
    except asyncpg.PostgresError:
        await transaction.rollback()
        raise
    progress.committing = True
    await transaction.commit()
    return Answer(AnswerKind.DELIVERED, str(done))


async def _keep_key(target: _Target, connection: asyncpg.Connection, key: UUID) -> bool:
    kept = await connection.fetchval(
        f"INSERT INTO {target.keys} (key) VALUES ($1) ON CONFLICT DO NOTHING RETURNING true", key
    )
    return kept is True


def _refusal(error: asyncpg.PostgresError) -> Answer:
    """Describe the server's refusal by its code, because its text may contain written values."""
    code = getattr(error, "sqlstate", None) or "?????"
    kind = AnswerKind.FAILED if code[:2] in _PASSING else AnswerKind.REFUSED
    constraint = getattr(error, "constraint_name", None)
    of = f" of {constraint}" if constraint else ""
    return Answer(kind, f"PostgreSQL refused the statement: {type(error).__name__}{of} (SQLSTATE {code})")


def _words(error: BaseException, destination: Destination) -> str:
    if isinstance(error, TimeoutError):
        return f"timeout after {destination.timeout.total_seconds():g} s"
    return type(error).__name__
