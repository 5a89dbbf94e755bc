"""What became of an unanswered attempt is asked where it can be asked, and nothing is sent twice that was taken."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from msgspec.structs import replace
from tests.contract.connectors.test_http import SECRET_TEXT, HttpStage

from andon import actions
from andon.actions import ActionState, AnswerKind, Deliveries
from andon.connectors.http import HttpConnector
from andon.kernel import outbox
from andon.kernel.db import Database
from andon.kernel.events import Events
from api import Api
from integration.actions.delivering import MovedClock, the_action
from messages import an_action, put
from receiver import HangUp, Slow


@pytest.fixture
def api() -> Iterator[Api]:
    with Api("andon", SECRET_TEXT) as api:
        yield api


def a_request(clock: MovedClock) -> outbox.Message:
    message = an_action(clock.now(), destination="core")
    return replace(message, payload={**message.payload, "connector": "http"})


@asynccontextmanager
async def calling(database: Database, api: Api, clock: MovedClock) -> AsyncIterator[Deliveries]:
    core = HttpStage(api).destination(timeout=timedelta(seconds=0.5))
    deliveries = Deliveries(
        database, {"http": HttpConnector(clock)}, {"core": core}, clock, events=Events(), share=lambda: 1.0
    )
    try:
        yield deliveries
    finally:
        await deliveries.close()


def history(database: Database, message: outbox.Message, clock: MovedClock) -> list[tuple[bool, AnswerKind | None]]:
    with database.begin() as tx:
        return [(one.inquiry, one.kind) for one in actions.attempts(tx, message.id, now=clock.now())]


@pytest.mark.parametrize("behaviour", [HangUp(), Slow(30)], ids=["connection lost", "no answer"])
def test_what_was_taken_is_done_without_being_sent_again(
    database: Database, api: Api, clock: MovedClock, behaviour: HangUp | Slow
) -> None:
    message = a_request(clock)
    put(database, message)
    api.plan(behaviour)

    async def rounds() -> list[int]:
        async with calling(database, api, clock) as deliveries:
            first = await deliveries.run_round()
            clock.move_on(timedelta(seconds=3))
            return [first, await deliveries.run_round()]

    assert asyncio.run(rounds()) == [0, 1]
    assert api.taken == {str(message.id): 1}
    assert the_action(database, message).state is ActionState.DONE
    assert history(database, message, clock) == [(False, AnswerKind.UNKNOWN), (True, AnswerKind.DELIVERED)]


def test_what_was_not_taken_is_sent_again_after_asking(database: Database, api: Api, clock: MovedClock) -> None:
    message = a_request(clock)
    put(database, message)
    api.plan(HangUp())

    async def rounds() -> None:
        async with calling(database, api, clock) as deliveries:
            await deliveries.run_round()
            api.taken.clear()  # it lost what it had taken
            clock.move_on(timedelta(seconds=3))
            assert await deliveries.run_round() == 1

    asyncio.run(rounds())
    assert api.taken == {str(message.id): 1}
    expected = [(False, AnswerKind.UNKNOWN), (True, AnswerKind.FAILED), (False, AnswerKind.DELIVERED)]
    assert history(database, message, clock) == expected


def test_while_it_cannot_be_asked_nothing_is_sent_again(database: Database, api: Api, clock: MovedClock) -> None:
    message = a_request(clock)
    put(database, message)
    api.plan(HangUp())

    async def rounds() -> None:
        async with calling(database, api, clock) as deliveries:
            await deliveries.run_round()
            api.unwell = True
            clock.move_on(timedelta(seconds=3))
            assert await deliveries.run_round() == 0
            api.unwell = False
            clock.move_on(timedelta(seconds=30))
            assert await deliveries.run_round() == 1

    asyncio.run(rounds())
    assert api.taken == {str(message.id): 1}
    asked = [(False, AnswerKind.UNKNOWN), (True, AnswerKind.UNKNOWN), (True, AnswerKind.DELIVERED)]
    assert history(database, message, clock) == asked


def test_after_a_process_died_while_sending_the_next_asks_first(
    database: Database, api: Api, clock: MovedClock
) -> None:
    message = a_request(clock)
    put(database, message)
    api.plan(Slow(30))

    async def die_while_sending() -> None:
        async with calling(database, api, clock) as deliveries:
            running = asyncio.create_task(deliveries.run_round())
            while not api.taken:
                await asyncio.sleep(0.01)
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    async def another() -> int:
        clock.move_on(timedelta(seconds=7))
        async with calling(database, api, clock) as deliveries:
            return await deliveries.run_round()

    asyncio.run(die_while_sending())
    assert asyncio.run(another()) == 1
    assert api.taken == {str(message.id): 1}
