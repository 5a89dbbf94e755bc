"""The lease of each process, which shows that it is alive. Any live process releases the runs of a dead one.

The row is written before the process can take any run and renewed every third of its life, on a thread of its own, by
the database's clock. A process that finds its row deleted was declared dead and ends immediately; between expiry and
that discovery it begins no step.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import structlog
from sqlalchemy import text

from andon.kernel.db import IDLE_LIMIT, Database, Tx
from andon.kernel.durable import rows
from andon.kernel.errors import Unavailable

LEASE = timedelta(seconds=5)
"""The time after the last renewal at which a process counts as dead; others get its runs about a second later."""

FROZEN = timedelta(seconds=3)
"""Idle time within a transaction after which the server ends the session.

It is shorter than the lease, so nobody waits for it.

A process frozen within a transaction would otherwise keep its locks, and with them its runs, from live processes.
"""

REAPER = 0x72656170
"""Key of the advisory lock under which one process at a time releases the runs of dead ones."""

_FROZEN_MS = int(FROZEN.total_seconds() * 1000)
_GIVING_AWAY_MS = 60_000
"""The idle limit while runs are released, as other connections do the work."""

_LIMIT = f"SET LOCAL {IDLE_LIMIT} = "

_log = structlog.get_logger(__name__)


class Lease:
    """This process's lease, and its check of the other leases.

    `recover` returns the runs of dead processes to the queue, `tidy` those that this process lost track of. `lost` is
    called on the lease's own thread when others have declared this process dead: it must end the process.
    """

    def __init__(
        self,
        database: Database,
        executor: str,
        *,
        recover: Callable[[list[str]], object],
        tidy: Callable[[Tx], object],
        lost: Callable[[], object],
        span: timedelta = LEASE,
    ) -> None:
        self._database = database
        self._executor = executor
        self._recover = recover
        self._tidy = tidy
        self._lost = lost
        self._span = span
        self._until = 0.0
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="lease", daemon=True)

    @property
    def held(self) -> bool:
        """Whether nobody can have declared this process dead. Time in which the machine slept counts."""
        return _seconds() < self._until

    def take(self) -> None:
        """Write the lease, before anything else is done. Raises DatabaseUnavailable."""
        began = _seconds()
        with self._database.begin() as tx:
            tx.execute(
                text(
                    "INSERT INTO durable_leases (executor, host, pid, started_at, expires_at) "
                    "VALUES (:executor, :host, :pid, clock_timestamp(), clock_timestamp() + :span) "
                    "ON CONFLICT (executor) DO UPDATE SET expires_at = EXCLUDED.expires_at"
                ),
                {"executor": self._executor, "host": os.uname().nodename, "pid": os.getpid(), "span": self._span},
            )
        self._until = began + self._span.total_seconds()

    def begin(self) -> None:
        """Renew the lease from now on, and check the others."""
        self._thread.start()

    def give_back(self) -> None:
        """End cleanly: others can immediately take what this process still holds. Raises DatabaseUnavailable."""
        self._ending.set()
        if self._thread.is_alive():
            self._thread.join()
        self._until = 0.0
        with self.briefly() as tx:
            tx.execute(text("DELETE FROM durable_leases WHERE executor = :executor"), {"executor": self._executor})

    def reap(self) -> int:
        """Declare processes with expired leases dead and release their runs. Return how many of them held runs."""
        with self.briefly() as tx:
            gone = tx.execute(
                text("DELETE FROM durable_leases WHERE expires_at < clock_timestamp() RETURNING executor, host, pid")
            ).all()
        for row in gone:
            _log.warning("durable.process.dead", executor=row.executor, host=row.host, pid=row.pid)
        with self.briefly() as tx:
            if not tx.execute(text("SELECT pg_try_advisory_xact_lock(:key)"), {"key": REAPER}).scalar_one():
                return 0
            dead = rows.orphans(tx)
            if dead:
                _log.warning("durable.runs.taken_over", executors=dead)
                tx.execute(text(f"{_LIMIT}{_GIVING_AWAY_MS}"))
                with self.briefly() as beside:  # the library takes these runs on its own connection
                    rows.forgive(beside, dead)
                self._recover(dead)
        return len(dead)

    def renew(self) -> bool:
        """Renew the lease. Return False if it was deleted. Raises DatabaseUnavailable."""
        began = _seconds()
        with self.briefly() as tx:
            renewed = tx.execute(
                text("UPDATE durable_leases SET expires_at = clock_timestamp() + :span WHERE executor = :executor"),
                {"executor": self._executor, "span": self._span},
            ).rowcount
        if renewed != 1:
            return False
        self._until = began + self._span.total_seconds()
        return True

    @contextmanager
    def briefly(self) -> Iterator[Tx]:
        """Open a transaction that the server ends if this process is frozen within it. Raises DatabaseUnavailable."""
        with self._database.begin() as tx:
            tx.execute(text(f"{_LIMIT}{_FROZEN_MS}"))
            yield tx

    def _keep(self) -> None:
        while not self._ending.wait(self._span.total_seconds() / 6):
            try:
                if _seconds() > self._until - self._span.total_seconds() * 2 / 3 and not self.renew():
                    _log.critical("durable.lease.lost", executor=self._executor)
                    self._lost()
                    return
                self.reap()
                with self.briefly() as tx:
                    self._tidy(tx)
            except Unavailable as error:
                _log.warning("durable.lease.waits", error=str(error))
            except Exception:  # noqa: BLE001 - the lease is kept whatever goes wrong in a round; logged
                _log.exception("durable.lease.failed")


def _seconds() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)
