"""Orphans: processes inherited by `andon up` as the first process of a container, when their parents die."""

import os
import sys
from collections.abc import Container


def reap(ours: Container[int]) -> None:
    """Reap the children that have ended, except `ours`, whose status others read.

    If one of ours has ended, it is the first in line and the others wait. Orphaned processes of PostgreSQL, which is
    nobody's child, would stay as zombies otherwise.
    """
    if sys.platform != "linux":
        return
    while True:
        try:
            ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return
        if ended is None or ended.si_pid in ours:
            return
        os.waitpid(ended.si_pid, 0)
