"""Brings a database to the present schema. The statements are SQL files beside the revision that runs them, one file a slice."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import text

from andon.kernel.db import MINIMUM_VERSION, Database
from andon.kernel.errors import Conflict

_LOCK = 0x616E646F6E
"""Key of the advisory lock that lets one process migrate while the others wait."""


class DatabaseTooOld(Conflict):
    """The PostgreSQL server is older than Andon supports."""


def upgrade(database: Database) -> None:
    """Run what is missing, once, whoever calls at the same time. Raises DatabaseTooOld, DatabaseUnavailable."""
    version = database.version()
    if version < MINIMUM_VERSION:
        raise DatabaseTooOld(f"PostgreSQL {version} at {database.shown}: Andon needs {MINIMUM_VERSION} or later")
    with database.begin() as tx:
        tx.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        config = _config()
        config.attributes["connection"] = tx
        command.upgrade(config, "head")


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("path_separator", "os")
    return config
