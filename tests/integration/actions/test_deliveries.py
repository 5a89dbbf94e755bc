"""Actions leave the outbox, once by key, whatever the receiver does."""

import asyncio
from datetime import timedelta

import pytest
from msgspec.structs import replace

import ledger
from andon import actions
from andon.actions import ActionSelection, ActionState, AnswerKind, Destination
from andon.actions.sending import UNKNOWN_FOR, UNKNOWN_WAIT
from andon.kernel import outbox
from andon.kernel.breaker import BreakerState
from andon.kernel.db import Database
from andon.kernel.events import Events
from andon.kernel.identity import Actor
from andon.kernel.reasons import ReasonInvalid
from integration.actions.delivering import MovedClock, a_destination, delivering, kinds, the_action
from ledger import content
from messages import an_action, put
from receiver import HangUp, Receiver, Reply, Slow

OPERATOR = Actor("olga")
EVERY = ActionSelection()


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
        "data": content(message),
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
    receiver.plan(Reply(403))

    async def one_round() -> int:
        async with delivering(database, a_destination(receiver), clock=clock) as deliveries:
            return await deliveries.run_round()

    assert asyncio.run(one_round()) == 0
    with database.begin() as tx:
        [dead] = actions.page(tx, ActionState.DEAD, which=ActionSelection(["payments"]))
        assert actions.page(tx, ActionState.DEAD, which=ActionSelection(["other"])) == []
        assert (dead.id, dead.last_error) == (message.id, "answered 403 Forbidden")
        for reason in (" ", "\0", "x" * 2001):
            with pytest.raises(ReasonInvalid):
                actions.resend(tx, message.id, actor=OPERATOR, events=Events(), reason=reason, now=clock.now())
        again = actions.resend(
            tx, message.id, actor=OPERATOR, events=Events(), reason="receiver mended", now=clock.now()
        )
        assert (again.state, again.attempts) == (ActionState.PENDING, 0)
        with pytest.raises(actions.ActionNotDead):
            actions.resend(tx, message.id, actor=OPERATOR, events=Events(), reason="twice", now=clock.now())
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
            actions.resend(tx, first.id, actor=OPERATOR, events=Events(), reason="try", now=clock.now())
        assert actions.resend_all(tx, which=EVERY, actor=OPERATOR, events=Events(), reason="try", now=clock.now()) == 0
        actions.enable_destination(tx, "bank", actor=OPERATOR, reason="moved back", now=clock.now())
        with pytest.raises(actions.DestinationNotDisabled):
            actions.enable_destination(tx, "bank", actor=OPERATOR, reason="again", now=clock.now())
        assert (
            actions.resend_all(
                tx, which=ActionSelection(["other"]), actor=OPERATOR, events=Events(), reason="go", now=clock.now()
            )
            == 0
        )
        assert actions.resend_all(tx, which=EVERY, actor=OPERATOR, events=Events(), reason="go", now=clock.now()) == 2
    assert asyncio.run(one_round()) == 2


def test_what_cannot_be_sent_at_all_is_a_dead_letter_that_says_what_to_do(
    database: Database, receiver: Receiver, clock: MovedClock
) -> None:
    unknown_destination = an_action(clock.now(), destination="nowhere")
    good = an_action(clock.now())
    unknown_connector = replace(an_action(clock.now()), payload={**good.payload, "connector": "fax"})
    started = {**good.payload, "connector": "procedure", "destination": "pause-transfer"}
    unknown_procedure = replace(an_action(clock.now()), payload=started)
    undecided, erased = an_action(clock.now()), an_action(clock.now())
    unknown = [
        (unknown_destination, "[destinations.nowhere] to andon.toml"),
        (unknown_connector, "no connector 'fax'; there are: procedure, webhook"),
        (unknown_procedure, "no procedure 'pause-transfer' is declared in this project"),
    ]
    put(database, *(message for message, _ in unknown), good)
    with database.begin() as tx:
        outbox.add(tx, [undecided, erased])
        ledger.record(tx, [erased], written=b"")

    async def one_round() -> int:
        async with delivering(database, a_destination(receiver), clock=clock) as deliveries:
            return await deliveries.run_round()

    assert asyncio.run(one_round()) == 1
    for nothing in (undecided, erased):
        assert (the_action(database, nothing).state, the_action(database, nothing).attempts) == (ActionState.DEAD, 1)
        assert f"decision {nothing.subject} cannot be read" in str(the_action(database, nothing).last_error)
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
