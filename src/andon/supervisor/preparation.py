"""Before the parts start: the database gets the present schema, and a new installation its first key."""

from dataclasses import dataclass

from andon import migrations
from andon.kernel.clock import SystemClock
from andon.kernel.config import Settings
from andon.kernel.db import Database
from andon.supervisor.first_key import first_key


@dataclass(frozen=True, slots=True)
class Prepared:
    """The database's address without its password, and the first key's text if this installation is new."""

    shown: str
    token: str | None


def prepare(url: str, settings: Settings) -> Prepared:
    """Migrate, and make the first key. Raises PepperMissing, DatabaseUnavailable, DatabaseTooOld."""
    database = Database(url, pool_size=1)
    try:
        migrations.upgrade(database)
        return Prepared(database.shown, first_key(database, settings, SystemClock().now()))
    finally:
        database.close()
