"""Errors of the embedded PostgreSQL."""

from andon.kernel.errors import Unavailable


class NotRunning(Unavailable):
    """The embedded PostgreSQL is not running: run `andon up` first, or name a database in ANDON_DATABASE_URL."""


class PostgresFailed(Unavailable):
    """The embedded PostgreSQL cannot be started."""
