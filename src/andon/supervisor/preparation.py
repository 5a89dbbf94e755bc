"""Before the parts start: the database gets the present schema, and a new installation its first key."""

from andon import migrations, models
from andon.kernel.config import Settings
from andon.kernel.db import Database
from andon.supervisor.first_key import first_key


def prepare(url: str, settings: Settings) -> tuple[str, str | None, bool]:
    """Migrate and make the first key: return the address, the key's text if new, and whether a model is registered.

    The address has no password. The result is plain, so that the calling process need not import what this one does.
    Raises PepperMissing, DatabaseUnavailable, DatabaseUnfit.
    """
    database = Database(url, pool_size=1)
    try:
        migrations.ensure(database)
        token = first_key(database, settings, database.now())
        with database.begin() as tx:
            return database.shown, token, bool(models.list_versions(tx))
    finally:
        database.close()
