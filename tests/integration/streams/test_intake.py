"""What was accepted with 202 is decided once, under the id that was told, or says why it never will be."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from time import perf_counter_ns
from uuid import UUID

import pytest
from msgspec.structs import replace
from pydantic_core import to_json
from sqlalchemy import text

from andon import decisions
from andon.decisions import Decider, Decision, DecisionRequest, Idempotency, KeyReused, LedgerUnavailable
from andon.kernel.db import Database
from andon.kernel.events import Events
from andon.kernel.ids import uuid7
from andon.streams import Intake
from automations import payment
from lines import Installation, install


@pytest.fixture
def installation(standing: None, database: Database, tmp_path: Path) -> Installation:
    return install(database, tmp_path)


def a_request(installation: Installation, number: int, *, key: str | None = None) -> DecisionRequest:
    raw, now = to_json(payment(number)), installation.clock.now()
    return DecisionRequest(
        id=uuid7(now),
        automation="payments",
        raw=raw,
        input=payment(number),
        caller="bank",
        correlation_id=f"order-{number}",
        asked_at=now,
        began_ns=perf_counter_ns(),
        idempotency=None if key is None else Idempotency.of("payments", "bank", key, raw),
    )


def accept(installation: Installation, *requests: DecisionRequest) -> None:
    with installation.database.begin() as tx:
        for request in requests:
            decisions.accept(tx, request)


def work(installation: Installation, rounds: int = 1) -> list[int]:
    async def run() -> list[int]:
        decider = installation.decider()
        intake = Intake(installation.database, installation.deployment, decider, installation.clock, Events())
        taken = [await intake.run_round() for _ in range(rounds)]
        await decider.close()
        return taken

    return asyncio.run(run())


def test_everything_accepted_is_decided_under_the_id_that_was_told(installation: Installation) -> None:
    requests = [a_request(installation, n) for n in range(20)]
    accept(installation, *requests)
    assert work(installation, rounds=2) == [20, 0]
    with installation.database.begin() as tx:
        records = [decisions.get(tx, request.id) for request in requests]
        assert decisions.count_waiting(tx) == 0
    assert [record.row.correlation_id for record in records] == [request.correlation_id for request in requests]
    assert all(record.row.latency_us > 0 for record in records)


def test_two_workers_decide_nothing_twice(installation: Installation) -> None:
    accept(installation, *(a_request(installation, n) for n in range(50)))

    async def race() -> None:
        deciders = [installation.decider() for _ in range(2)]
        intakes = [
            Intake(installation.database, installation.deployment, d, installation.clock, Events()) for d in deciders
        ]
        while any(await asyncio.gather(*(intake.run_round() for intake in intakes))):
            pass
        for decider in deciders:
            await decider.close()

    asyncio.run(race())
    with installation.database.begin() as tx:
        assert tx.execute(text("SELECT count(*), count(DISTINCT correlation_id) FROM decisions")).one() == (50, 50)


def test_what_a_dead_worker_had_taken_is_decided_by_the_next(installation: Installation) -> None:
    request = a_request(installation, 1)
    accept(installation, request)
    long_ago = installation.clock.now() - timedelta(minutes=1)
    with installation.database.begin() as tx:
        taken = decisions.claim(tx, ["payments"], limit=10, now=long_ago, lease=timedelta(seconds=10))
    assert [waiting.id for waiting in taken] == [request.id]
    assert work(installation) == [1]
    with installation.database.begin() as tx:
        assert decisions.get(tx, request.id).row.outcome == "release"


def test_nothing_else_is_decided_under_the_key_of_what_waits(installation: Installation) -> None:
    later, at_once = a_request(installation, 1, key="k"), a_request(installation, 1, key="k")
    accept(installation, later)

    async def decide_at_once() -> None:
        decider = installation.decider()
        assert await decider.decide(at_once) is None
        await decider.close()

    asyncio.run(decide_at_once())
    work(installation)
    with installation.database.begin() as tx:
        assert decisions.find(tx, at_once.id) is None
        assert decisions.get(tx, later.id).row.outcome == "release"
        assert decisions.find_waiting(tx, later.id) is None
        assert decisions.accept(tx, a_request(installation, 1, key="k")) == later.id


def test_what_waits_longer_than_keys_are_kept_has_its_key_still(installation: Installation) -> None:
    decided, later = a_request(installation, 1, key="d"), a_request(installation, 2, key="k")
    accept(installation, decided)
    work(installation)
    accept(installation, later)
    with installation.database.begin() as tx:
        decisions.keep_house(tx, installation.clock.now() + timedelta(days=4), failed_kept=timedelta(days=7))
        assert decisions.accept(tx, a_request(installation, 2, key="k")) == later.id
        assert decisions.accept(tx, a_request(installation, 1, key="d")) != decided.id


def test_what_cannot_be_decided_gives_its_key_back(installation: Installation) -> None:
    bad = replace(a_request(installation, 1, key="k"), raw=b'{"payment_id": "p1"}')
    bad = replace(bad, idempotency=Idempotency.of("payments", "bank", "k", bad.raw))
    accept(installation, bad)
    work(installation)
    again = a_request(installation, 1, key="k")
    accept(installation, again)
    assert work(installation) == [1]
    with installation.database.begin() as tx:
        failed = decisions.find_waiting(tx, bad.id)
        assert decisions.get(tx, again.id).row.outcome == "release"
    assert failed is not None
    assert "contract has changed" in (failed.error or "")


def test_the_same_key_waits_once_and_another_input_under_it_is_refused(installation: Installation) -> None:
    first = a_request(installation, 1, key="k")
    with installation.database.begin() as tx:
        assert decisions.accept(tx, first) == first.id
        assert decisions.accept(tx, a_request(installation, 1, key="k")) == first.id
        with pytest.raises(KeyReused):
            decisions.accept(tx, a_request(installation, 2, key="k"))


def test_an_input_that_no_longer_fits_says_so_and_holds_up_nobody(installation: Installation) -> None:
    good, bad = a_request(installation, 1), replace(a_request(installation, 2), raw=b'{"payment_id": "p2"}')
    accept(installation, bad, good)
    assert work(installation) == [2]
    with installation.database.begin() as tx:
        assert decisions.get(tx, good.id).row.outcome == "release"
        waiting = decisions.find_waiting(tx, bad.id)
    assert waiting is not None
    assert "contract has changed" in (waiting.error or "")


def test_what_waited_for_days_is_decided_and_its_latency_told(installation: Installation) -> None:
    old = replace(a_request(installation, 1), asked_at=installation.clock.now() - timedelta(days=3))
    accept(installation, old)
    work(installation)
    with installation.database.begin() as tx:
        (row,) = tx.execute(text("SELECT id, latency_us FROM decisions")).all()
        waiting = tx.execute(text("SELECT count(*) FROM intake")).scalar_one()
    assert (row.id, waiting) == (old.id, 0)
    assert row.latency_us >= timedelta(days=3) / timedelta(microseconds=1)


def test_a_request_during_which_three_workers_ended_is_set_aside_and_takes_no_other_along(
    installation: Installation,
) -> None:
    both = a_request(installation, 1, key="k1"), a_request(installation, 2)
    deadly, other = sorted(both, key=lambda one: one.id)  # in the order in which they are taken
    accept(installation, deadly, other)
    long_ago = installation.clock.now() - timedelta(hours=1)
    with installation.database.begin() as tx:  # a worker took both, and ended
        taken = decisions.claim(tx, ["payments"], limit=10, now=long_ago, lease=timedelta(seconds=1))
        assert {one.id for one in taken} == {deadly.id, other.id}
    for _ in range(2):  # so did two more; each had taken the suspect alone
        with installation.database.begin() as tx:
            later, over = long_ago + timedelta(minutes=1), timedelta(seconds=-1)
            taken = decisions.claim(tx, ["payments"], limit=10, now=later, lease=over)
            assert [one.id for one in taken] == [deadly.id]
    work(installation, rounds=2)
    with installation.database.begin() as tx:
        assert decisions.find(tx, other.id) is not None
        assert decisions.find(tx, deadly.id) is None
        failed = decisions.find_waiting(tx, deadly.id)
    assert failed is not None
    assert failed.error == "the worker ended 3 times while it decided this; it is not tried again"


def test_what_could_not_be_tried_as_the_ledger_was_away_does_not_count_as_a_death(installation: Installation) -> None:
    request = a_request(installation, 1)
    accept(installation, request)

    async def interrupted() -> list[int]:
        decider = installation.decider()
        away = Away(decider)
        intake = Intake(installation.database, installation.deployment, away, installation.clock, Events())  # type: ignore[arg-type]
        for _ in range(5):
            with pytest.raises(LedgerUnavailable):
                await intake.run_round()
        away.there = True
        taken = [await intake.run_round()]
        await decider.close()
        return taken

    assert asyncio.run(interrupted()) == [1]
    with installation.database.begin() as tx:
        assert decisions.find(tx, request.id) is not None


class Away:
    """A decider whose ledger is away until it is there."""

    there = False

    def __init__(self, decider: Decider) -> None:
        self._decider = decider

    async def decide_batch(self, requests: Sequence[DecisionRequest]) -> dict[UUID, Decision]:
        if not self.there:
            raise LedgerUnavailable
        return await self._decider.decide_batch(requests)
