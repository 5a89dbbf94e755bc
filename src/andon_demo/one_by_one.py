"""The plain approach that the demo compares with: the same line decides one event per transaction.

Run in the project's folder: `python -m andon_demo.one_by_one AUTOMATION SECONDS < ARRIVALS`. A line of ARRIVALS is a
time in seconds since the first event, a tab, and the event. Each event is decided at its time, or later if those before
it took too long. After SECONDS the program ends and prints JSON: the number of decisions and their CPU time.
"""

import asyncio
import json
import sys
import time
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import uvloop

from andon.bootstrap.project import deployed_alone
from andon.bootstrap.threads import one_thread
from andon.cli.context import Project, project
from andon.decisions import BatchDecider, DecisionRequest, Line, Unwatched
from andon.kernel.errors import Invalid
from andon.kernel.ids import uuid7
from andon.kernel.statements import Statement

CALLER = "one-by-one"
POSITION = "CREATE TABLE IF NOT EXISTS one_by_one (position bigint NOT NULL)"
MOVE = "UPDATE one_by_one SET position = $1"


def main(automation: str, seconds: float) -> None:
    """Decide the events on standard input."""
    arrivals = [(float(at), body.strip().encode()) for at, body in (line.split("\t", 1) for line in sys.stdin)]
    one_thread()
    with project() as here:
        print(json.dumps(uvloop.run(_decide_all(here, automation, arrivals, seconds))))


async def _decide_all(
    here: Project, automation: str, arrivals: Sequence[tuple[float, bytes]], seconds: float
) -> Mapping[str, float]:
    deployment = await asyncio.to_thread(deployed_alone, here.settings, here.database, here.clock, automation)
    for version in deployment.loaded:
        await version.start()
    decider = BatchDecider(
        here.database, deployment.line, clock=here.clock, controls=deployment.controls, watcher=Unwatched()
    )
    connection = await here.database.connect()
    await connection.execute(POSITION)
    await connection.execute("INSERT INTO one_by_one VALUES (0)")
    decided, began, spent, start = 0, time.perf_counter(), time.process_time(), datetime.now(UTC)
    for at, body in arrivals:
        elapsed = time.perf_counter() - began
        if elapsed > seconds:
            break
        await asyncio.sleep(max(0.0, at - elapsed))
        request = _request(deployment.line(automation), body, start + timedelta(seconds=at))
        await decider.decide([request], _Position(decided + 1))
        decided += 1
    figures = {"decided": decided, "cpu_seconds": time.process_time() - spent}
    await connection.close()
    await decider.close()
    for version in deployment.loaded:
        await version.close()
    return figures


def _request(line: Line, body: bytes, happened_at: datetime) -> DecisionRequest:
    now = datetime.now(UTC)
    identifier = uuid7(now)
    given = line.contract.read(body)
    began = time.perf_counter_ns()
    return DecisionRequest(
        identifier, line.automation.name, body, given, CALLER, str(identifier), now, began, happened_at=happened_at
    )


class _Position:
    """The position, written with each decision, so that an event has its effect once, as in a stream."""

    def __init__(self, position: int) -> None:
        self._position = position

    def entry(self) -> None:
        """Return nothing: no audit entry vouches for the position."""

    def statements(self, recorded: AbstractSet[UUID], refused: Mapping[UUID, str | Invalid]) -> list[Statement]:
        """Return the statement that moves the position with the decision."""
        del recorded, refused
        return [(MOVE, (self._position,))]

    async def is_written(self, connection: asyncpg.Connection) -> bool:
        """Return whether the position has already moved."""
        found: Any = await connection.fetchval("SELECT position FROM one_by_one")
        return bool(found == self._position)


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
