"""The connector whose receiver is this installation: a delivery starts a procedure, once per delivery key."""

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any, Protocol
from uuid import UUID

from andon.actions.ports import Answer, AnswerKind, Delivery, Repeat
from andon.kernel.clock import Clock
from andon.kernel.db import DatabaseUnavailable
from andon.kernel.errors import Invalid
from andon.kernel.timed_threads import TimedThreads
from andon.procedures import NotStarted

THREADS = 8
"""The most concurrent starts. The threads are separate, so that an unresponsive database blocks nothing else."""


class Starter(Protocol):
    """The starter of procedures (`andon.procedures.conducting.Conductor`)."""

    def start_alone(
        self,
        name: str,
        key: UUID,
        given: Mapping[str, Any] | None,
        *,
        automation: str,
        decision_id: UUID,
        verdict: str | None,
        correlation_id: str,
        traceparent: str | None,
        now: datetime,
    ) -> bool:
        """Start one in a transaction of its own; return False if one exists under this key.

        Without an input, it reads its decision.

        Raises Invalid, NotStarted, and DatabaseUnavailable if the result of the commit is unknown.
        """
        ...


class ProcedureConnector:
    """Starts the procedure that a delivery's destination is named after."""

    repeat = Repeat.IDEMPOTENT

    def __init__(self, starter: Starter | None, clock: Clock) -> None:
        self._starter = starter
        self._clock = clock
        self._threads = TimedThreads(THREADS, "procedure")

    async def deliver(self, delivery: Delivery) -> Answer:
        """Start it in a transaction of its own; a repeat finds it started."""
        if self._starter is None:
            return Answer(AnswerKind.REFUSED, "this worker runs no procedures: its project declares none")
        try:
            decision_id = UUID(str(delivery.data.get("id")))
        except ValueError:
            return Answer(AnswerKind.REFUSED, "the delivery names no decision")
        start = partial(self._start, self._starter, delivery, decision_id)
        patience = delivery.destination.timeout.total_seconds()
        try:
            new = await self._threads.run(start, seconds=patience)
        except Invalid as error:
            return Answer(AnswerKind.REFUSED, str(error))
        except NotStarted:
            return Answer(AnswerKind.FAILED, "nothing was started: the database did not answer")
        except DatabaseUnavailable:
            return Answer(AnswerKind.UNKNOWN, "the commit was sent, but no answer came")
        except TimeoutError:
            return Answer(AnswerKind.UNKNOWN, f"timeout after {patience:g} s")
        return Answer(AnswerKind.DELIVERED, "started" if new else "was already started")

    async def close(self) -> None:
        """Start nothing more, without waiting for starts that the database does not answer."""
        self._threads.close(wait=False)

    def _start(self, starter: Starter, delivery: Delivery, decision_id: UUID) -> bool:
        by_a_person = delivery.recorded and delivery.data["decided_by"] == "review"
        return starter.start_alone(
            delivery.destination.name,
            delivery.key,
            None if delivery.recorded else delivery.data,
            automation=delivery.automation,
            decision_id=decision_id,
            verdict=delivery.outcome if by_a_person else None,
            correlation_id=delivery.correlation_id,
            traceparent=delivery.traceparent,
            now=self._clock.now(),
        )
