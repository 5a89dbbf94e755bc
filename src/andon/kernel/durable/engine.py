"""The engine, which executes on DBOS the flows whose code this process has. Importing this imports DBOS.

Each flow is a queue of its own, so a process never receives a run whose code it lacks. DBOS works on its own thread and
event loop. Its log messages about runs are dropped, because they may contain values of the run.
"""

import asyncio
import logging
import os
import threading
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, TypeAlias
from uuid import UUID

import structlog
from dbos import DBOS, DBOSClient, DBOSConfig, DBOSPortableJSONSerializer
from sqlalchemy import Engine as Connections
from sqlalchemy import create_engine, make_url
from sqlalchemy.exc import InterfaceError, OperationalError

from andon.kernel.clock import Clock
from andon.kernel.db import IDLE_LIMIT, Database, DatabaseUnavailable, Tx, close_pool
from andon.kernel.durable.leases import LEASE, Lease
from andon.kernel.durable.rows import SCHEMA
from andon.kernel.durable.running import Running
from andon.kernel.durable.strays import Execution, Strays
from andon.kernel.durable.tasks import contain
from andon.kernel.errors import Unavailable
from andon.kernel.ids import uuid7
from andon.kernel.session import options_of

Flow: TypeAlias = Callable[[Running], Awaitable[Any]]
"""The code of a flow. Its result is kept as JSON; its exception is the reason why the run failed."""

APPLICATION = "andon"
VERSION = "andon-1"
"""The application version for DBOS, pinned: our versions are in the names of flows."""

DEATHS = 10
"""The number of process deaths during a run, without a finished step in between, after which it is not tried again."""

LOST = 70
"""The exit code of a process that was declared dead by others."""

WIDTH = 64
"""The number of concurrent runs of a flow in a process. Waiting runs do not count, as no process holds them."""

_POLL = 0.1
_LAST_SECONDS = 2.0
_CONNECTIONS = 8
_THREADS = 12
_HIDDEN = (
    "Exception encountered in asynchronous workflow",
    "Asyncio task cancelled",
    "Workflow ",
    "Error executing",
    "DBOS failed to launch",
)

_log = structlog.get_logger(__name__)


class Engine:
    """Executes runs between `launch` and `close`; one per process.

    `lost` must end the process; it is called when others have declared the process dead.
    """

    def __init__(
        self,
        database: Database,
        flows: Mapping[str, Flow],
        clock: Clock,
        *,
        lease: timedelta = LEASE,
        lost: Callable[[], object] = lambda: os._exit(LOST),
    ) -> None:
        self.executor = str(uuid7(clock.now()))
        self._database = database
        self._flows = dict(flows)
        self._clock = clock
        self._executing: set[Execution] = set()
        strays = Strays(self.executor, lambda: frozenset(self._executing))
        self._lease = Lease(
            database,
            self.executor,
            recover=DBOS._recover_pending_workflows,
            tidy=strays.give_back,
            lost=lost,
            span=lease,
        )
        self._connections = _connect(database.url)
        self._runs = Database(database.url, pool_size=_CONNECTIONS, stands_still=_STANDS_STILL)
        self._functions = ThreadPoolExecutor(_THREADS, thread_name_prefix="step")
        self._dbos: DBOS | None = None
        self._client = DBOSClient(
            system_database_engine=self._connections,
            dbos_system_schema=SCHEMA,
            serializer=DBOSPortableJSONSerializer(),
            application_name=APPLICATION,
            lazy=True,
        )

    def launch(self) -> None:
        """Create DBOS's tables if needed, take the lease, execute. Blocks; call it where no event loop runs.

        Raises DatabaseUnavailable, after which it may be called again, and DatabaseUnfit if the role may not create
        tables.
        """
        logging.getLogger("dbos").addFilter(_is_shown)
        self._lease.take()
        self._dbos = DBOS(config=self._config())
        logger = logging.getLogger("dbos")
        logger.handlers.clear()
        logger.propagate = True
        for name, flow in self._flows.items():
            DBOS.workflow(name=name, max_recovery_attempts=DEATHS)(self._workflow(name, flow))
        DBOS.listen_queues(list(self._flows))
        try:
            with self._database.making():
                DBOS.launch()
            for name in self._flows:
                DBOS.register_queue(
                    name, polling_interval_sec=_POLL, worker_concurrency=WIDTH, on_conflict="always_update"
                )
        except (OperationalError, InterfaceError) as error:
            DBOS.destroy(destroy_registry=True)
            raise DatabaseUnavailable("PostgreSQL does not answer or aborted the work") from error
        self._lease.begin()
        _log.info("durable.launched", executor=self.executor, flows=sorted(self._flows))

    def close(self) -> None:
        """Stop each run where it is and release it to other processes."""
        self._take_no_more()
        DBOS.destroy(destroy_registry=True)
        self._functions.shutdown(wait=False, cancel_futures=True)
        try:
            self._lease.give_back()
        except Unavailable as error:
            _log.warning("durable.lease.runs_out", error=str(error))
        finally:
            close_pool(self._connections)
            self._runs.close()
            logging.getLogger("dbos").removeFilter(_is_shown)

    def _take_no_more(self) -> None:
        """Take no more runs, and let none be on its way to the event loop that DBOS is about to stop."""
        if self._dbos is None:
            return
        for told in self._dbos.background_thread_stop_events:
            told.set()
        for thread in threading.enumerate():
            if thread.name.startswith("queue-worker-"):
                thread.join(_LAST_SECONDS)

    def start(self, tx: Tx, flow: str, run_id: UUID) -> None:
        """Start a run in the caller's transaction. Starting the same id again changes nothing."""
        self._client.enqueue_in_transaction(
            tx,
            {
                "workflow_name": flow,
                "queue_name": flow,
                "workflow_id": str(run_id),
                "app_version": VERSION,
                "application_name": APPLICATION,
            },
        )

    def _workflow(self, name: str, flow: Flow) -> Callable[[], Awaitable[Any]]:
        async def run() -> Any:
            contain(asyncio.get_running_loop())
            running = Running(self._runs, self._lease, self._clock, self._functions)
            self._executing.add(running.execution)
            try:
                return await flow(running)
            finally:
                self._executing.remove(running.execution)

        run.__qualname__ = run.__name__ = name
        return run

    def _config(self) -> DBOSConfig:
        return {
            "name": APPLICATION,
            "system_database_url": self._database.url,
            "system_database_engine": self._connections,
            "dbos_system_schema": SCHEMA,
            "serializer": DBOSPortableJSONSerializer(),
            "application_version": VERSION,
            "executor_id": self.executor,
            "max_executor_threads": _THREADS,
            "log_level": "WARNING",
            "enable_otlp": False,
        }


_STANDS_STILL = LEASE + timedelta(seconds=3)
"""Idle time within a transaction of DBOS or of a run after which the server ends the session.

By then its process is frozen and counts as dead, and its locks block the processes that took over its runs. The time is
longer than the lease, so that no living process is affected.
"""


def _connect(url: str) -> Connections:
    limit = {IDLE_LIMIT: str(int(_STANDS_STILL.total_seconds() * 1000))}
    return create_engine(
        make_url(url).set(drivername="postgresql+psycopg"),
        pool_size=_CONNECTIONS,
        max_overflow=4,
        connect_args={"options": options_of(url, **limit)},
    )


def _is_shown(record: logging.LogRecord) -> bool:
    """Return whether to log a record of DBOS: none about runs, nor about a failed launch, which is reported anyway."""
    return not str(record.msg).startswith(_HIDDEN)
