"""Batches whose end is unknown, and decisions recorded under the same id elsewhere: once each, and the audit log whole."""

import asyncio
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import text

from andon import audit
from andon.decisions import RECORDED, Decider, Decision, DecisionRequest, Idempotency, LedgerEvidence
from andon.decisions import decider as deciding
from andon.decisions.recorder import Recorder
from andon.decisions.recording import Batch
from andon.kernel.db import Database
from arms import request_of
from automations import payment
from counted import counted_in_windows
from lines import Installation, install


class Outlived(Recorder):
    """Loses its connection in the middle of the first commit, whose backend goes on and commits while the next attempt is made."""

    orphan: "asyncio.Task[None] | None" = None

    async def _record_once(self, batch: Batch) -> None:
        if self.orphan is not None:
            await super()._record_once(batch)
            return
        own, self._connection = self._connection, await self._database.connect()
        backend = self._connection
        transaction = backend.transaction()
        await transaction.start()
        await self._record_stepwise(batch)
        self._connection = own
        self.orphan = asyncio.create_task(self._commit_late(backend, transaction))
        raise ConnectionResetError

    async def _commit_late(self, backend: asyncpg.Connection, transaction: asyncpg.transaction.Transaction) -> None:
        waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        looker = await self._database.connect()
        while not await looker.fetchval(waits):
            await asyncio.sleep(0.01)
        await looker.close()
        await transaction.commit()
        await backend.close()


@pytest.fixture
def installation(database: Database, tmp_path: Path) -> Installation:
    return install(database, tmp_path)


def a_request(installation: Installation, number: int, *, key: str | None = None) -> DecisionRequest:
    line = installation.deployment.lines["payments"]
    idempotency = None if key is None else Idempotency.of("payments", "bank", key, b"")
    return request_of(line, payment(number), at=installation.clock.now(), idempotency=idempotency)


def check(database: Database, *, decided: int) -> None:
    with database.snapshot() as tx:
        assert tx.execute(text("SELECT count(*) FROM decisions")).scalar_one() == decided
        report = audit.verify(tx, evidence={RECORDED: LedgerEvidence()})
        assert (report.ok, report.findings) == (True, ())


@pytest.mark.parametrize("keyed", [False, True])
def test_a_commit_that_outlives_its_connection_counts_and_the_log_stays_whole(
    installation: Installation, monkeypatch: pytest.MonkeyPatch, keyed: bool
) -> None:
    monkeypatch.setattr(deciding, "Recorder", Outlived)

    async def run() -> list[Decision | None]:
        decider = installation.decider()
        keys = [f"k{n}" if keyed else None for n in range(3)]
        first = await together(decider, [a_request(installation, n, key=key) for n, key in enumerate(keys)])
        then = await decider.decide(a_request(installation, 3))
        await decider.close()
        return [*first, then]

    decided = asyncio.run(run())
    assert [decision is None for decision in decided] == [keyed, keyed, keyed, False]
    check(installation.database, decided=4)


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
