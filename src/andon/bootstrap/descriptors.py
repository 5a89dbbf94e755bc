"""The limit of open files and connections of a process."""

import resource
from contextlib import suppress


def raise_open_files_limit() -> None:
    """Raise this process's limit of open files to the system's (`ulimit -H -n`).

    A shell gives 1,024, and each connection beyond that would be reset without a log line.
    """
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):  # a system may have a limit of its own that is lower than what it tells
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
