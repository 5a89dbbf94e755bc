"""How many files and connections a process may have open."""

import resource
from contextlib import suppress


def raise_open_files_limit() -> None:
    """Let this process have as many as the system allows (`ulimit -H -n`): a shell gives 1,024, and each connection after that would be reset unseen."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):  # a system may have a limit of its own that is lower than what it tells
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
