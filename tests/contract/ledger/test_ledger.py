"""What every writer of the ledger must keep: a batch is recorded once or not at all, with all that belongs to it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from time import perf_counter
from typing import Protocol
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from sqlalchemy import text

from andon.decisions import Fenced, LedgerUnavailable, Line, plain_recorder
from andon.decisions import recorder as fast_recorder
from andon.decisions.plain_recorder import PlainRecorder
from andon.decisions.ports import LedgerWriter
from andon.decisions.recorder import Recorder
from andon.decisions.recording import RepeatsFound
from andon.kernel.clock import Clock
from andon.kernel.db import Database

from .batches import CLOCK, Place, a_line, accepted, batch_of, check, ids, places, position, requests_of, scalar
from .network import Loss, Network

WITHIN = 60.0


class Make(Protocol):
    """How a writer is made."""

    def __call__(self, database: Database, *, clock: Clock) -> LedgerWriter: ...


@pytest.fixture(params=[Recorder, PlainRecorder], ids=["fast", "plain"])
def make(request: pytest.FixtureRequest) -> Make:
    """Return the writers that keep this contract."""
    made: Make = request.param
    return made


@pytest.fixture
def line() -> Line:
    return a_line()


@asynccontextmanager
async def writing(make: Make, database: Database) -> AsyncIterator[LedgerWriter]:
    writer = make(database, clock=CLOCK)
    await writer.open()
    try:
        yield writer
    finally:
        await writer.close()


def run(make: Make, database: Database, work: Callable[[LedgerWriter], Awaitable[None]]) -> None:
    async def whole() -> None:
        async with asyncio.timeout(WITHIN), writing(make, database) as writer:
            await work(writer)

    asyncio.run(whole())


def run_over(network: Network, make: Make, work: Callable[[LedgerWriter], Awaitable[None]]) -> None:
    """Run the same over a connection that can fail."""

    async def whole() -> None:
        async with asyncio.timeout(WITHIN), network:
            database = Database(network.url)
            async with writing(make, database) as writer:
                await work(writer)
            database.close()

    asyncio.run(whole())


@pytest.mark.parametrize("count", [1, 2, 40])
def test_a_batch_is_recorded_with_all_that_belongs_to_it(
    make: Make, database: Database, line: Line, count: int
) -> None:
    places(database)
    requests = requests_of(line, count, keys=["a"])

    async def work(writer: LedgerWriter) -> None:
        batch = batch_of(line, requests, Place(0))
        assert await writer.record(batch) == {request.id for request in requests}
        assert batch.refused == {}

    run(make, database, work)
    check(database, {request.id for request in requests})
    assert (position(database), scalar(database, "SELECT key FROM idempotency_keys")) == (1, "a")


def test_decisions_that_have_nothing_alike_are_each_recorded_as_they_were_made(
    make: Make, database: Database, line: Line
) -> None:
    callers = ("bank", "branch")
    requests = [
        replace(request, caller=callers[number // 3 % 2]) for number, request in enumerate(requests_of(line, 12))
    ]
    batch = batch_of(line, requests)
    made = {
        e.decision.request.id: (e.decision.outcome, e.decision.rule, e.decision.request.caller) for e in batch.entries
    }

    async def work(writer: LedgerWriter) -> None:
        await writer.record(batch)

    run(make, database, work)
    with database.begin() as tx:
        kept = {row.id: (row.outcome, row.rule, row.caller) for row in tx.execute(text("SELECT * FROM decisions"))}
    assert kept == made
    assert len(set(kept.values())) == 6
    check(database, set(made))


def test_a_chain_goes_on_from_batch_to_batch(make: Make, database: Database, line: Line) -> None:
    recorded: set[UUID] = set()

    async def work(writer: LedgerWriter) -> None:
        for _ in range(3):
            recorded.update(await writer.record(batch_of(line, requests_of(line, 2))))

    run(make, database, work)
    check(database, recorded)
    leaves = "SELECT DISTINCT writer, seq FROM decisions"
    chain = f"SELECT string_agg(seq::text, ' ' ORDER BY seq) FROM ({leaves}) AS d GROUP BY writer"
    assert scalar(database, chain) == "1 2 3"


@pytest.mark.parametrize("alongside", [False, True], ids=["alone", "with something alongside"])
@pytest.mark.parametrize("keyed", [False, True], ids=["without keys", "with keys"])
@pytest.mark.parametrize("loss", Loss)
def test_wherever_a_connection_is_lost_a_batch_is_recorded_once(
    make: Make, database: Database, line: Line, loss: Loss, keyed: bool, alongside: bool
) -> None:
    """At every piece in turn that goes to the server, until a batch is recorded without so many."""
    places(database)
    network, recorded = Network(database.url), set[UUID]()

    async def work(writer: LedgerWriter) -> None:
        for number in range(100):
            keys = [f"{number}-{n}" if keyed else None for n in range(3)]
            requests = requests_of(line, 3, keys=keys)
            network.lose(loss, after=number)
            answer = await writer.record(batch_of(line, requests, Place(number) if alongside else None))
            assert answer == {request.id for request in requests}
            recorded.update(answer)
            if not network.has_lost:
                return
        raise AssertionError("a batch takes no hundred pieces")

    run_over(network, make, work)
    check(database, recorded)
    assert position(database) == (len(recorded) // 3 if alongside else 0)


@pytest.mark.parametrize("loss", Loss)
def test_what_is_alongside_no_decision_is_written_once_wherever_a_connection_is_lost(
    make: Make, database: Database, line: Line, loss: Loss
) -> None:
    places(database)
    network = Network(database.url)

    async def work(writer: LedgerWriter) -> None:
        for number in range(100):
            network.lose(loss, after=number)
            assert await writer.record(batch_of(line, [], Place(number))) == set()
            assert position(database) == number + 1
            if not network.has_lost:
                return
        raise AssertionError("it takes no hundred pieces")

    run_over(network, make, work)


@pytest.mark.parametrize("same", ["id", "key"])
def test_a_repeat_is_left_out_and_takes_nothing_else_with_it(
    make: Make, database: Database, line: Line, same: str
) -> None:
    first, others = requests_of(line, 1, keys=["a"]), requests_of(line, 3, keys=["a" if same == "key" else None])
    if same == "id":
        others[0] = replace(others[0], id=first[0].id)
    known, new = {first[0].id}, {request.id for request in others[1:]}

    async def work(writer: LedgerWriter) -> None:
        async with writing(PlainRecorder, database) as other:
            assert await other.record(batch_of(line, first)) == known
        assert await writer.record(batch_of(line, others)) == new
        assert await writer.record(batch_of(line, others)) == set()

    run(make, database, work)
    check(database, known | new)


def test_of_requests_with_one_key_in_a_batch_the_first_is_recorded(make: Make, database: Database, line: Line) -> None:
    requests = requests_of(line, 4, keys=["b", "a", "b", "a"])
    first = {request.id for request in requests[:2]}

    async def work(writer: LedgerWriter) -> None:
        assert await writer.record(batch_of(line, requests)) == first

    run(make, database, work)
    check(database, first)


def test_with_something_alongside_a_repeat_undoes_the_batch_and_is_named(
    make: Make, database: Database, line: Line
) -> None:
    places(database)
    requests = requests_of(line, 3, keys=["a", "b"])
    known = {requests[0].id}

    async def work(writer: LedgerWriter) -> None:
        assert await writer.record(batch_of(line, requests[:1])) == known
        with pytest.raises(RepeatsFound) as found:
            await writer.record(batch_of(line, requests, Place(0)))
        assert found.value.ids == known
        check(database, known)
        assert position(database) == 0
        await writer.record(batch_of(line, requests[1:], Place(0)))

    run(make, database, work)
    check(database, {request.id for request in requests})
    assert position(database) == 1


@pytest.mark.parametrize("alongside", [False, True], ids=["alone", "with something alongside"])
@pytest.mark.parametrize("count", [1, 4])
def test_what_postgresql_refuses_takes_nothing_with_it_and_leaves_its_key_free(
    make: Make, database: Database, line: Line, count: int, alongside: bool
) -> None:
    places(database)
    requests = requests_of(line, count, keys=["a", "b"])
    with database.begin() as tx:
        tx.execute(text(f"ALTER TABLE decisions ADD CHECK (id <> '{requests[0].id}')"))
    place = Place(0)

    async def work(writer: LedgerWriter) -> None:
        batch = batch_of(line, requests, place if alongside else None)
        assert await writer.record(batch) == {request.id for request in requests[1:]}
        assert batch.refused == {requests[0].id: "CheckViolationError"}

    run(make, database, work)
    check(database, {request.id for request in requests[1:]})
    assert scalar(database, "SELECT count(*) FROM idempotency_keys WHERE key = 'a'") == 0
    if alongside:
        assert (place.refused.keys(), position(database)) == ({requests[0].id}, 1)


def test_what_is_refused_alongside_refuses_the_batch_and_says_what_is_missing(
    make: Make, database: Database, line: Line
) -> None:
    places(database)
    requests = requests_of(line, 2, keys=["a"])

    async def work(writer: LedgerWriter) -> None:
        with pytest.raises(Fenced) as fenced:
            await writer.record(batch_of(line, requests, Place(7)))
        assert fenced.value.missing == {"here"}
        check(database, set())
        await writer.record(batch_of(line, requests, Place(0)))

    run(make, database, work)
    check(database, {request.id for request in requests})
    assert position(database) == 1


def test_a_request_from_the_intake_is_decided_by_whoever_takes_it_first(
    make: Make, database: Database, line: Line
) -> None:
    waiting = accepted(database, requests_of(line, 3, keys=["a"]))
    again = [replace(request, id=UUID(int=request.id.int ^ 1)) for request in waiting[1:]]

    async def work(writer: LedgerWriter) -> None:
        assert await writer.record(batch_of(line, waiting[:2])) == {request.id for request in waiting[:2]}
        assert await writer.record(batch_of(line, waiting)) == {waiting[2].id}
        assert await writer.record(batch_of(line, again)) == set()

    run(make, database, work)
    check(database, {request.id for request in waiting})
    assert scalar(database, "SELECT count(*) FROM intake") == 0


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    shares=st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=6, unique=True), min_size=2, max_size=4),
    keyed=st.sets(st.integers(0, 9)),
)
def test_what_several_writers_record_at_the_same_time_is_recorded_once(
    make: Make, database: Database, line: Line, shares: list[list[int]], keyed: set[int]
) -> None:
    before = ids(database)
    mark = str(len(before))
    requests = requests_of(line, 10, keys=[f"{mark}-{n}" if n in keyed else None for n in range(10)])

    async def work(writer: LedgerWriter) -> None:
        async def one(share: list[int], of: LedgerWriter) -> set[UUID]:
            return await of.record(batch_of(line, [requests[n] for n in share]))

        async with writing(make, database) as other:
            answers = await asyncio.gather(
                *(one(share, (writer, other)[number % 2]) for number, share in enumerate(shares))
            )
        assert sum(map(len, answers)) == len(set().union(*answers))

    run(make, database, work)
    check(database, before | {requests[n].id for share in shares for n in share})


def test_an_outage_longer_than_patience_is_told_within_it_and_the_writer_goes_on_afterwards(
    make: Make, database: Database, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    patience = plain_recorder.PATIENCE / 8
    for module in (plain_recorder, fast_recorder):
        monkeypatch.setattr(module, "PATIENCE", patience)
    network, recorded = Network(database.url), set[UUID]()

    async def work(writer: LedgerWriter) -> None:
        recorded.update(await writer.record(batch_of(line, requests_of(line, 2))))
        network.is_down = True
        network.cut()
        lost, began = batch_of(line, requests_of(line, 2)), perf_counter()
        with pytest.raises(LedgerUnavailable):
            await writer.record(lost)
        assert patience.total_seconds() <= perf_counter() - began < patience.total_seconds() + 3
        with pytest.raises(LedgerUnavailable):
            await writer.run("SELECT 1")
        network.is_down = False
        recorded.update(await writer.record(batch_of(line, requests_of(line, 2))))

    run_over(network, make, work)
    check(database, recorded)
    assert len(recorded) == 4


def test_an_outage_shorter_than_patience_is_waited_for(make: Make, database: Database, line: Line) -> None:
    network, recorded = Network(database.url), set[UUID]()

    async def work(writer: LedgerWriter) -> None:
        network.is_down = True
        network.cut()
        asyncio.get_running_loop().call_later(0.3, setattr, network, "is_down", False)
        recorded.update(await writer.record(batch_of(line, requests_of(line, 2))))

    run_over(network, make, work)
    check(database, recorded)
    assert len(recorded) == 2


def test_what_is_written_beside_the_ledger_is_written(make: Make, database: Database) -> None:
    places(database)

    async def work(writer: LedgerWriter) -> None:
        await writer.run("UPDATE places SET position = $1::bigint", 5)
        with pytest.raises(LedgerUnavailable):
            await writer.run("UPDATE nothing_of_that_name SET position = 5")
        await writer.run("UPDATE places SET position = position + $1::bigint", 1)

    run(make, database, work)
    assert scalar(database, "SELECT position FROM places") == 6
