"""What every command starts from: the project in the current folder, its settings, its database, who is acting."""

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from andon import access, migrations
from andon.kernel import config, postgres
from andon.kernel.clock import Clock, SystemClock
from andon.kernel.config import Settings
from andon.kernel.db import Database
from andon.kernel.identity import Actor
from andon.kernel.logs import configure_logs


@dataclass(frozen=True, slots=True)
class Project:
    """A project with its database open and migrated. Whoever may open the database may do everything: commands ask no key."""

    settings: Settings
    database: Database
    actor: Actor
    clock: Clock

    @property
    def pepper(self) -> bytes:
        """The installation's secret for API keys."""
        return pepper_of(self.settings)


def settings_here() -> Settings:
    """The settings of the project in the current folder."""
    return config.load(Path.cwd())


def pepper_of(settings: Settings) -> bytes:
    """The installation's secret for API keys: as the settings give it, or made on first use."""
    given = settings.access.pepper
    return access.load_or_create_pepper(settings.data / "pepper", given.get_secret_value() if given else None)


def process_parts() -> tuple[Settings, str, bytes]:
    """What a process is started with: settings, the url of the database (which it does not start), the pepper."""
    settings = settings_here()
    return settings, postgres.url_of(settings), pepper_of(settings)


@contextmanager
def project() -> Iterator[Project]:
    """Open the project in the current folder; an embedded PostgreSQL runs at least as long as the command."""
    settings = settings_here()
    configure_logs("andon", "warning")
    with postgres.available(settings) as url:
        database = Database(url)
        try:
            migrations.upgrade(database)
            yield Project(settings, database, Actor(f"cli:{getpass.getuser()}"), SystemClock())
        finally:
            database.close()
