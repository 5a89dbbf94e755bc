"""What a builder tests an automation with: the same line as in production, in memory, without a database.

decide(screening, rows, model=Path("package"))          with the packed model
decide(screening, rows, model=lambda row: 0.97)          with a score of your choice, to test the policy
await rehearse(pause_transfer, decision, events=...)     a procedure, with the events and refusals of your choice
MemorySource()                                           a source of events in memory, for tests of streams
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter_ns
from typing import Any, TypeAlias

from pydantic_core import to_json

from andon import models, serving
from andon.authoring import Automation
from andon.decisions import (
    Arm,
    Decision,
    DecisionRequest,
    Gate,
    Line,
    LineRef,
    ModelRef,
    Traffic,
    assemble,
    compile_policy,
)
from andon.features import Looked, MemoryTiles
from andon.kernel.ids import uuid7
from andon.models import ModelVersion
from andon.procedures import Rehearsal, rehearse
from andon.serving import Prediction
from andon.streams import Arrival, SourceUnavailable, StreamMissing

__all__ = ["START", "FakeClock", "Rehearsal", "decide", "rehearse"]

Score: TypeAlias = Callable[[Mapping[str, Any]], float]

Tables: TypeAlias = Mapping[str, Mapping[Any, Mapping[str, Any]]]

START = datetime(2026, 1, 1, 12, tzinfo=UTC)


class FakeClock:
    """A clock that only moves when advanced."""

    def __init__(self, now: datetime = START) -> None:
        self._now = now

    def now(self) -> datetime:
        """Return the set time."""
        return self._now

    def set(self, now: datetime) -> None:
        """Move to another moment."""
        self._now = now


class MemorySource:
    """A source of events that keeps them in memory: what Kafka or a table would do, and what a test wants of it.

    Set `missing` or `silent` and it is not there, or does not answer.
    """

    def __init__(self, partitions: int = 1) -> None:
        self.missing = False
        self.silent = False
        self.closed = False
        self._logs: dict[str, list[Arrival]] = {str(number): [] for number in range(partitions)}
        self._came = asyncio.Event()

    def send(
        self,
        data: bytes,
        *,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
        at: datetime = START,
        caller: str | None = None,
    ) -> None:
        """Send a message; all of one key go to one partition."""
        log = self._logs[str(sum((key or "").encode()) % len(self._logs))]
        log.append(Arrival(len(log), data, headers or {}, key, at, caller))
        came, self._came = self._came, asyncio.Event()
        came.set()

    async def partitions(self) -> Sequence[str]:
        """Return the logs, by number."""
        self._answer()
        return list(self._logs)

    async def start(self, partition: str) -> int:
        """Return the first position."""
        self._answer(partition)
        return 0

    async def end(self, partition: str) -> int:
        """After the last."""
        return len(self._answer(partition))

    async def position_at(self, partition: str, moment: datetime) -> int:
        """Return the first position whose message arrived then or later."""
        log = self._answer(partition)
        return next((a.position for a in log if a.at is not None and a.at >= moment), len(log))

    async def read(self, partition: str, position: int, *, most: int, wait: float) -> Sequence[Arrival]:
        """Return the messages present, or otherwise those that arrive meanwhile."""
        log, came = self._answer(partition), self._came
        if position >= len(log):
            try:
                await asyncio.wait_for(came.wait(), wait)
            except TimeoutError:
                return []
        return self._answer(partition)[position : position + most]

    async def close(self) -> None:
        """Remember that it was closed."""
        self.closed = True

    def _answer(self, partition: str = "0") -> list[Arrival]:
        if self.silent:
            raise SourceUnavailable("The source in memory does not answer")
        if self.missing or partition not in self._logs:
            raise StreamMissing(f"There is no partition {partition} in memory")
        return self._logs[partition]


def decide(
    automation: Automation,
    rows: Sequence[Mapping[str, Any]],
    *,
    model: Path | Score | None = None,
    at: Sequence[datetime] | None = None,
    certain: bool = True,
    happened: Sequence[datetime] | None = None,
    tables: Tables | None = None,
) -> list[Decision]:
    """Decide rows as a caller would send them, in order, each seeing the windows of earlier ones.

    `model` is a packed folder, or a function that gives the score of a row; then `certain` is the answer of the risk
    gate. An automation without a model needs none.

    `at` are the arrival times, all the same if not given, `happened` those of their events, if different. `tables` are
    the rows that lookups find, by table and key: `{"customers": {"a1": {"segment": "gold"}}}`. Raises
    InputInvalid for a row outside the contract, PolicyInvalid, AutomationInvalid.
    """
    clock, tiles = FakeClock(), MemoryTiles()
    line = _line(automation, model, certain)
    decided: list[Decision] = []
    came = at or [START] * len(rows)
    events: Sequence[datetime | None] = happened or [None] * len(rows)
    for row, moment, event in zip(rows, came, events, strict=True):
        clock.set(moment)
        request = _request(line, row, moment, event)
        seen = tiles.read(line.needs([request]))
        decisions, deltas = line.decide([request], seen, _looked_up(line, request, tables or {}), now=clock.now())
        tiles.write(deltas)
        decided += decisions
    return decided


def endpoint_of(package: Path) -> serving.LoadedVersion:
    """Return a packed model, loaded as it would be after registration."""
    manifest = models.open_package(package).manifest
    version = ModelVersion(
        name=manifest.name,
        number=1,
        digest="",
        manifest=manifest,
        registered_by="test",
        reason="test",
        registered_at=START,
        trusted=True,
    )
    return serving.load(version, package)


def _line(automation: Automation, model: Path | Score | None, certain: bool) -> Line:
    if model is None and automation.predicts:
        raise TypeError(f"{automation.name} needs a model: give `model`, a packed folder or a function")
    if isinstance(model, Path):
        return assemble(automation, endpoint_of(model), number=1)
    table, compiled = compile_policy(automation)
    return Line(
        automation,
        traffic=Traffic.of_one(
            Arm(
                LineRef(automation.name, 1, ModelRef(automation.model, 1, ""), table.version),
                _Scored(model or _undecided),
                Gate(threshold=0.0 if certain else 2.0, target=automation.risk.target if automation.risk else 1.0),
            )
        ),
        policy=compiled,
        outcomes=table.outcomes,
    )


def _looked_up(line: Line, request: DecisionRequest, tables: Tables) -> Looked:
    return {
        one.lookup: {str(key): row for key, row in tables.get(one.lookup.table, {}).items()}
        for one in line.wanted([request])
    }


def _request(line: Line, row: Mapping[str, Any], moment: datetime, happened_at: datetime | None) -> DecisionRequest:
    raw = to_json(row)
    identifier = uuid7(moment)
    return DecisionRequest(
        id=identifier,
        automation=line.ref.automation,
        raw=raw,
        input=line.contract.read(raw),
        caller="test",
        correlation_id=str(identifier),
        asked_at=moment,
        began_ns=perf_counter_ns(),
        happened_at=happened_at,
    )


def _undecided(row: Mapping[str, Any]) -> float:
    """Stand in for the model of an automation without one; nothing asks it."""
    del row
    return 0.5


class _Scored:
    """A model that answers what the test sets."""

    inline = True
    capacity = 1
    max_batch = 512

    def __init__(self, score: Score) -> None:
        self._score = score

    def predict(self, rows: Sequence[Mapping[str, Any]]) -> list[Prediction]:
        """Return a prediction of two classes, "0" and "1", for each row."""
        scores = [self._score(row) for row in rows]
        return [Prediction(s, str(int(s > 0.5)), max(s, 1 - s), {"0": 1 - s, "1": s}) for s in scores]

    async def predict_soon(self, rows: Sequence[Mapping[str, Any]], *, within: float) -> list[Prediction]:
        """Return the same predictions."""
        del within
        return self.predict(rows)

    def take_cpu_us(self) -> int:
        """Return 0, as nothing is worth counting."""
        return 0
