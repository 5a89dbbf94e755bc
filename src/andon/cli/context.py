"""The context of every command: the project in the current folder, its settings, its database, and the actor."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

from andon import migrations
from andon.bootstrap.installation import pepper_of, settings_here
from andon.bootstrap.project import build_events
from andon.kernel import postgres
from andon.kernel.clock import Clock, SharedClock
from andon.kernel.config import Settings
from andon.kernel.db import Database
from andon.kernel.events import Events
from andon.kernel.identity import Actor, person_here
from andon.kernel.logs import configure_logs


@dataclass(frozen=True)
class Project:
    """A project with its database open and migrated. Commands need no key: access to the database allows everything."""

    settings: Settings
    database: Database
    actor: Actor
    clock: Clock

    @property
    def pepper(self) -> bytes:
        """The installation's secret for API keys."""
        return pepper_of(self.settings)

    @cached_property
    def events(self) -> Events:
        """The subscribers of what a command changes. Raises SettingsInvalid."""
        return build_events(self.settings)


@contextmanager
def project() -> Iterator[Project]:
    """Open the project in the current folder; an embedded PostgreSQL runs at least as long as the command."""
    settings = settings_here()
    configure_logs("andon", "warning")
    with postgres.available(settings) as url:
        database = Database(url)
        try:
            migrations.ensure(database)
            clock = SharedClock(database.now)
            clock.look()
            yield Project(settings, database, person_here(), clock)
        finally:
            database.close()
