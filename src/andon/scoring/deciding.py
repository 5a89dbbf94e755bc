"""The decider of a run: it sends the rows of a source through the process's decider, part by part, in row order.

While the decisions of one part are recorded, the next part is read. For a part that was begun before, decisions in the
ledger are read back and only the other rows are decided.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from time import monotonic, perf_counter_ns
from typing import TypeAlias, TypeVar
from uuid import UUID

import structlog

from andon import decisions
from andon.decisions import (
    Decider,
    DecisionInDoubt,
    DecisionRecord,
    DecisionRequest,
    InputInvalid,
    InputMalformed,
    LedgerUnavailable,
    Line,
    Priority,
)
from andon.kernel.clock import Clock
from andon.kernel.db import Database, DatabaseUnavailable
from andon.scoring import service
from andon.scoring.domain import Run, Scored, read_back, scored
from andon.scoring.errors import RunInterrupted
from andon.scoring.sources import SourceRow, SourceRows

log = structlog.get_logger(__name__)

PATIENCE = timedelta(minutes=10)
"""The longest wait of a run for an unreachable database."""

_PAUSE = 0.5
_TURN = 128
"""Rows that are read before the event loop has its turn."""

_REFUSED = "the database refused to record this decision; the log says why"

_Numbered: TypeAlias = tuple[int, SourceRow]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Part:
    """Rows that share one moment of asking, by number: the results so far, and the requests still to be decided."""

    rows: Sequence[_Numbered]
    asked_at: datetime
    results: dict[int, Scored]
    missing: dict[int, DecisionRequest]


class Scorer:
    """Decides the rows of one run. Use from one event loop."""

    def __init__(self, database: Database, decider: Decider, line: Line, run: Run, clock: Clock) -> None:
        self._database = database
        self._decider = decider
        self._line = line
        self._run = run
        self._clock = clock
        self.read_back = 0
        """Rows that the ledger had already."""

    async def run(self, rows: SourceRows, kept: Callable[[Sequence[Scored], Sequence[SourceRow]], None]) -> None:
        """Decide all rows in their order; `kept` is given each part. Raises RunInterrupted."""
        begun = await self._patiently(self._begun_parts)
        under_way: asyncio.Task[None] | None = None
        try:
            async for number, part in self._parts(rows):
                asked = await self._asked(part, begun.get(number), number)
                if under_way is not None:
                    await under_way
                under_way = asyncio.create_task(self._finish(asked, kept))
            if under_way is not None:
                await under_way
        finally:
            if under_way is not None and not under_way.done():
                under_way.cancel()

    async def _parts(self, rows: SourceRows) -> AsyncIterator[tuple[int, list[_Numbered]]]:
        following: Iterator[_Numbered] = enumerate(rows, start=1)
        number = 0
        while True:
            part: list[_Numbered] = []
            while len(part) < self._run.part_rows:
                some = list(islice(following, min(_TURN, self._run.part_rows - len(part))))
                if not some:
                    break
                part += some
                await asyncio.sleep(0)
            if not part:
                return
            yield number, part
            number += 1

    async def _asked(self, part: Sequence[_Numbered], before: datetime | None, number: int) -> "_Part":
        """Read the rows of a part: return the known results and the requests that are still to be decided."""
        at = await self._patiently(lambda: self._ask_part(number)) if before is None else before
        asked = _Part(part, at, {}, {})
        known = {} if before is None else await self._known(asked)
        self.read_back += len(known)
        for turn, (row, given) in enumerate(part):
            if turn % _TURN == 0:
                await asyncio.sleep(0)
            identifier = self._run.decision_id(at, row)
            if (recorded := known.get(identifier)) is not None:
                asked.results[row] = read_back(row, recorded)
                continue
            try:
                asked.missing[row] = self._request(identifier, given, at)
            except (InputInvalid, InputMalformed) as error:
                why = "; ".join(f"{f.where}: {f.message}" for f in error.faults) or str(error)
                asked.results[row] = Scored(row, error=why)
        return asked

    def _request(self, identifier: UUID, given: SourceRow, asked_at: datetime) -> DecisionRequest:
        if given.raw is None:
            raise InputMalformed(given.error or "")
        return DecisionRequest(
            id=identifier,
            automation=self._run.automation,
            raw=given.raw,
            input=self._line.contract.read(given.raw),
            caller=self._run.caller,
            correlation_id=str(self._run.id),
            asked_at=asked_at,
            began_ns=perf_counter_ns(),
            priority=Priority.NORMAL,
        )

    async def _finish(self, part: "_Part", kept: Callable[[Sequence[Scored], Sequence[SourceRow]], None]) -> None:
        """Decide the missing rows of a part, through outages; read back what another attempt recorded meanwhile."""
        until = monotonic() + PATIENCE.total_seconds()
        while part.missing:
            asked = dict(part.missing)
            ended = await asyncio.gather(*map(self._decider.decide, asked.values()), return_exceptions=True)
            repeats: dict[int, UUID] = {}
            for (row, request), how in zip(asked.items(), ended, strict=True):
                if isinstance(how, LedgerUnavailable | DecisionInDoubt):  # the next attempt finds out
                    continue
                if isinstance(how, BaseException):
                    raise how
                if how is None:
                    repeats[row] = request.id
                else:
                    part.results[row] = scored(row, how)
                del part.missing[row]
            if repeats:
                known = await self._known(part)
                part.results.update({row: _repeated(row, known.get(identifier)) for row, identifier in repeats.items()})
            if part.missing:
                await _wait(until)
        kept([part.results[row] for row, _ in part.rows], [given for _, given in part.rows])

    async def _known(self, part: "_Part") -> dict[UUID, DecisionRecord]:
        """Return the decisions that the ledger holds for a part, by id."""
        first, last = (self._run.decision_id(part.asked_at, part.rows[at][0]) for at in (0, -1))

        def read() -> dict[UUID, DecisionRecord]:
            with self._database.begin() as tx:
                found = decisions.between(tx, first, last)
            return {d.row.id: d for d in found if d.row.correlation_id == str(self._run.id)}

        return await self._patiently(read)

    def _ask_part(self, number: int) -> datetime:
        with self._database.begin() as tx:
            return service.ask_part(tx, self._run, number, self._clock.now())

    def _begun_parts(self) -> dict[int, datetime]:
        with self._database.begin() as tx:
            return service.begun_parts(tx, self._run)

    async def _patiently(self, work: Callable[[], T]) -> T:
        """Run `work` in a thread; repeat it while the database is away."""
        until = monotonic() + PATIENCE.total_seconds()
        while True:
            try:
                return await asyncio.to_thread(work)
            except DatabaseUnavailable:
                await _wait(until)


def _repeated(row: int, recorded: DecisionRecord | None) -> Scored:
    return Scored(row, error=_REFUSED) if recorded is None else read_back(row, recorded)


async def _wait(until: float) -> None:
    if monotonic() > until:
        raise RunInterrupted
    log.warning("scoring.waits_for_database")
    await asyncio.sleep(_PAUSE)
