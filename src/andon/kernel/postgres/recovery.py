"""Notices a server that will never be ready again.

After the crash of one of its processes PostgreSQL ends them all and starts one that replays its log, `startup`. If that one is killed
too, PostgreSQL 18 neither starts another nor ends, and refuses everybody for ever. `walwriter` runs in a server that is ready.
"""

import time
from contextlib import suppress

import psutil

_LOOK_SECONDS = 1.0

_ABANDONED_SECONDS = 7.0
"""For so long nobody must have been seen at it. Processes that are told to end get five seconds from PostgreSQL, and none is there then."""

_AT_WORK = {"startup", "walwriter"}


class Recovery:
    """Watches the server of process `pid`, whose processes are called after `cluster`."""

    def __init__(self, pid: int, cluster: str) -> None:
        self._pid = pid
        self._title = f"postgres: {cluster}: "
        self._looked_at = self._worked_at = time.monotonic()

    def is_abandoned(self) -> bool:
        """Whether the server lives and nobody makes it ready. Looks at its processes once a second, however often it is asked."""
        now = time.monotonic()
        if now < self._looked_at + _LOOK_SECONDS:
            return False
        if now > self._looked_at + _ABANDONED_SECONDS:
            self._worked_at = now  # we stood still, and do not know what was meanwhile
        self._looked_at = now
        roles = self._roles()
        if roles & _AT_WORK or not roles:
            self._worked_at = now
        return now > self._worked_at + _ABANDONED_SECONDS

    def _roles(self) -> set[str]:
        """What its processes do, by the first word. Callers come and go meanwhile: one that has ended during the look is left out."""
        roles = set()
        for process in self._children():
            with suppress(psutil.Error):
                title = process.cmdline()[:1]
                if title and title[0].startswith(self._title):
                    roles.add(title[0].removeprefix(self._title).split()[0])
        return roles

    def _children(self) -> list[psutil.Process]:
        try:
            return psutil.Process(self._pid).children()
        except psutil.Error:
            return []
