"""The limit on open files and connections of a process."""

import resource
from contextlib import suppress


def raise_open_files_limit() -> None:
    """Raise this process's limit of open files to the system's (`ulimit -H -n`).

    A shell's default is 1,024, and each connection beyond that would be reset without a log line.
    """
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):  # the real limit may be lower than the reported one
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
