"""Workers are killed in the middle of an agent's run: what was allowed or approved happens once, nothing else does."""

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from benchmarks.agents_line import BOX, EFFECTS, SPECS
from sqlalchemy import text

from andon import reviews, tools
from andon.bootstrap.project import build_events
from andon.kernel import durable
from andon.kernel.clock import SystemClock
from andon.kernel.config import Settings
from andon.kernel.db import Database
from andon.kernel.identity import Actor
from andon.kernel.ids import uuid7
from andon.procedures.conducting import Conductor

CALLS = 8
KILLED_AFTER = (2, 5)
"""How many effects there are when a worker is killed."""

ALLOWED, ASKED, DENIED = 10, 200, 0
MAIL = "".join(
    f'<<refund {{"account": "c{number}", "amount": {(ALLOWED, ASKED, DENIED)[number % 3 if number % 4 else 0]}}}>>'
    for number in range(CALLS)
)
EVENTS, RITA, CLOCK = build_events(Settings()), Actor("rita"), SystemClock()


@contextmanager
def a_worker(database: Database, folder: Path) -> Iterator[None]:
    """Run a worker, and kill it at the end."""
    command = [sys.executable, "-m", "benchmarks.agents_line", database.url, str(folder), "5"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield
        finally:
            process.kill()


def approve(database: Database) -> None:
    """Approve what waits."""
    with database.begin() as tx:
        reviews.open_due(tx, now=CLOCK.now())
        for review in reviews.page(tx, reviews.ReviewFilter(queue="agents"), now=CLOCK.now(), limit=50):
            if tools.run_of(tx, review.decision_id) is not None:
                reviews.claim(tx, review.id, actor=RITA, now=CLOCK.now())
                reviews.give_verdict(
                    tx, review.id, outcome="allow", reason="asked", actor=RITA, events=EVENTS, now=CLOCK.now()
                )


def effects(database: Database) -> dict[str, int]:
    """Return how often each call happened, by its account."""
    with database.begin() as tx:
        found = tx.execute(text("SELECT account, sum(times) FROM effects GROUP BY account")).all()
    return {account: int(times) for account, times in found}


def approving_until(database: Database, run: UUID, effects_there: int | None) -> None:
    """Approve what waits until there are so many effects, or the run has ended."""
    patience = time.monotonic() + 60
    while time.monotonic() < patience:
        approve(database)
        with database.begin() as tx:
            over = durable.find(tx, [run])[run].state in durable.OVER
        if over or (effects_there is not None and len(effects(database)) >= effects_there):
            return
        time.sleep(0.02)
    pytest.fail("the run did not go on")


@pytest.mark.crash
@pytest.mark.timeout(300)
def test_each_approved_call_of_a_killed_agent_happens_once(database: Database, tmp_path: Path) -> None:
    with database.begin() as tx:
        tx.execute(text(EFFECTS))
    run = UUID(bytes=uuid7(datetime.now(UTC)).bytes)
    with a_worker(database, tmp_path):
        pass  # which made the tables of procedures
    with database.begin() as tx:
        Conductor(database, SPECS, CLOCK).start(
            tx,
            "answer-mail",
            run,
            {"mail": MAIL},
            traceparent=None,
            now=CLOCK.now(),
            automation=BOX,
            decision_id=run,
            correlation_id="crash",
        )
    for count in (*KILLED_AFTER, None):
        with a_worker(database, tmp_path):
            approving_until(database, run, count)
    with database.begin() as tx:
        assert durable.find(tx, [run])[run].state is durable.RunState.DONE
        calls = [
            (tools.arguments_of(tx, call)["account"], call)
            for call in tools.page(tx, toolboxes=[BOX], now=CLOCK.now(), limit=1000)
        ]
    assert sorted(account for account, _ in calls) == [f"c{number}" for number in range(CALLS)]
    assert Counter(call.outcome for _, call in calls).keys() == {"allow", "ask", "deny"}
    assert effects(database) == {account: 1 for account, call in calls if call.outcome != "deny"}
