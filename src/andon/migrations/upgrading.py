"""Upgrades of a database to the present schema. SQL files next to a revision have its statements, one per slice."""

import importlib
from datetime import UTC, datetime
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import text

from andon.kernel.db import Database, Tx

_LOCK = 0x616E646F6E
"""Key of the advisory lock that lets one process migrate while the others wait."""


def upgrade(database: Database, revision: str = "head") -> None:
    """Run the missing upgrades up to a revision, once even if called concurrently. Raises DatabaseUnavailable."""
    with database.begin() as tx:
        tx.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        config = _config()
        config.attributes["connection"] = tx
        before = _revision(tx)
        command.upgrade(config, revision)
        if before is not None:
            for first, adopt in importlib.import_module("andon.bootstrap.vouched").ADOPTIONS.items():
                if before < first <= str(_revision(tx)):
                    adopt(tx, datetime.now(UTC))


def _revision(tx: Tx) -> str | None:
    if tx.execute(text("SELECT to_regclass('alembic_version')")).scalar_one() is None:
        return None
    found: str | None = tx.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
    return found


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("path_separator", "os")
    return config
