"""Answers when the ledger is too slow: nothing was decided, or the outcome is in doubt, with the id to ask for."""

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter, perf_counter_ns

import psycopg
from msgspec.structs import replace
from sqlalchemy import text

from andon.decisions import DeadlineExceeded, Decider, DecisionInDoubt, DecisionRequest, Line
from arms import Here, arm, request_of, says, traffic
from automations import payment
from lines import Installation

from .deciding import a_line, deciding, outcome, recorded

WITHIN = 0.3
"""Seconds that a caller waits."""

PROMPT = 2.0
"""Seconds within which it has an answer, also while others use the machine."""


def test_what_a_lock_keeps_from_the_ledger_beyond_its_deadline_is_cancelled(installation: Installation) -> None:
    async def work(decider: Decider) -> None:
        assert outcome(await decider.decide(request_of(line, payment(0)))) == "release"
        with locked(installation):
            began = perf_counter()
            asked = [decider.decide(impatient(line, n)) for n in (1, 2)]
            patient = decider.decide(request_of(line, payment(3)))
            answers = await asyncio.gather(*asked, return_exceptions=True)
            assert [type(one) for one in answers] == [DeadlineExceeded] * 2
            assert perf_counter() - began < PROMPT
            behind = await asyncio.gather(decider.decide(impatient(line, 4)), return_exceptions=True)
            assert [type(one) for one in behind] == [DeadlineExceeded]
        assert outcome(await patient) == "release"

    line = the_line(installation)
    deciding(installation, [line], work)
    assert [record.record["input"]["amount"] for record in recorded(installation)] == [
        payment(n)["amount"] for n in (0, 3)
    ]


def test_what_a_stopped_server_process_may_still_record_is_in_doubt_under_its_id(installation: Installation) -> None:
    async def work(decider: Decider) -> DecisionRequest:
        assert outcome(await decider.decide(request_of(line, payment(0)))) == "release"
        asked = impatient(line, 1)
        with stopped(writer_of(installation)):
            began = perf_counter()
            (answer,) = await asyncio.gather(decider.decide(asked), return_exceptions=True)
            assert isinstance(answer, DecisionInDoubt), answer
            assert answer.details == {"decision_id": str(asked.id)}
            assert perf_counter() - began < PROMPT
            assert outcome(await decider.decide(request_of(line, payment(2)))) == "release"
        return asked

    line = the_line(installation)
    deciding(installation, [line], work)
    assert len(recorded(installation)) in (2, 3)


def impatient(line: Line, number: int) -> DecisionRequest:
    return replace(request_of(line, payment(number)), deadline_ns=perf_counter_ns() + int(WITHIN * 1e9))


def the_line(installation: Installation) -> Line:
    return a_line(installation, traffic(arm(1, Here(says(0.1)))))


@contextmanager
def locked(installation: Installation) -> Iterator[None]:
    """Keep everybody from writing decisions."""
    with psycopg.connect(installation.database.url) as holder:
        holder.execute("LOCK TABLE decisions IN SHARE ROW EXCLUSIVE MODE")
        yield


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    """Stop a process, and have it go on afterwards."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def writer_of(installation: Installation) -> int:
    """Return the server process that recorded last."""
    query = "SELECT pid FROM pg_stat_activity WHERE query LIKE '%INSERT INTO decisions%' AND pid <> pg_backend_pid()"
    with installation.database.begin() as tx:
        return int(tx.execute(text(query)).scalar_one())
