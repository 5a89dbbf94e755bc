"""The database's schema: the version that this code expects, and whether a database has it. See `upgrading.py`.

Without an upgrade, nothing here needs Alembic, which would cost every process 30 MB and half a second.
"""

import importlib
from pathlib import Path

from sqlalchemy import text

from andon.kernel.db import MINIMUM_VERSION, Database, DatabaseUnfit

HEAD = max(file.name[:4] for file in (Path(__file__).parent / "versions").glob("[0-9]*.py"))
"""The newest revision; their numbers count up."""


def check(database: Database) -> None:
    """Require that the database can hold our data. Raises DatabaseUnfit, DatabaseUnavailable."""
    version = database.version()
    if version < MINIMUM_VERSION:
        raise DatabaseUnfit(f"PostgreSQL {version} at {database.shown}: Andon needs {MINIMUM_VERSION} or later")
    encoding = database.encoding()
    if encoding != "UTF8":
        raise DatabaseUnfit(
            f"The database at {database.shown} is encoded as {encoding}, which cannot hold every text: make one with "
            "CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0"
        )


def is_current(database: Database) -> bool:
    """Return whether the database has the schema this code expects. Raises DatabaseUnavailable."""
    with database.begin() as tx:
        if tx.execute(text("SELECT to_regclass('alembic_version')")).scalar_one() is None:
            return False
        return tx.execute(text("SELECT version_num FROM alembic_version")).scalars().all() == [HEAD]


def ensure(database: Database) -> None:
    """Bring the database to the present schema, unless it has it. Raises DatabaseUnfit, DatabaseUnavailable."""
    check(database)
    if not is_current(database):
        with database.making():
            importlib.import_module("andon.migrations.upgrading").upgrade(database)
