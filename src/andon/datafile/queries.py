"""The rows of an SQL query on any database that SQLAlchemy reaches. Only an environment variable holds its address."""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

from andon.datafile import staging
from andon.datafile.errors import DataFileInvalid, DataQueryInvalid, DataQueryUnavailable
from andon.datafile.table import DataFile
from andon.kernel.environment import value_of

_AT_ONCE = 1_000
CONNECT_SECONDS = 10
"""The longest wait for a connection, unless the URL has a `connect_timeout` of its own."""

_READS = re.compile(r"\s*(select|with|values|table)\b", re.IGNORECASE)
_POSTGRESQL = ("postgres", "postgresql")


@dataclass(frozen=True, slots=True)
class Query:
    """A query, and the environment variable (or, with _FILE behind it, the file) that holds the database's URL."""

    sql: str
    url_env: str

    @property
    def name(self) -> str:
        """Its name in messages and files."""
        return f"a query on {self.url_env}"

    def __str__(self) -> str:
        return self.name


def opened(query: Query, folder: Path, connection: duckdb.DuckDBPyConnection) -> DataFile:
    """Take the rows of a query once. Raises DataQueryInvalid, DataQueryUnavailable; neither names the address."""
    with rows_of(query.sql, address(query.url_env)) as (names, rows):
        return staging.staged(query.name, names, rows, folder, connection)


def address(variable: str, environment: Mapping[str, str] = os.environ) -> str:
    """Return the URL in a variable. Raises DataQueryInvalid, SettingsInvalid."""
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", variable):
        raise DataQueryInvalid("--url-env takes the name of an environment variable that holds the URL, not the URL")
    url = value_of(variable, environment)
    if not url:
        raise DataQueryInvalid(f"The environment variable {variable} (of --url-env) is not set")
    return url


@contextmanager
def rows_of(sql: str, url: str) -> Iterator[tuple[Sequence[str], Iterator[Sequence[Any]]]]:
    """Run a query in a read-only transaction; yield the names of its columns and its rows as they arrive."""
    if not _READS.match(sql):
        raise DataQueryInvalid("The query must begin with SELECT or WITH: it may only read")
    engine = _engine(url)
    try:
        with engine.connect() as opened:
            connection = opened.execution_options(**_options(engine))
            if engine.dialect.name == "sqlite":
                connection.exec_driver_sql("PRAGMA query_only = ON")
            found = connection.exec_driver_sql(sql.strip().rstrip(";"))
            yield list(found.keys()), (tuple(row) for row in found.yield_per(_AT_ONCE))
    except DBAPIError as error:
        raise _refusal(error, engine.url) from None
    except SQLAlchemyError as error:
        raise DataQueryInvalid(f"The query failed: {_without_secrets(str(error), engine.url)}") from None
    finally:
        engine.dispose()


def is_postgresql(url: str) -> bool:
    """Return whether psycopg alone reaches the database."""
    return url.partition(":")[0] in _POSTGRESQL


def _engine(url: str) -> sa.Engine:
    try:
        made = sa.make_url(url)
        if made.drivername in _POSTGRESQL:
            made = made.set(drivername="postgresql+psycopg")
        if made.get_backend_name() == "sqlite" and made.database and not Path(made.database).is_file():
            raise DataFileInvalid(f"The SQLite database {made.database} does not exist")
        own = made.get_backend_name() == "postgresql" and "connect_timeout" not in made.query
        within = {"connect_timeout": CONNECT_SECONDS} if own else {}
        return sa.create_engine(made, poolclass=sa.NullPool, hide_parameters=True, connect_args=within)
    except (ArgumentError, ValueError):
        raise DataQueryInvalid(
            "The URL of --url-env is not valid for SQLAlchemy: expected one such as postgresql://host/name"
        ) from None
    except NoSuchModuleError as error:
        raise DataQueryInvalid(f"The URL of --url-env names an unknown kind of database: {error}") from None
    except ModuleNotFoundError as error:
        raise DataQueryInvalid(f"The database needs a driver that is not installed: pip install {error.name}") from None


def _options(engine: sa.Engine) -> dict[str, Any]:
    reading: dict[str, Any] = {"stream_results": True, "max_row_buffer": _AT_ONCE}
    if engine.dialect.name == "postgresql":
        reading["postgresql_readonly"] = True
    return reading


def _refusal(error: DBAPIError, url: sa.URL) -> DataQueryInvalid | DataQueryUnavailable:
    state = getattr(error.orig, "sqlstate", None)
    if (
        isinstance(error, sa.exc.OperationalError)
        and url.get_backend_name() != "sqlite"
        and (state is None or str(state).startswith(("08", "57P")))
    ):
        return DataQueryUnavailable("The queried database does not answer, or refused the connection")
    said = getattr(getattr(error.orig, "diag", None), "message_primary", None) or str(error.orig)
    return DataQueryInvalid(f"The query failed: {_without_secrets(said, url)}")


def _without_secrets(text: str, url: sa.URL) -> str:
    for part in (url.password, url.username, url.host):
        if part:
            text = text.replace(str(part), "***")
    return " ".join(text.split())[:500]
