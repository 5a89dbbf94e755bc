"""Makes a PostgreSQL that refuses everybody permanently: the one that replays its log after a crash is killed too."""

import os
import signal
import time
from contextlib import closing, suppress

import psutil
import psycopg

from andon.kernel.postgres import Server

TRIES = 20
SECONDS = 10.0


def abandon(server: Server) -> None:
    """Crash one of its processes, and then the one that recovers from it, which must be met while it is at work."""
    for _ in range(TRIES):
        with closing(psycopg.connect(server.url)) as doomed:
            os.kill(doomed.info.backend_pid, signal.SIGKILL)
            if _kill_startup(server):
                return
    raise AssertionError(f"the recovery was over before it could be killed, {TRIES} times")


def _kill_startup(server: Server) -> bool:
    """Kill it as soon as it is there; False if the server was ready before."""
    end, crashed = time.monotonic() + SECONDS, False
    while time.monotonic() < end:
        roles = {}
        with suppress(psutil.NoSuchProcess):
            roles = {_role(process): process for process in psutil.Process(server.pid).children()}
        if "startup" in roles:
            roles["startup"].kill()
            return True
        crashed = crashed or "walwriter" not in roles
        if crashed and "walwriter" in roles:
            return False
    raise AssertionError(f"neither a recovery nor a ready server within {SECONDS:.0f} s")


def _role(process: psutil.Process) -> str:
    """Return PostgreSQL's name for it; empty when it has just ended."""
    return " ".join(process.cmdline()).rpartition(": ")[2].partition(" ")[0]
