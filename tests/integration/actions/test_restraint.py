"""A destination gets no more than it can take: retry budget, pace, bulkhead, deadline; and nothing is lost by it."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from andon import actions
from andon.actions import ActionSelection, ActionState, AnswerKind
from andon.actions.limits import FLOOR, RATIO, WINDOW
from andon.kernel.db import Database
from andon.kernel.events import Events
from andon.kernel.identity import Actor
from integration.actions.delivering import MovedClock, a_destination, delivering, kinds, running, the_action
from messages import an_action, bury, put
from receiver import HangUp, Receiver, Reply, Slow


def test_retries_stay_within_a_fifth_of_first_tries_and_the_rest_waits_untouched(
    database: Database, receiver: Receiver, clock: MovedClock
) -> None:
    firsts = 100
    put(database, *[an_action(clock.now()) for _ in range(firsts)])
    receiver.plan(*[reply for _ in range(firsts // 2) for reply in (Reply(503), Reply(204))])  # no breaker opens

    async def rounds() -> tuple[int, list[int]]:
        async with delivering(database, a_destination(receiver), clock=clock, share=lambda: 0.1) as deliveries:
            while receiver.requests < firsts:
                await deliveries.run_round()
            clock.move_on(timedelta(seconds=2))
            while await deliveries.run_round():
                pass
            within = receiver.requests - firsts
            spent = [await deliveries.run_round() for _ in range(3)]
            assert deliveries.retries_left() == {"bank": 0}
            with database.begin() as tx:
                assert actions.waiting_retries(tx) == {"bank": firsts // 2 - within}
            for _ in range(10):
                clock.move_on(timedelta(seconds=WINDOW + 1))
                while await deliveries.run_round():
                    pass
            return within, spent

    within, spent = asyncio.run(rounds())
    assert within == RATIO * firsts
    assert spent == [0, 0, 0]
    assert len(receiver.received) == firsts
    with database.begin() as tx:
        assert actions.page(tx, ActionState.DONE, which=ActionSelection(), limit=200).__len__() == firsts


def test_first_tries_are_not_held_up_by_retries_that_wait_for_the_budget(
    database: Database, receiver: Receiver, clock: MovedClock
) -> None:
    failing = [an_action(clock.now()) for _ in range(40)]
    put(database, *failing)
    receiver.plan(*[reply for _ in range(20) for reply in (Reply(503), Reply(204))])

    async def rounds() -> int:
        async with delivering(database, a_destination(receiver), clock=clock, share=lambda: 0.1) as deliveries:
            while receiver.requests < len(failing):
                await deliveries.run_round()
            clock.move_on(timedelta(seconds=2))
            while await deliveries.run_round():
                pass
            assert receiver.requests == len(failing) + RATIO * len(failing)
            await asyncio.to_thread(put, database, *[an_action(clock.now()) for _ in range(10)])
            return await deliveries.run_round()

    assert asyncio.run(rounds()) == 10


def test_what_is_our_own_is_not_spared_so_that_all_of_it_goes_on_when_the_database_is_back(
    database: Database, receiver: Receiver, clock: MovedClock
) -> None:
    failing = [an_action(clock.now()) for _ in range(3 * FLOOR)]
    put(database, *failing)
    receiver.plan(*[Reply(503)] * len(failing))

    async def rounds() -> None:
        own = replace(a_destination(receiver), own=True)
        async with delivering(database, own, clock=clock, share=lambda: 0.1) as deliveries:
            while receiver.requests < len(failing):
                await deliveries.run_round()
            clock.move_on(timedelta(seconds=2))
            assert await deliveries.run_round() == len(failing)
            assert deliveries.retries_left() == {}

    asyncio.run(rounds())


def test_no_more_than_the_bulkhead_are_sent_side_by_side(database: Database, receiver: Receiver) -> None:
    clock = MovedClock()
    put(database, *[an_action(clock.now()) for _ in range(12)])
    receiver.always(Slow(0.05))
    most = 0

    async def run() -> None:
        nonlocal most
        narrow = replace(a_destination(receiver), max_concurrent=3)
        async with delivering(database, narrow, clock=clock) as deliveries, running(database, deliveries):
            while not await asyncio.to_thread(receiver.wait_for, 12, within=0.005):
                most = max(most, deliveries.sending()["bank"])

    asyncio.run(run())
    assert receiver.connections <= 3
    assert 1 <= most <= 3


def test_no_more_than_the_pace_are_sent_in_a_second(database: Database, receiver: Receiver) -> None:
    clock = MovedClock()
    put(database, *[an_action(clock.now()) for _ in range(60)])

    async def run() -> float:
        paced = replace(a_destination(receiver), rate_per_second=40.0)
        async with delivering(database, paced, clock=clock) as deliveries:
            began = asyncio.get_running_loop().time()
            async with running(database, deliveries):
                assert await asyncio.to_thread(receiver.wait_for, 60, within=10)
                return asyncio.get_running_loop().time() - began

    at_once = 4
    assert asyncio.run(run()) >= (60 - at_once) / 40


def test_after_its_deadline_an_action_is_a_dead_letter_and_not_tried_until_a_person_sends_it_again(
    database: Database, receiver: Receiver, clock: MovedClock
) -> None:
    message = an_action(clock.now())
    put(database, message)
    receiver.plan(Reply(503))
    destination = replace(a_destination(receiver), deadline=timedelta(seconds=30))

    async def rounds(*spans: float) -> None:
        async with delivering(database, destination, clock=clock) as deliveries:
            for span in spans:
                clock.move_on(timedelta(seconds=span))
                await deliveries.run_round()

    asyncio.run(rounds(0, 31))
    dead = the_action(database, message)
    assert (dead.state, receiver.requests) == (ActionState.DEAD, 1)
    assert str(dead.last_error).startswith("its deadline passed, 30 s after it was written or sent again; the last")
    with database.begin() as tx:
        actions.resend(tx, message.id, actor=Actor("olga"), events=Events(), reason="late is fine", now=clock.now())
    asyncio.run(rounds(1))
    assert the_action(database, message).state is ActionState.DONE


def test_the_last_wait_ends_with_the_deadline(database: Database, receiver: Receiver, clock: MovedClock) -> None:
    message = an_action(clock.now())
    put(database, message)
    receiver.plan(Reply(429, headers={"retry-after": "3600"}))
    destination = replace(a_destination(receiver), deadline=timedelta(seconds=30))

    async def one_round() -> None:
        async with delivering(database, destination, clock=clock) as deliveries:
            await deliveries.run_round()

    asyncio.run(one_round())
    assert the_action(database, message).due_at == message.created_at + timedelta(seconds=30)


def test_ten_thousand_dead_letters_are_sent_again_at_once(database: Database) -> None:
    clock = MovedClock()
    messages = [an_action(clock.now()) for _ in range(2000)]
    put(database, *messages)
    bury(database, [an_action(clock.now(), destination="other")], at=clock.now())
    with database.begin() as tx:
        tx.exec_driver_sql("UPDATE outbox SET state = 'dead', last_error = 'answered 503', settled_at = now()")
        count = actions.resend_all(
            tx,
            which=ActionSelection(destination="bank"),
            actor=Actor("olga"),
            events=Events(),
            reason="mended",
            now=clock.now(),
        )
        assert count == 2000
        assert actions.count(tx, ActionState.DEAD, which=ActionSelection()) == 1


@pytest.mark.parametrize("behaviour", [HangUp(), Slow(30)], ids=["connection lost", "no answer"])
def test_where_a_repeat_might_do_it_twice_an_unknown_result_is_left_to_a_person(
    database: Database, receiver: Receiver, clock: MovedClock, behaviour: HangUp | Slow
) -> None:
    message = an_action(clock.now())
    put(database, message)
    receiver.plan(behaviour)
    destination = replace(a_destination(receiver, timeout=0.3), repeat=actions.Repeat.NEVER)

    async def rounds(count: int) -> None:
        async with delivering(database, destination, clock=clock) as deliveries:
            for _ in range(count):
                await deliveries.run_round()
                clock.move_on(timedelta(seconds=30))

    asyncio.run(rounds(3))
    dead = the_action(database, message)
    assert (dead.state, receiver.requests) == (ActionState.DEAD, 1)
    assert str(dead.last_error).startswith("unknown: sent, but no answer came")
    with database.begin() as tx:
        actions.resend(
            tx, message.id, actor=Actor("olga"), events=Events(), reason="they do not have it", now=clock.now()
        )
    asyncio.run(rounds(1))
    assert the_action(database, message).state is ActionState.DONE
    assert kinds(database, message, clock.now()) == [AnswerKind.UNKNOWN, AnswerKind.DELIVERED]


def test_where_a_repeat_might_do_it_twice_a_process_that_died_while_sending_is_left_to_a_person_too(
    database: Database, receiver: Receiver, clock: MovedClock
) -> None:
    message = an_action(clock.now())
    put(database, message)
    receiver.plan(Slow(30))
    destination = replace(a_destination(receiver), repeat=actions.Repeat.NEVER)

    async def die_while_sending() -> None:
        async with delivering(database, destination, clock=clock) as deliveries:
            running = asyncio.create_task(deliveries.run_round())
            await asyncio.to_thread(receiver.wait_for, 1)
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    async def another() -> None:
        clock.move_on(timedelta(seconds=7))
        async with delivering(database, destination, clock=clock) as deliveries:
            await deliveries.run_round()

    asyncio.run(die_while_sending())
    asyncio.run(another())
    assert (the_action(database, message).state, receiver.requests) == (ActionState.DEAD, 1)
    assert "the delivering process ended" in str(the_action(database, message).last_error)


def test_what_a_broken_connector_says_is_written_nowhere(database: Database) -> None:
    secret = "hush-hush-hush"

    class Broken:
        repeat = actions.Repeat.IDEMPOTENT

        async def deliver(self, _: actions.Delivery) -> actions.Answer:
            raise ValueError(secret)

        async def close(self) -> None:
            pass

    clock = MovedClock()
    message = an_action(clock.now())
    put(database, message)

    async def one_round() -> None:
        bank = actions.Destination("bank")
        deliveries = actions.Deliveries(database, {"webhook": Broken()}, {"bank": bank}, clock, events=Events())
        await deliveries.run_round()
        await deliveries.close()

    asyncio.run(one_round())
    with database.begin() as tx:
        told = repr([actions.get(tx, message.id), actions.attempts(tx, message.id, now=clock.now())])
    assert "the connector itself failed with ValueError" in told
    assert secret not in told
