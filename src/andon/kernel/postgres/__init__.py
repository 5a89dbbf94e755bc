"""The embedded PostgreSQL: a whole server in the project's `.andon/postgres`, for projects without a database.

    start     start it, or attach to a running one; concurrent callers get the same server
    running   the running one, or None
    stop      shut it down fast, and wait for its end
    lend      start it for the time in which anybody uses it: the last user to leave stops it
    available the url for a command: the configured one, or the embedded server's for the duration of the command
    url_of    the same for a process that must not start anything: raises NotRunning

How it is built and why: docs/explain/embedded-postgresql.md.
"""

from andon.kernel.postgres.binaries import locate
from andon.kernel.postgres.errors import NotRunning, PostgresFailed
from andon.kernel.postgres.launcher import Server, running, start, stop
from andon.kernel.postgres.leases import available, in_use, lend, place_of, url_of
from andon.kernel.postgres.recovery import Recovery

__all__ = [
    "NotRunning",
    "PostgresFailed",
    "Recovery",
    "Server",
    "available",
    "in_use",
    "lend",
    "locate",
    "place_of",
    "running",
    "start",
    "stop",
    "url_of",
]
