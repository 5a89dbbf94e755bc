"""Orphans: what falls to `andon up` when its parent dies, as everything does to the first process of a container."""

import os
import sys
from collections.abc import Container


def reap(ours: Container[int]) -> None:
    """Take leave of the children that have ended, save for `ours`, whose status others ask for; an ended one of those is asked for first.

    PostgreSQL belongs to nobody, so that each of its processes that is orphaned would stay as a zombie.
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
