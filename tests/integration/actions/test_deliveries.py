"""Actions leave the outbox, once by key, whatever the receiver does."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta

import pytest
from msgspec.structs import replace
from sqlalchemy import text

from andon import actions
from andon.actions import ActionState, AnswerKind, BreakerState, Deliveries, Destination, Repeat, Which
from andon.actions.deliveries import LEASE
from andon.actions.sending import UNKNOWN_FOR, UNKNOWN_WAIT
from andon.kernel import outbox
from andon.kernel.clock import SystemClock
from andon.kernel.db import Database
from andon.kernel.identity import Actor
from integration.actions.delivering import MovedClock, a_destination, delivering, kinds, the_action
from messages import an_action, put
from receiver import HangUp, Receiver, Reply, Slow

OPERATOR = Actor("olga")
EVERY = Which()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def clock() -> MovedClock:
    return MovedClock()


def test_what_is_due_is_delivered_once_signed_and_with_its_context(
    database: Database, receiver: Receiver, clock: MovedClock
) -> None:
    message = replace(an_action(clock.now()), traceparent="00-" + "a" * 32 + "-" + "b" * 16 + "-01")
    put(database, message)

    async def rounds() -> list[int]:
        async with delivering(database, a_destination(receiver), clock=clock) as deliveries:
            return [await deliveries.run_round(), await deliveries.run_round()]

    assert asyncio.run(rounds()) == [1, 0]
    [received] = receiver.received.values()
    assert (received.id, received.times, receiver.forged) == (str(message.id), 1, 0)
    assert received.event == {
        "type": "decision.release",
        "timestamp": message.created_at.isoformat(),
        "data": message.payload["decision"],
    }
    assert received.headers["x-correlation-id"] == "corr-1"
    assert received.headers["traceparent"] == message.traceparent
    assert the_action(database, message).state is ActionState.DONE
    assert kinds(database, message, clock.now()) == [AnswerKind.DELIVERED]


def test_a_failed_delivery_waits_longer_each_time_and_then_arrives(
    database: Database, receiver: Receiver, clock: MovedClock
) -> None:
    message = an_action(clock.now())
    put(database, message)
    receiver.plan(Reply(500), Reply(503))

    async def rounds() -> list[timedelta]:
        waits = []
        async with delivering(database, a_destination(receiver), clock=clock) as deliveries:
            for _ in range(2):
                assert await deliveries.run_round() == 0
                assert await deliveries.run_round() == 0, "not due yet"
                wait = the_action(database, message).due_at - clock.now()
                waits.append(wait)
                clock.move_on(wait)
            assert await deliveries.run_round() == 1
        return waits

    first, second = asyncio.run(rounds())
    assert timedelta(seconds=0.5) < first <= timedelta(seconds=1)
    assert timedelta(seconds=1.5) < second <= timedelta(seconds=2)
    assert kinds(database, message, clock.now()) == [AnswerKind.FAILED, AnswerKind.FAILED, AnswerKind.DELIVERED]


@pytest.mark.parametrize("behaviour", [HangUp(), Slow(30)], ids=["connection lost", "no answer"])
def test_an_unknown_answer_is_marked_so_and_sent_again_only_under_the_same_key(
    database: Database, receiver: Receiver, clock: MovedClock, behaviour: HangUp | Slow
) -> None:
    message = an_action(clock.now())
    put(database, message)
    receiver.plan(behaviour)

    async def rounds() -> None:
        async with delivering(database, a_destination(receiver, timeout=0.3), clock=clock) as deliveries:
            assert await deliveries.run_round() == 0
            assert the_action(database, message).state is ActionState.PENDING
            clock.move_on(timedelta(seconds=2))
            assert await deliveries.run_round() == 1

    asyncio.run(rounds())
    assert kinds(database, message, clock.now()) == [AnswerKind.UNKNOWN, AnswerKind.DELIVERED]
    assert {key: received.times for key, received in receiver.received.items()} == {str(message.id): 2}


def test_a_retry_after_is_honoured(database: Database, receiver: Receiver, clock: MovedClock) -> None:
    message = an_action(clock.now())
    put(database, message)
    receiver.plan(Reply(429, headers={"retry-after": "120"}))

    async def one_round() -> None:
        async with delivering(database, a_destination(receiver), clock=clock) as deliveries:
            await deliveries.run_round()

    asyncio.run(one_round())
    assert the_action(database, message).due_at > clock.now() + timedelta(seconds=110)


def test_what_is_refused_for_good_is_a_dead_letter_at_once_and_can_be_sent_again_with_a_reason(
    database: Database, receiver: Receiver, clock: MovedClock
) -> None:
    message = an_action(clock.now())
    put(database, message)
    receiver.plan(Reply(422))

    async def one_round() -> int:
        async with delivering(database, a_destination(receiver), clock=clock) as deliveries:
            return await deliveries.run_round()

    assert asyncio.run(one_round()) == 0
    with database.begin() as tx:
        [dead] = actions.page(tx, ActionState.DEAD, which=Which(["payments"]))
        assert actions.page(tx, ActionState.DEAD, which=Which(["other"])) == []
        assert (dead.id, dead.last_error) == (message.id, "answered 422 Unprocessable Entity")
        with pytest.raises(actions.ReasonMissing):
            actions.resend(tx, message.id, actor=OPERATOR, reason=" ", now=clock.now())
        again = actions.resend(tx, message.id, actor=OPERATOR, reason="receiver mended", now=clock.now())
        assert (again.state, again.attempts) == (ActionState.PENDING, 0)
        with pytest.raises(actions.ActionNotDead):
            actions.resend(tx, message.id, actor=OPERATOR, reason="twice", now=clock.now())
    assert asyncio.run(one_round()) == 1
    assert list(receiver.received) == [str(message.id)]


def test_attempts_are_bounded(database: Database, receiver: Receiver, clock: MovedClock) -> None:
    message = an_action(clock.now())
    put(database, message)
    receiver.always(Reply(500))

    async def rounds() -> None:
        async with delivering(database, a_destination(receiver, max_attempts=3), clock=clock) as deliveries:
            for _ in range(5):
                await deliveries.run_round()
                clock.move_on(timedelta(seconds=3))

    asyncio.run(rounds())
    assert receiver.requests == 3
    assert the_action(database, message).last_error == (
        "gave up after 3 attempts; the last: failed: answered 500 Internal Server Error"
    )


def test_a_destination_that_is_gone_is_disabled_until_a_person_enables_it(
    database: Database, receiver: Receiver, clock: MovedClock
) -> None:
    first, second = an_action(clock.now()), an_action(clock.now())
    put(database, first)
    receiver.plan(Reply(410))

    async def one_round() -> int:
        async with delivering(database, a_destination(receiver), clock=clock) as deliveries:
            return await deliveries.run_round()

    assert asyncio.run(one_round()) == 0
    put(database, second)
    assert asyncio.run(one_round()) == 0
    assert receiver.requests == 1
    assert "is disabled: it answered that it is gone (410)" in str(the_action(database, second).last_error)
    with database.begin() as tx:
        assert [one.name for one in actions.disabled_destinations(tx)] == ["bank"]
        with pytest.raises(actions.DestinationDisabled, match="andon actions enable bank"):
            actions.resend(tx, first.id, actor=OPERATOR, reason="try", now=clock.now())
        assert actions.resend_all(tx, which=EVERY, actor=OPERATOR, reason="try", now=clock.now()) == 0
        actions.enable_destination(tx, "bank", actor=OPERATOR, reason="moved back", now=clock.now())
        with pytest.raises(actions.DestinationNotDisabled):
            actions.enable_destination(tx, "bank", actor=OPERATOR, reason="again", now=clock.now())
        assert actions.resend_all(tx, which=Which(["other"]), actor=OPERATOR, reason="go", now=clock.now()) == 0
        assert actions.resend_all(tx, which=EVERY, actor=OPERATOR, reason="go", now=clock.now()) == 2
    assert asyncio.run(one_round()) == 2


def test_what_cannot_be_sent_at_all_is_a_dead_letter_that_says_what_to_do(
    database: Database, receiver: Receiver, clock: MovedClock
) -> None:
    unknown_destination = an_action(clock.now(), destination="nowhere")
    good = an_action(clock.now())
    unknown_connector = replace(an_action(clock.now()), payload={**good.payload, "connector": "fax"})
    started = {**good.payload, "connector": "procedure", "destination": "pause-transfer"}
    unknown_procedure = replace(an_action(clock.now()), payload=started)
    empty = replace(an_action(clock.now()), payload={"destination": "bank", "connector": "webhook"})
    unknown = [
        (unknown_destination, "[destinations.nowhere] to andon.toml"),
        (unknown_connector, "no connector 'fax'; there are: procedure, webhook"),
        (unknown_procedure, "no procedure 'pause-transfer' is declared in this project"),
    ]
    put(database, *(message for message, _ in unknown), empty, good)

    async def one_round() -> int:
        async with delivering(database, a_destination(receiver), clock=clock) as deliveries:
            return await deliveries.run_round()

    assert asyncio.run(one_round()) == 1
    assert the_action(database, empty).last_error == "the message holds no decision to deliver"
    for message, says in unknown:
        waiting = the_action(database, message)
        assert (waiting.state, waiting.attempts) == (ActionState.PENDING, 0), "a worker that is newer may know it"
        assert says in str(waiting.last_error)
    clock.move_on(UNKNOWN_FOR - timedelta(seconds=1))
    assert asyncio.run(one_round()) == 0
    assert {the_action(database, message).state for message, _ in unknown} == {ActionState.PENDING}
    clock.move_on(UNKNOWN_WAIT)
    assert asyncio.run(one_round()) == 0
    for message, says in unknown:
        assert the_action(database, message).state is ActionState.DEAD
        assert says in str(the_action(database, message).last_error)


def test_an_action_that_an_old_worker_does_not_know_is_carried_out_by_a_new_one(
    database: Database, receiver: Receiver, clock: MovedClock
) -> None:
    message = an_action(clock.now(), destination="new")
    put(database, message)

    async def one_round(destination: Destination) -> int:
        async with delivering(database, destination, clock=clock) as deliveries:
            return await deliveries.run_round()

    assert asyncio.run(one_round(a_destination(receiver))) == 0
    clock.move_on(UNKNOWN_WAIT)
    assert asyncio.run(one_round(a_destination(receiver, name="new"))) == 1
    assert (the_action(database, message).state, the_action(database, message).attempts) == (ActionState.DONE, 1)
    assert list(receiver.received) == [str(message.id)]


def test_a_failing_destination_is_left_alone_without_counting_and_holds_up_nobody_else(
    database: Database, receiver: Receiver, clock: MovedClock
) -> None:
    with Receiver() as broken:
        broken.always(Reply(500))
        failing = [an_action(clock.now(), destination="broken") for _ in range(40)]
        put(database, *failing, an_action(clock.now()))

        async def rounds() -> None:
            destinations = (a_destination(receiver), a_destination(broken, name="broken"))
            async with delivering(database, *destinations, clock=clock) as deliveries:
                assert await deliveries.run_round() == 1
                assert deliveries.breakers() == {"bank": BreakerState.CLOSED, "broken": BreakerState.OPEN}
                seen = broken.requests
                assert seen < 40
                clock.move_on(timedelta(seconds=2))
                await deliveries.run_round()
                assert broken.requests == seen, "open: nothing is sent"
                clock.move_on(timedelta(seconds=4))
                await deliveries.run_round()
                assert broken.requests == seen + 1, "half-open: one looks"
                broken.always(Reply())
                clock.move_on(timedelta(seconds=11))
                while await deliveries.run_round() or len(broken.received) < 40:
                    clock.move_on(timedelta(seconds=2))
                assert deliveries.breakers()["broken"] is BreakerState.CLOSED

        asyncio.run(rounds())
        assert len(broken.received) == 40
        with database.begin() as tx:
            attempts = [len(actions.attempts(tx, message.id, now=clock.now())) for message in failing]
        assert sum(attempts) == broken.requests, "what was put back used no attempt"


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
        async with delivering(database, a_destination(receiver), clock=clock) as deliveries:
            stop = asyncio.Event()
            running = asyncio.create_task(deliveries.run(stop))
            await asyncio.to_thread(put, database, *[an_action(clock.now()) for _ in range(60)])
            assert await asyncio.to_thread(receiver.wait_for, 40)
            stop.set()
            await asyncio.wait_for(running, 5)

    asyncio.run(run())
    with database.begin() as tx:
        done = actions.page(tx, ActionState.DONE, which=EVERY, limit=100)
        waiting = actions.page(tx, ActionState.PENDING, which=EVERY, limit=100)
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
        ):
            stop = asyncio.Event()
            running = [asyncio.create_task(worker.run(stop)) for worker in (one, other)]
            assert await asyncio.to_thread(receiver.wait_for, 300)
            stop.set()
            await asyncio.gather(*running)

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
            async with delivering(database, *destinations, clock=clock) as deliveries:
                stop = asyncio.Event()
                running = asyncio.create_task(deliveries.run(stop))
                assert await asyncio.to_thread(receiver.wait_for, 50, within=2.5)
                stop.set()
                await running

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
        deliveries = Deliveries(database, {"webhook": Broken()}, {"bank": a_destination(receiver)}, SystemClock())
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
            stop = asyncio.Event()
            running = asyncio.create_task(deliveries.run(stop))
            assert await asyncio.to_thread(receiver.wait_for, 50)
            await asyncio.to_thread(interrupt)
            assert await asyncio.to_thread(receiver.wait_for, 400, within=20)
            stop.set()
            await running
            clock.move_on(LEASE)  # what was delivered but could not be written down is still claimed
            for _ in range(10):
                await deliveries.run_round()

    asyncio.run(run())
    assert len(receiver.received) == 400
    with database.begin() as tx:
        assert actions.page(tx, ActionState.PENDING, which=EVERY) == []
