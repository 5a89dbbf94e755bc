"""Deciding the rows of one batch: each is a decision of its own, many are under way, and answers keep their order.

Where a single request would be refused because of load, a row waits, and the reading of the body waits with it.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter_ns
from typing import TypeAlias

import structlog

from andon import decisions
from andon.access import Principal
from andon.decisions import (
    Decision,
    DecisionRecord,
    DecisionRequest,
    FirstAnswer,
    Idempotency,
    KeyInFlight,
    Line,
    Priority,
)
from andon.gateway.answers import answer_of, answer_of_record
from andon.gateway.batch.body import Body
from andon.gateway.batch.formats import Answers
from andon.gateway.batch.rows import BatchRow
from andon.gateway.batch.spool import Spool
from andon.gateway.dependencies import Gateway
from andon.gateway.errors import NotReady, Overloaded, RateLimited
from andon.gateway.problems import internal, problem, status_of
from andon.kernel.errors import AndonError
from andon.kernel.ids import uuid7

log = structlog.get_logger(__name__)

UNDER_WAY = 1024
"""Most rows of one batch that are read and not answered yet."""

_TOGETHER = 64
"""Most answers that are written in one piece."""


@dataclass(frozen=True, slots=True)
class Asking:
    """What the rows of a batch have in common. A row's idempotency key is `key`, the caller's own, and its number."""

    line: Line
    caller: Principal
    correlation_id: str
    traceparent: str | None
    key: str | None
    pinned: int | None

    @property
    def automation(self) -> str:
        """Name of the automation."""
        return self.line.automation.name

    def key_of(self, row: BatchRow) -> Idempotency | None:
        """Return the idempotency key of one row; None without `key`."""
        if self.key is None or not isinstance(row.given, bytes):
            return None
        return Idempotency.of(self.automation, self.caller.name, f"{self.key}/{row.number}", row.given)


@dataclass(frozen=True, slots=True)
class _Pending:
    """A row that is being decided."""

    row: int
    request: DecisionRequest
    decided: "asyncio.Future[Decision | None]"


_Next: TypeAlias = "bytes | _Pending | None"
"""An answer, a row that is being decided, or None for the end."""


class BatchCall:
    """Decides one batch. `seats` limits how many rows of all batches of the gateway are under way."""

    def __init__(self, gateway: Gateway, asking: Asking, body: Body, seats: asyncio.Semaphore) -> None:
        self.rows = 0
        self._gateway = gateway
        self._asking = asking
        self._body = body
        self._seats = seats
        self._in_order: asyncio.Queue[_Next] = asyncio.Queue(UNDER_WAY)

    async def take_in(self, first: Sequence[BatchRow], rest: AsyncIterator[list[BatchRow]]) -> None:
        """Submit every row in order, as long as the caller is connected."""
        try:
            await self._ask(first)
            async for group in rest:
                await self._ask(group)
                if self._body.gone:
                    break
        except AndonError as error:
            await self._in_order.put(self._refusal(self.rows, error))
        await self._in_order.put(None)

    async def answer(self, answers: Answers, spool: Spool) -> None:
        """Write the answers in order, those together that are ready together."""
        ready: list[bytes] = []
        while True:
            waits = self._in_order.empty()
            following = None if waits else self._in_order.get_nowait()
            waits = waits or (isinstance(following, _Pending) and not following.decided.done())
            if ready and (waits or following is None or len(ready) >= _TOGETHER):
                await spool.write(answers.add(ready))
                ready.clear()
                await asyncio.sleep(0)  # let other tasks run between two pieces
            if following is None and waits:
                following = await self._in_order.get()
            if following is None:
                break
            ready.append(following if isinstance(following, bytes) else await self._answer(following))
        await spool.write(answers.end())
        spool.end()

    async def _ask(self, rows: Sequence[BatchRow]) -> None:
        known = await self._known(rows)
        for row in rows:
            if self._body.gone:
                return
            if self._gateway.hurried:
                raise NotReady(
                    "This gateway is shutting down: the rows from this one on were not decided; send them again"
                )
            begun = await self._begun(row, known)
            await self._in_order.put(begun)
            self.rows = row.number + 1
            if isinstance(begun, bytes):
                await asyncio.sleep(0)  # nothing was awaited, so let other tasks run

    async def _begun(self, row: BatchRow, known: Mapping[tuple[str, str], FirstAnswer]) -> _Next:
        """Return the answer to a row if it is known already, otherwise the row as it is being decided."""
        try:
            key = self._asking.key_of(row)
            first = None if key is None else known.get((key.scope, key.key))
            if isinstance(first, AndonError):
                raise first
            if first is not None:
                return self._told(200, answer_of_record(first))
            await self._wait_to_be_let_in()
            if isinstance(row.given, AndonError):
                raise row.given
            request = self._request(row.given, key)
            return _Pending(row.number, request, await self._seated(request))
        except AndonError as error:
            return self._refusal(row.number, error)

    def _request(self, raw: bytes, key: Idempotency | None) -> DecisionRequest:
        asking, now = self._asking, self._gateway.clock.now()
        return DecisionRequest(
            id=uuid7(now),
            automation=asking.automation,
            raw=raw,
            input=asking.line.contract.read(raw),
            caller=asking.caller.name,
            correlation_id=asking.correlation_id,
            asked_at=now,
            began_ns=perf_counter_ns(),
            traceparent=asking.traceparent,
            idempotency=key,
            priority=Priority.BULK,
            pinned=asking.pinned,
        )

    async def _wait_to_be_let_in(self) -> None:
        while not self._body.gone:
            try:
                self._gateway.admission.admit(self._asking.caller.id)
            except (RateLimited, Overloaded) as busy:
                await self._body.wait_until_gone(within=float(busy.details["retry_after"]))
            else:
                return

    async def _seated(self, request: DecisionRequest) -> "asyncio.Future[Decision | None]":
        admission = self._gateway.admission
        await self._seats.acquire()
        admission.in_flight += 1

        def ended(_: "asyncio.Future[Decision | None] | None" = None) -> None:
            admission.in_flight -= 1
            self._seats.release()

        try:
            decided = self._gateway.decider.decide(request)
        except BaseException:
            ended()
            raise
        decided.add_done_callback(ended)
        return decided

    async def _answer(self, pending: _Pending) -> bytes:
        try:
            decision = await pending.decided
            if decision is not None:
                return self._told(200, answer_of(decision))
            return self._told(200, answer_of_record(await self._first(pending.request)))
        except AndonError as error:
            return self._refusal(pending.row, error)
        except Exception:
            log.exception(
                "batch.row_failed", decision_id=str(pending.request.id), automation=pending.request.automation
            )
            return self._told(500, _bad(pending.row, internal(self._asking.correlation_id)))

    async def _known(self, rows: Sequence[BatchRow]) -> Mapping[tuple[str, str], FirstAnswer]:
        """Return the first answers of those rows whose keys were used before."""
        keys = [key for row in rows if (key := self._asking.key_of(row)) is not None]
        return await self._gateway.in_thread(lambda tx: decisions.first_answers(tx, keys)) if keys else {}

    async def _first(self, request: DecisionRequest) -> DecisionRecord:
        """Return the decision under a key that another request used meanwhile. Raises KeyReused, KeyInFlight."""
        key = request.idempotency
        if key is None:
            raise RuntimeError(
                "the database refused to record this decision; see `decision.refused_by_database` in the log"
            )
        first = await self._gateway.in_thread(lambda tx: decisions.first_answer(tx, key))
        if first is None:
            raise KeyInFlight(retry_after=1)
        return first

    def _refusal(self, row: int, error: AndonError) -> bytes:
        return self._told(status_of(error), _bad(row, problem(error, self._asking.correlation_id)))

    def _told(self, status: int, answer: bytes) -> bytes:
        self._gateway.metrics.requests.add((self._asking.automation, str(status)))
        return answer


def _bad(row: int, problem_of_it: bytes) -> bytes:
    return b'{"row":%d,"error":%b}' % (row, problem_of_it)
