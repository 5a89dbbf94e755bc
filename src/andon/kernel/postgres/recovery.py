"""Detection of a server that will never be ready again.

After the crash of one of its processes PostgreSQL ends them all and starts `startup`, which replays its log. If
`startup` is killed too, PostgreSQL 18 neither restarts it nor ends, and refuses every connection from then on.
`walwriter` runs in a ready server.
"""

import time
from contextlib import suppress

import psutil

_LOOK_SECONDS = 1.0

_ABANDONED_SECONDS = 7.0
"""The time without a recovery process before a server counts as abandoned.

PostgreSQL gives processes five seconds to end, during which there is none.
"""

_AT_WORK = {"startup", "walwriter"}


class Recovery:
    """Watches the server of process `pid`, whose processes have `cluster` in their titles."""

    def __init__(self, pid: int, cluster: str) -> None:
        self._pid = pid
        self._title = f"postgres: {cluster}: "
        self._looked_at = self._worked_at = time.monotonic()
        self._seen_at_work: psutil.Process | None = None

    def is_abandoned(self) -> bool:
        """Return whether the server lives but nothing makes it ready. Looks at its processes at most once a second."""
        now = time.monotonic()
        if now < self._looked_at + _LOOK_SECONDS:
            return False
        if now > self._looked_at + _ABANDONED_SECONDS:
            self._worked_at = now  # this process was suspended, and what happened meanwhile is unknown
        self._looked_at = now
        if self._is_well():
            self._worked_at = now
        return now > self._worked_at + _ABANDONED_SECONDS

    def _is_well(self) -> bool:
        """Return whether a recovery process is at work, or the server is gone.

        The process of the last look is checked first, as finding children means listing all processes of the machine.
        """
        if self._seen_at_work is not None and self._role(self._seen_at_work) in _AT_WORK:
            return True
        roles = {role: process for process in self._children() if (role := self._role(process)) is not None}
        self._seen_at_work = next((roles[role] for role in _AT_WORK if role in roles), None)
        return self._seen_at_work is not None or not roles

    def _role(self, process: psutil.Process) -> str | None:
        """Return a server process's role, the first word of its title; None for another process, or an ended one."""
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
