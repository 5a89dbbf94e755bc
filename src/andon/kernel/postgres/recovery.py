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
        self._seen_at_work: psutil.Process | None = None

    def is_abandoned(self) -> bool:
        """Whether the server lives and nobody makes it ready. Looks at its processes once a second, however often it is asked."""
        now = time.monotonic()
        if now < self._looked_at + _LOOK_SECONDS:
            return False
        if now > self._looked_at + _ABANDONED_SECONDS:
            self._worked_at = now  # we stood still, and do not know what was meanwhile
        self._looked_at = now
        if self._is_well():
            self._worked_at = now
        return now > self._worked_at + _ABANDONED_SECONDS

    def _is_well(self) -> bool:
        """Whether one is at work, or the server is gone.

        The one of the last look is asked first: to find children takes a look at all processes of the machine.
        """
        if self._seen_at_work is not None and self._role(self._seen_at_work) in _AT_WORK:
            return True
        roles = {role: process for process in self._children() if (role := self._role(process)) is not None}
        self._seen_at_work = next((roles[role] for role in _AT_WORK if role in roles), None)
        return self._seen_at_work is not None or not roles

    def _role(self, process: psutil.Process) -> str | None:
        """What a process of the server does, by the first word; None of another, and of one that has ended."""
        with suppress(psutil.Error):
            title = process.cmdline()[:1]
            if title and title[0].startswith(self._title):
                return title[0].removeprefix(self._title).split()[0]
        return None

    def _children(self) -> list[psutil.Process]:
        try:
            return psutil.Process(self._pid).children()
        except psutil.Error:
            return []
