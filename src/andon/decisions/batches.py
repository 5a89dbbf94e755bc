"""Decisions in whole batches, for streams: each batch is committed together with its sender's own writes.

A stream writes its progress in that commit. A batch takes the same passage as a call, without a queue in front: the
reader of a stream takes the next batch when this one has ended. The decider has a writer and a chain of its own.
Several streams may share one decider: they wait for each other to read and to record, not to decide.
"""

from collections.abc import Callable, Sequence
from uuid import UUID

from andon.decisions.controls import Controls
from andon.decisions.domain import Decision, DecisionRequest
from andon.decisions.errors import LedgerUnavailable
from andon.decisions.line import Line
from andon.decisions.passage import BatchWatcher, Parts, Passed, Payer, Unlimited, decide
from andon.decisions.queue import Item
from andon.decisions.reader import FeatureReader
from andon.decisions.recorder import Recorder
from andon.decisions.recording import Alongside, RepeatsFound
from andon.decisions.shadows import Shadows
from andon.kernel.clock import Clock
from andon.kernel.db import Database


class BatchDecider:
    """Decides batches. Use it from one event loop; `close` when done.

    `line_of` returns the line of an automation, or raises.
    """

    def __init__(
        self,
        database: Database,
        line_of: Callable[[str], Line],
        *,
        clock: Clock,
        controls: Controls,
        watcher: BatchWatcher,
        purse: Payer | None = None,
    ) -> None:
        self._line_of = line_of
        self._controls, self._clock = controls, clock
        self._watcher = watcher
        self._recorder = Recorder(database, clock=clock)
        self._reader = FeatureReader(database)
        self._under_way = 0
        self._repeating = True
        paying = purse or Unlimited()
        self._shadows = Shadows(
            self._recorder,
            clock=clock,
            controls=controls,
            watcher=watcher,
            purse=paying,
            busy=lambda: self._under_way > 0,
        )
        self._parts = Parts(self._reader, self._recorder, clock, controls, watcher, paying, self._shadows.offer)

    async def decide(self, requests: Sequence[DecisionRequest], alongside: Alongside) -> set[UUID]:
        """Decide these in their order without repeats, and record them together with `alongside`.

        `alongside` is recorded even if no request is left. Returns the ids of the decisions that are in the ledger now.
        Raises LedgerUnavailable, the error that keeps the line from deciding, and Fenced if `alongside` is refused.
        """
        self._under_way += 1
        try:
            passed = await self._decide(requests, alongside)
        except Exception as error:
            if isinstance(error, LedgerUnavailable):
                self._watcher.failed(True, len(requests))
            raise
        finally:
            self._under_way -= 1
        if passed.groups:
            self._watcher.batch(passed.reports())
        for group in passed.groups:
            if group.line.traffic.shadows:
                self._parts.shadow(group.line, *group.seen_of(passed.recorded))
        return passed.recorded

    async def close(self) -> None:
        """Close the database connections."""
        await self._shadows.close()
        await self._recorder.close()
        await self._reader.close()

    async def _decide(self, requests: Sequence[DecisionRequest], alongside: Alongside) -> Passed:
        """Decide a batch; if the ledger reports repeats, decide it again without them.

        The windows of later requests must not count a repeat. After a batch with repeats, the next batch checks for
        them beforehand.
        """
        fresh = await self._without_repeats(requests)
        while True:
            try:
                return await decide(self._parts, [self._item(request) for request in fresh], alongside)
            except RepeatsFound as found:
                self._repeating = True
                fresh = [request for request in fresh if request.id not in found.ids]

    async def _without_repeats(self, requests: Sequence[DecisionRequest]) -> list[DecisionRequest]:
        """Leave out requests that repeat another one here or, if repeats are expected, one that was decided."""
        once: dict[tuple[str, str], DecisionRequest] = {}
        for request in requests:
            if request.idempotency is not None:
                once.setdefault((request.idempotency.scope, request.idempotency.key), request)
        used: set[tuple[str, str]] = set()
        if once and self._repeating:
            used = await self._reader.used([r.idempotency for r in once.values() if r.idempotency is not None])
            self._repeating = bool(used)
        kept = {request.id for place, request in once.items() if place not in used}
        return [request for request in requests if request.idempotency is None or request.id in kept]

    def _item(self, request: DecisionRequest) -> Item:
        line = self._line_of(request.automation)
        assignment, arm, _ = line.place(request, self._controls, self._clock)
        return Item(request, line, arm, assignment, _nobody_waits)


def _nobody_waits(decision: Decision | None, error: BaseException | None) -> None:
    """Do nothing: the reader of a stream learns about the batch as a whole."""
