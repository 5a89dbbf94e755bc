"""Before the parts start: the database gets the present schema, and a new installation its first key."""

from andon import migrations
from andon.kernel.config import Settings
from andon.kernel.db import Database
from andon.supervisor.first_key import first_key


def prepare(url: str, settings: Settings) -> tuple[str, str | None]:
    """Migrate, and make the first key: the address without its password, and the key's text if this installation is new.

    A plain answer, so that who asked from another process need not import what this one does.
    Raises PepperMissing, DatabaseUnavailable, DatabaseTooOld.
    """
    database = Database(url, pool_size=1)
    try:
        migrations.ensure(database)
        return database.shown, first_key(database, settings, database.now())
    finally:
        database.close()
