"""Decisions recorded under the same id by two processes: once each, and the audit log whole."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import text

from andon import audit
from andon.decisions import RECORDED, Decider, Decision, DecisionRequest, LedgerEvidence
from andon.kernel.db import Database
from arms import request_of
from automations import payment
from counted import counted_in_windows
from lines import Installation, install


@pytest.fixture
def installation(standing: None, database: Database, tmp_path: Path) -> Installation:
    return install(database, tmp_path)


def a_request(installation: Installation, number: int) -> DecisionRequest:
    return request_of(installation.deployment.lines["payments"], payment(number), at=installation.clock.now())


def check(database: Database, *, decided: int) -> None:
    with database.snapshot() as tx:
        assert tx.execute(text("SELECT count(*) FROM decisions")).scalar_one() == decided
        report = audit.verify(tx, evidence={RECORDED: LedgerEvidence()})
        assert (report.ok, report.findings) == (True, ())


def test_what_another_process_recorded_under_the_same_id_is_a_repeat(installation: Installation) -> None:
    requests = [a_request(installation, n) for n in range(6)]

    async def run() -> tuple[list[Decision | None], list[Decision | None]]:
        one, other = installation.decider(), installation.decider()
        first = await together(one, requests[:4])
        second = await together(other, requests[2:])
        assert await together(one, requests[4:]) == [None, None]
        await one.close()
        await other.close()
        return first, second

    first, second = asyncio.run(run())
    assert [decision is None for decision in first] == [False] * 4
    assert [decision is None for decision in second] == [True, True, False, False]
    check(installation.database, decided=6)
    with installation.database.begin() as tx:
        assert counted_in_windows(tx, "payments") == 6


async def together(decider: Decider, requests: list[DecisionRequest]) -> list[Decision | None]:
    return list(await asyncio.gather(*map(decider.decide, requests)))
