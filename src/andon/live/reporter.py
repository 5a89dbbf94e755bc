"""Reports the status of this process to the database every two seconds; an outage of it disturbs nothing else."""

import asyncio
import os
import socket
from collections.abc import Callable
from threading import Lock
from uuid import uuid4

import structlog

from andon.kernel.clock import Clock
from andon.kernel.db import Database
from andon.kernel.errors import Unavailable
from andon.live import service
from andon.live.domain import Process, Status
from andon.version import __version__

log = structlog.get_logger(__name__)

SECONDS = 2.0


class Reporter:
    """Writes the row of one process. `status` is called on the event loop; the row is written in a thread."""

    def __init__(self, database: Database, part: str, *, clock: Clock, status: Callable[[], Status]) -> None:
        self._database, self._part, self._clock, self._status = database, part, clock, status
        self._id, self._host, self._started_at = uuid4(), socket.gethostname(), clock.now()
        self._silent = self._left = False
        self._writing = Lock()

    async def run(self) -> None:
        """Report until cancelled, then remove the row."""
        try:
            while True:
                await asyncio.to_thread(self._write, self._now(self._status()))
                await asyncio.sleep(SECONDS)
        finally:
            await asyncio.to_thread(self._leave)

    def _now(self, status: Status) -> Process:
        return Process(
            id=self._id,
            part=self._part,
            host=self._host,
            pid=os.getpid(),
            andon=__version__,
            started_at=self._started_at,
            seen_at=self._clock.now(),
            status=status,
        )

    def _write(self, process: Process) -> None:
        try:
            with self._writing, self._database.begin() as tx:
                if not self._left:
                    service.report(tx, process)
            self._silent = False
        except Unavailable as error:
            if not self._silent:
                log.warning("live.not_reported", error=str(error))
            self._silent = True
        except Exception:
            # The edge of the loop: deciding continues, reported or not.
            log.exception("live.report_failed")

    def _leave(self) -> None:
        try:
            with self._writing, self._database.begin() as tx:
                self._left = True
                service.leave(tx, self._id)
        except Unavailable:
            log.info("live.left_unseen")
