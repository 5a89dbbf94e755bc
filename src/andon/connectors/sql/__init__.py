"""PostgreSQL as a destination: one statement per delivery, exactly once, with its key in the same transaction."""

from andon.actions.ports import Kind
from andon.connectors.sql.connector import SqlConnector
from andon.connectors.sql.settings import SqlOptions, SqlSettings

KIND = Kind(
    summary="One statement in a PostgreSQL database, exactly once.",
    connect=lambda _: SqlConnector(),
    options=SqlOptions,
    settings=SqlSettings,
)

__all__ = ["KIND", "SqlConnector", "SqlOptions", "SqlSettings"]
