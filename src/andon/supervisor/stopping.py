"""`andon stop`: ends what runs in a folder, and says what that was."""

import os
import signal
import time

from andon.kernel import postgres
from andon.kernel.config import Settings
from andon.kernel.errors import Denied
from andon.supervisor.errors import StopFailed
from andon.supervisor.part import DRAIN_SECONDS
from andon.supervisor.single import holder, is_free

_SECONDS = DRAIN_SECONDS + 45.0
"""Parts drain, then PostgreSQL stops: fast, or immediately."""

_POLL_SECONDS = 0.05


class NotYours(Denied):
    """It runs as another user."""


def stop(settings: Settings) -> list[str]:
    """Stop the `up` of this project, or an unused PostgreSQL; return what was stopped. Raises StopFailed."""
    stopped = _stop_up(settings)
    place = postgres.place_of(settings)
    server = postgres.running(place)
    if server is None:
        return stopped
    if postgres.in_use(place):
        return [
            *stopped,
            f"PostgreSQL (process {server.pid}) continues for a command that uses it, and ends with that command",
        ]
    postgres.stop(place)
    return [*stopped, f"Stopped a PostgreSQL that was no longer used (process {server.pid})"]


def _stop_up(settings: Settings) -> list[str]:
    other = holder(settings.data)
    if other is None:
        return []
    if other.pid is None:
        raise StopFailed(
            f"`andon up` is running in {settings.root}, but is not visible from here: stop it where it runs"
        )
    try:
        os.kill(other.pid, signal.SIGTERM)
    except ProcessLookupError:
        return []
    except PermissionError as error:
        raise NotYours(f"`andon up` (process {other.pid}) is running as another user: stop it as that user") from error
    end = time.monotonic() + _SECONDS
    while not is_free(settings.data):
        if time.monotonic() > end:
            raise StopFailed(f"`andon up` (process {other.pid}) has not ended within {_SECONDS:.0f} s")
        time.sleep(_POLL_SECONDS)
    return [f"Stopped `andon up` (process {other.pid}) and all processes that it had started"]
