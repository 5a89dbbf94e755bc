"""Becomes another program that the kernel kills when our parent dies.

`python -I -S leash.py PARENT PROGRAM ARGUMENT...` runs as a file of its own between fork and the program, because
nothing but exec is safe between fork and exec in Python, and the kernel keeps the setting (PR_SET_PDEATHSIG) through
exec. SIGKILL, so that not even a hung part keeps its port: every part survives a kill at any moment. Two traps: the
kernel means the parent *thread*, so only the main thread may start parts; and a parent that died before the call is
noticed by comparing.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Sequence

_PR_SET_PDEATHSIG = 1


def leashed(command: Sequence[str]) -> list[str]:
    """Return a command that runs `command` as a child killed with this process. For the main thread."""
    return [sys.executable, "-I", "-S", __file__, str(os.getpid()), *command]


if __name__ == "__main__":
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
            sys.exit(f"prctl: {os.strerror(ctypes.get_errno())}")
    if os.getppid() != int(sys.argv[1]):
        sys.exit("the supervisor has ended")
    os.execv(sys.argv[2], sys.argv[2:])  # noqa: S606  the supervisor's own command
