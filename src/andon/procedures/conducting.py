"""A worker's part in procedures: start them, run those it has code for, end finished waits, report those without code.

Importing this imports DBOS, so only a process that has procedures does.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import structlog

from andon.authoring import ProcedureSpec
from andon.kernel import durable
from andon.kernel.clock import Clock
from andon.kernel.db import UNFIT, Database, DatabaseUnavailable, Tx
from andon.kernel.durable.engine import Engine, Flow
from andon.kernel.durable.leases import LEASE
from andon.procedures import store
from andon.procedures.carrying import carry_out
from andon.procedures.domain import ProcedureRecord, Version
from andon.procedures.errors import NotStarted, ProcedureUnknown, StartRefused
from andon.procedures.ports import AgentDesk, StepObserver, UnobservedSteps

_log = structlog.get_logger(__name__)


class Conductor:
    """Runs the procedures of one process between `launch` and `close`."""

    def __init__(
        self,
        database: Database,
        specs: Sequence[ProcedureSpec],
        clock: Clock,
        *,
        observer: StepObserver | None = None,
        desk: AgentDesk | None = None,
        lease: timedelta = LEASE,
        lost: Callable[[], object] | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._observer = observer or UnobservedSteps()
        self._desk = desk
        self._specs = {spec.flow: spec for spec in specs}
        self._current = {spec.name: spec for spec in specs if not spec.retired}
        options: dict[str, Any] = {} if lost is None else {"lost": lost}
        flows = {flow: self._flow(spec) for flow, spec in self._specs.items()}
        self._engine = Engine(database, flows, clock, lease=lease, **options)

    @property
    def executor(self) -> str:
        """The name of this process among those that run procedures."""
        return self._engine.executor

    def launch(self) -> None:
        """Start to run. Blocks briefly; call it in its own thread, and again after DatabaseUnavailable."""
        with self._database.begin() as tx:
            store.see_versions(tx, self._versions(self._clock.now()))
        self._engine.launch()

    def close(self) -> None:
        """Stop every procedure where it is; other processes continue them."""
        if self._desk is not None:
            self._desk.close()
        self._engine.close()

    def start(
        self,
        tx: Tx,
        name: str,
        key: UUID,
        given: Mapping[str, Any] | None,
        *,
        automation: str,
        decision_id: UUID,
        verdict: str | None = None,
        correlation_id: str,
        traceparent: str | None,
        now: datetime,
    ) -> bool:
        """Start a procedure in the caller's transaction; return False if the key is used. Raises ProcedureUnknown.

        Without an input of its own (`given`), it reads its decision when it runs.
        """
        spec = self._current.get(name)
        if spec is None:
            known = ", ".join(sorted(self._current)) or "none"
            raise ProcedureUnknown(f"No procedure {name!r} is declared in this process; there are: {known}")
        new = ProcedureRecord(
            id=key,
            name=name,
            version=spec.version,
            automation=automation,
            decision_id=decision_id,
            input=given,
            correlation_id=correlation_id,
            traceparent=traceparent,
            started_at=now,
            verdict=verdict,
        )
        if not store.add(tx, new):
            return False
        self._engine.start(tx, spec.flow, key)
        return True

    def start_alone(self, name: str, key: UUID, given: Mapping[str, Any] | None, **about: Any) -> bool:
        """Start a procedure in a transaction of its own.

        Raises ProcedureUnknown, StartRefused, NotStarted, and DatabaseUnavailable if the result of the commit is
        unknown.
        """
        committing = False
        try:
            with self._database.begin() as tx:
                new = self.start(tx, name, key, given, **about)
                committing = True
        except DatabaseUnavailable as error:
            if committing:
                raise
            raise NotStarted(str(error)) from error
        except UNFIT as error:
            raise StartRefused(f"PostgreSQL refused to store procedure {name!r}: {type(error).__name__}") from error
        return new

    def wake_delivered(self, tx: Tx) -> int:
        """Wake procedures whose delivery has ended; return how many."""
        return durable.wake(tx, store.settled_deliveries(tx))

    def stranded(self, tx: Tx) -> dict[str, int]:
        """Return how many procedures have begun on code that this process lacks, by name and version.

        Another process may have it.
        """
        return {flow: count for flow, count in durable.unfinished(tx).items() if flow not in self._specs}

    def tell_stranded(self, tx: Tx) -> int:
        """Log the procedures that wait for other code. Return 0, because there is nothing more to do."""
        for flow, count in self.stranded(tx).items():
            _log.error(
                "procedures.without_code",
                procedure=flow,
                count=count,
                advice="they wait for a process that has it: keep the old function with retired=True, or fork them",
            )
        return 0

    def _flow(self, spec: ProcedureSpec) -> Flow:
        return partial(carry_out, spec, clock=self._clock, observer=self._observer, desk=self._desk)

    def _versions(self, now: datetime) -> list[Version]:
        return [Version(spec.name, spec.version, spec.retired, now) for spec in self._specs.values()]
