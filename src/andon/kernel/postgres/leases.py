"""Users of the embedded server. The first user starts it, and the last one to leave stops it.

Each user shares a lock which the kernel frees when its holder dies, so nobody needs to be counted. `andon up` is a user
like any other: a command that runs at the same time finds the server and leaves it running; a command that runs alone
starts and stops it.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from andon.kernel import files
from andon.kernel.config import Settings
from andon.kernel.postgres import home, launcher
from andon.kernel.postgres.errors import NotRunning
from andon.kernel.postgres.launcher import Server


@contextmanager
def lend(place: Path) -> Iterator[Server]:
    """Yield the server in `place`; the last user to leave stops it."""
    with launcher.starting(place):
        server = launcher.start_locked(place)
        use = files.open_lock(server.home.users)
        fcntl.flock(use, fcntl.LOCK_SH)
    try:
        yield server
    finally:
        try:
            with launcher.starting(place):
                if files.try_lock(use):
                    launcher.stop_locked(place)
        finally:
            os.close(use)


def in_use(place: Path) -> bool:
    """Return whether somebody uses the server in `place`."""
    here = home.find(place)
    return here is not None and files.is_held(here.users)


@contextmanager
def available(settings: Settings) -> Iterator[str]:
    """Yield the url for a command: the configured database, or the embedded one, which runs meanwhile."""
    if settings.database.url is not None:
        yield settings.database.url.get_secret_value()
        return
    with lend(place_of(settings)) as server:
        yield server.url


def url_of(settings: Settings) -> str:
    """Return the url of the configured or the running embedded database; starts nothing. Raises NotRunning."""
    if settings.database.url is not None:
        return settings.database.url.get_secret_value()
    server = launcher.running(place_of(settings))
    if server is None:
        raise NotRunning
    return server.url


def place_of(settings: Settings) -> Path:
    """Return the folder of a project's embedded PostgreSQL."""
    return settings.data / "postgres"
