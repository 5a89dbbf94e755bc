"""The decider of one process: a request goes to the lane of its arm and gets its answer once it is in the ledger."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from time import perf_counter_ns
from uuid import UUID

from andon.decisions.controls import Controls
from andon.decisions.domain import Decision, DecisionRequest, Idempotency, Priority
from andon.decisions.errors import AutomationNotFound
from andon.decisions.lane import Lane
from andon.decisions.line import Line
from andon.decisions.passage import BatchWatcher, Parts, Payer, Unlimited
from andon.decisions.queue import Done, Foretold, Item
from andon.decisions.reader import FeatureReader
from andon.decisions.recorder import Recorder
from andon.decisions.shadows import Shadows
from andon.decisions.traffic import Arm, Predicts
from andon.kernel.clock import Clock
from andon.kernel.db import Database
from andon.serving import Assignment, LoadedVersion


class Decider:
    """The one writer of decisions in a process. Use from one event loop; `close` when done."""

    def __init__(
        self,
        database: Database,
        lines: Callable[[], Mapping[str, Line]],
        *,
        clock: Clock,
        controls: Controls,
        watcher: BatchWatcher,
        purse: Payer | None = None,
    ) -> None:
        self._lines = lines
        self._controls, self._clock = controls, clock
        self._recorder = Recorder(database, clock=clock)
        self._reader = FeatureReader(database)
        paying = purse or Unlimited()
        self._shadows = Shadows(
            self._recorder,
            clock=clock,
            controls=controls,
            watcher=watcher,
            purse=paying,
            busy=lambda: self.waiting > 0,
        )
        self._parts = Parts(self._reader, self._recorder, clock, controls, watcher, paying, self._shadows.offer)
        self._inline = Lane(self._parts, capacity=lambda: 1)
        self._elsewhere: dict[int, tuple[Predicts, Lane]] = {}

    async def open(self) -> None:
        """Prepare for the first request: connect, if the database is available."""
        await self._recorder.open()
        await self._reader.open()

    @property
    def waiting(self) -> int:
        """The number of requests that wait for a batch."""
        return sum(self.depths)

    @property
    def depths(self) -> tuple[int, int, int]:
        """The numbers of waiting requests by priority: interactive, normal, bulk."""
        interactive, normal, bulk = (sum(depth) for depth in zip(*(lane.depths for lane in self._lanes), strict=True))
        return interactive, normal, bulk

    @property
    def depths_by_version(self) -> Counter[tuple[str, int, Priority]]:
        """Return how many wait for each version of a model, by priority; scans all waiting requests."""
        return sum((lane.depths_by_version for lane in self._lanes), Counter())

    @property
    def depths_by_automation(self) -> Counter[tuple[str, Priority]]:
        """Return how many wait for each automation, by priority; scans all waiting requests."""
        return sum((lane.depths_by_automation for lane in self._lanes), Counter())

    @property
    def lanes(self) -> int:
        """The number of lanes: one for all inline arms, one for each version elsewhere that was asked and is in use."""
        return 1 + len(self._elsewhere)

    @property
    def expected_wait(self) -> float:
        """The seconds that an interactive request would wait now, in the lane that most requests share."""
        return self._inline.expected_wait(Priority.INTERACTIVE)

    def submit(self, request: DecisionRequest, done: Done, foretold: Foretold | None = None) -> None:
        """Decide a request in one batch with the others that wait.

        `foretold` receives the decision while it is being recorded, `done` afterwards. Raises AutomationNotFound,
        VersionNotServed, LineBusy.
        """
        line, arm, assignment, lane = self._placed(request)
        item = Item(request, line, arm, assignment, done, foretold)
        lane.require_in_time(request, item.queued_ns)
        lane.add(item)

    def decide(self, request: DecisionRequest) -> "asyncio.Future[Decision | None]":
        """Decide a request and return a future; its result is None if the request repeats one already in the ledger."""
        future, done = _future()
        self.submit(request, done)
        return future

    def decide_all(self, requests: Sequence[DecisionRequest]) -> "list[asyncio.Future[Decision | None]]":
        """Decide the rows of one call, for one automation and with one deadline.

        The deadline passes for all of them, or for none. Raises AutomationNotFound, VersionNotServed, and LineBusy if
        the deadline would pass before the turn of the last row.
        """
        placed = [self._placed(request) for request in requests]
        *_, lane = placed[-1]
        lane.require_in_time(requests[-1], perf_counter_ns(), behind=len(requests) - 1)
        futures, together = [], list[Item]()
        for request, (line, arm, assignment, lane) in zip(requests, placed, strict=True):
            future, done = _future()
            together.append(Item(request, line, arm, assignment, done, together=together))
            lane.add(together[-1])
            futures.append(future)
        return futures

    async def decide_batch(self, requests: Sequence[DecisionRequest]) -> dict[UUID, Decision]:
        """Decide these together, without repeats. Raises LedgerUnavailable, AutomationNotFound."""
        decided = await asyncio.gather(*(self.decide(request) for request in requests))
        return {decision.request.id: decision for decision in decided if decision is not None}

    async def used(self, keys: Sequence[Idempotency]) -> set[tuple[str, str]]:
        """Return those of these keys that have a decision, as scope and key. Raises LedgerUnavailable."""
        return await self._reader.used(keys)

    async def retire(self, loaded: LoadedVersion) -> None:
        """Let a version finish its work, then end its processes."""
        known = self._elsewhere.get(id(loaded))
        if known is not None:
            await known[1].drained()
            self._elsewhere.pop(id(loaded), None)
        await loaded.close()

    async def close(self) -> None:
        """Finish the pending requests, then close the database connections."""
        for lane in self._lanes:
            await lane.drained()
        await self._shadows.close()
        await self._recorder.close()
        await self._reader.close()

    @property
    def _lanes(self) -> list[Lane]:
        """Return all lanes as they are at one moment; safe in any thread."""
        return [self._inline, *(lane for _, lane in list(self._elsewhere.values()))]

    def _placed(self, request: DecisionRequest) -> tuple[Line, Arm, Assignment, Lane]:
        """Return the arm that is to decide a request, and its lane. Raises AutomationNotFound, VersionNotServed."""
        line = self._lines().get(request.automation)
        if line is None:
            raise AutomationNotFound(f"No automation {request.automation!r} is deployed here")
        assignment, arm, elsewhere = line.place(request, self._controls, self._clock)
        return line, arm, assignment, self._inline if elsewhere is None else self._lane_of(elsewhere)

    def _lane_of(self, loaded: Predicts) -> Lane:
        known = self._elsewhere.get(id(loaded))
        if known is None:
            lane = Lane(self._parts, capacity=lambda: max(1, loaded.capacity), max_batch=loaded.max_batch)
            known = self._elsewhere[id(loaded)] = (loaded, lane)
        return known[1]


def _future() -> "tuple[asyncio.Future[Decision | None], Done]":
    """Return a future, and the function that settles it."""
    future: asyncio.Future[Decision | None] = asyncio.get_running_loop().create_future()

    def done(decision: Decision | None, error: BaseException | None) -> None:
        if future.done():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(decision)

    return future, done
