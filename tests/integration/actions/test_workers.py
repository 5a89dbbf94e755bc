"""Workers deliver side by side, stop when they are told, and take over what a dead one had in its hands."""

import asyncio
from datetime import timedelta

from sqlalchemy import text

from andon import actions
from andon.actions import ActionSelection, ActionState, AnswerKind, Deliveries, Repeat
from andon.actions.deliveries import LEASE
from andon.kernel import outbox
from andon.kernel.clock import SystemClock
from andon.kernel.db import Database
from andon.kernel.events import Events
from integration.actions.delivering import MovedClock, a_destination, delivering, kinds, running, the_action
from messages import an_action, put
from receiver import Receiver, Slow


def test_an_attempt_whose_process_died_shows_as_unknown_and_is_taken_over(
    database: Database, receiver: Receiver, clock: MovedClock
) -> None:
    message = an_action(clock.now())
    put(database, message)
    receiver.plan(Slow(30))

    async def die_while_sending() -> None:
        async with delivering(database, a_destination(receiver), clock=clock) as deliveries:
            running = asyncio.create_task(deliveries.run_round())
            await asyncio.to_thread(receiver.wait_for, 1)
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    async def another() -> int:
        async with delivering(database, a_destination(receiver), clock=clock) as deliveries:
            assert await deliveries.run_round() == 0, "still claimed"
            assert kinds(database, message, clock.now()) == [None]
            clock.move_on(timedelta(seconds=7))
            assert kinds(database, message, clock.now()) == [AnswerKind.UNKNOWN]
            return await deliveries.run_round()

    asyncio.run(die_while_sending())
    assert asyncio.run(another()) == 1
    assert receiver.received[str(message.id)].times == 2


def test_running_delivers_what_comes_in_and_stops_when_told_finishing_what_is_being_sent(
    database: Database, receiver: Receiver
) -> None:
    clock = MovedClock()
    receiver.always(Slow(0.2))

    async def run() -> None:
        async with (
            delivering(database, a_destination(receiver), clock=clock) as deliveries,
            running(database, deliveries),
        ):
            await asyncio.to_thread(put, database, *[an_action(clock.now()) for _ in range(60)])
            assert await asyncio.to_thread(receiver.wait_for, 40)

    asyncio.run(run())
    with database.begin() as tx:
        done = actions.page(tx, ActionState.DONE, which=ActionSelection(), limit=100)
        waiting = actions.page(tx, ActionState.PENDING, which=ActionSelection(), limit=100)
        assert all(not outbox.is_claimed(tx, action.id, now=clock.now()) for action in waiting)
    assert {str(action.id) for action in done} == set(receiver.received)
    assert len(done) + len(waiting) == 60
    assert all(received.times == 1 for received in receiver.received.values())


def test_two_workers_share_the_work_and_deliver_each_action_once(database: Database, receiver: Receiver) -> None:
    clock = MovedClock()
    put(database, *[an_action(clock.now()) for _ in range(300)])

    async def run() -> None:
        destination = a_destination(receiver)
        async with (
            delivering(database, destination, clock=clock) as one,
            delivering(database, destination, clock=clock) as other,
            running(database, one, other),
        ):
            assert await asyncio.to_thread(receiver.wait_for, 300)

    asyncio.run(run())
    assert receiver.requests == 300


def test_a_slow_destination_does_not_hold_up_a_fast_one(database: Database, receiver: Receiver) -> None:
    clock = MovedClock()
    with Receiver() as slow:
        slow.always(Slow(3))
        put(database, *[an_action(clock.now(), destination="slow") for _ in range(200)])
        put(database, *[an_action(clock.now()) for _ in range(50)])

        async def run() -> None:
            destinations = (a_destination(receiver), a_destination(slow, name="slow"))
            async with (
                delivering(database, *destinations, clock=clock) as deliveries,
                running(database, deliveries),
            ):
                assert await asyncio.to_thread(receiver.wait_for, 50, within=2.5)

        asyncio.run(run())


def test_a_connector_that_breaks_is_an_unknown_answer_not_an_end_of_the_loop(
    database: Database, clock: MovedClock, receiver: Receiver
) -> None:
    class Broken:
        repeat = Repeat.IDEMPOTENT

        async def deliver(self, _: actions.Delivery) -> actions.Answer:
            raise ZeroDivisionError

        async def close(self) -> None:
            pass

    message = an_action(clock.now())
    put(database, message)

    async def one_round() -> int:
        deliveries = Deliveries(
            database, {"webhook": Broken()}, {"bank": a_destination(receiver)}, SystemClock(), events=Events()
        )
        try:
            return await deliveries.run_round()
        finally:
            await deliveries.close()

    assert asyncio.run(one_round()) == 0
    assert kinds(database, message, clock.now()) == [AnswerKind.UNKNOWN]
    assert "ZeroDivisionError" in str(the_action(database, message).last_error)


def test_a_database_that_goes_away_for_a_while_only_delays_deliveries(
    database: Database, receiver: Receiver, server_url: str
) -> None:
    clock = MovedClock()
    receiver.always(Slow(0.05))
    put(database, *[an_action(clock.now()) for _ in range(400)])
    name = database.url.rpartition("/")[2]

    def interrupt() -> None:
        server = Database(server_url)
        with server.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as admin:
            admin.execute(text(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false"))
            admin.execute(
                text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :n"), {"n": name}
            )
            receiver.wait_for_requests(10_000, within=1)
            admin.execute(text(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true"))
        server.close()

    async def run() -> None:
        async with delivering(database, a_destination(receiver), clock=clock) as deliveries:
            async with running(database, deliveries):
                assert await asyncio.to_thread(receiver.wait_for, 50)
                await asyncio.to_thread(interrupt)
                assert await asyncio.to_thread(receiver.wait_for, 400, within=20)
            clock.move_on(LEASE)  # what was delivered but could not be written down is still claimed
            for _ in range(10):
                await deliveries.run_round()

    asyncio.run(run())
    assert len(receiver.received) == 400
    with database.begin() as tx:
        assert actions.page(tx, ActionState.PENDING, which=ActionSelection()) == []
