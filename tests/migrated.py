"""A database with the schema of an earlier revision, as an installation has it before it is upgraded."""

from alembic import command
from sqlalchemy import text

from andon.kernel.db import Database
from andon.migrations.upgrading import _config


def bring_to(database: Database, revision: str) -> None:
    """Make it anew, without data."""
    with database.begin() as tx:
        tx.execute(text("DROP SCHEMA public CASCADE"))
        tx.execute(text("CREATE SCHEMA public"))
        config = _config()
        config.attributes["connection"] = tx
        command.upgrade(config, revision)
