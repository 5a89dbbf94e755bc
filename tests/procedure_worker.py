"""A process that runs procedures: `python -m tests.procedure_worker URL`. Each step records a mark with its actor.

Prints `ready` when it runs, and ends when its standard input does.
"""

import os
import sys
import time
from typing import Any
from uuid import UUID

from sqlalchemy import text

from andon import Procedure, procedure
from andon.kernel.clock import SystemClock
from andon.kernel.db import Database
from andon.kernel.logs import configure_logs
from andon.procedures.conducting import Conductor

STEPS = 8
SECONDS = 0.25
TABLE = "CREATE TABLE IF NOT EXISTS marks (key text PRIMARY KEY, times integer NOT NULL, pids integer[] NOT NULL)"
MARK = (
    "INSERT INTO marks VALUES (:key, 1, ARRAY[CAST(:pid AS integer)]) "
    "ON CONFLICT (key) DO UPDATE SET times = marks.times + 1, pids = marks.pids || CAST(:pid AS integer)"
)
STANDING_STILL = "SET LOCAL idle_in_transaction_session_timeout = '2s'"
"""A process that is frozen in the middle of an effect would otherwise keep its row from the one that takes over."""

database: Database | None = None


def mark(procedure_id: str, number: int) -> None:
    """Record an effect outside, by its key."""
    assert database is not None
    time.sleep(SECONDS)
    with database.begin() as tx:
        tx.execute(text(STANDING_STILL))
        tx.execute(text(MARK), {"key": f"{procedure_id}/{number}", "pid": os.getpid()})


@procedure("march")
async def march(p: Procedure, given: dict[str, Any]) -> int:
    """Step after step."""
    for number in range(STEPS):
        await p.step(mark, str(UUID(str(p.id))), number)
    return STEPS


@procedure("stand")
async def stand(p: Procedure, given: dict[str, Any]) -> Any:
    """One step, then a wait without end, then another."""
    await p.step(mark, str(p.id), 0)
    answer = await p.wait_for("go")
    await p.step(mark, str(p.id), 1)
    return answer and answer.data


def main(url: str) -> None:
    """Run until standard input ends."""
    global database
    configure_logs("worker", "info")
    database = Database(url)
    conductor = Conductor(database, [march, stand], SystemClock())
    conductor.launch()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.read()
    conductor.close()


if __name__ == "__main__":
    main(sys.argv[1])
