"""A receiver that works for a while: it is asked how it ended and never sent to again; its result is kept."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from msgspec.structs import replace
from sqlalchemy import text

from andon import actions
from andon.actions import ActionSelection, ActionState, Answer, AnswerKind, Deliveries, Delivery, Destination, Repeat
from andon.kernel import outbox
from andon.kernel.db import Database
from andon.kernel.events import Events
from andon.kernel.identity import PLATFORM
from integration.actions.delivering import MovedClock, the_action
from messages import an_action, put

WORKS = Answer(AnswerKind.WAITING, "works", retry_after=timedelta(seconds=10))


class SlowRobot:
    """Takes a delivery, works, and answers what is planned when it is asked."""

    repeat = Repeat.NEVER

    def __init__(self) -> None:
        self.sent: list[Delivery] = []
        self.asked: list[Delivery] = []
        self.says = WORKS

    async def deliver(self, delivery: Delivery) -> Answer:
        self.sent.append(delivery)
        return Answer(AnswerKind.WAITING, "begun", retry_after=timedelta(seconds=10), result={"job": "j-1"})

    def can_inquire(self, _: Delivery) -> bool:
        return True

    async def inquire(self, delivery: Delivery) -> Answer:
        self.asked.append(delivery)
        return self.says

    async def close(self) -> None:
        pass


@asynccontextmanager
async def working(
    database: Database, robot: SlowRobot, clock: MovedClock, *, deadline: timedelta | None = None
) -> AsyncIterator[Deliveries]:
    destination = Destination("robots", max_attempts=3, deadline=deadline)
    deliveries = Deliveries(database, {"slow": robot}, {"robots": destination}, clock, events=Events())
    try:
        yield deliveries
    finally:
        await deliveries.close()


def work(
    database: Database,
    robot: SlowRobot,
    clock: MovedClock,
    *answers: Answer,
    every: timedelta = timedelta(seconds=11),
    deadline: timedelta | None = None,
) -> list[int]:
    """Run a round, and later one for each answer of the robot; how many were delivered in each."""

    async def rounds() -> list[int]:
        async with working(database, robot, clock, deadline=deadline) as deliveries:
            delivered = [await deliveries.run_round()]
            for answer in answers:
                robot.says = answer
                clock.move_on(every)
                delivered.append(await deliveries.run_round())
            return delivered

    return asyncio.run(rounds())


@pytest.fixture
def robot() -> SlowRobot:
    return SlowRobot()


@pytest.fixture
def message(database: Database, clock: MovedClock) -> outbox.Message:
    made = an_action(clock.now(), destination="robots")
    made = replace(made, payload={**made.payload, "connector": "slow"})
    put(database, made)
    return made


def test_it_is_asked_as_often_as_it_takes_and_its_result_is_kept(
    database: Database, robot: SlowRobot, clock: MovedClock, message: outbox.Message
) -> None:
    done = Answer(AnswerKind.DELIVERED, "done", result={"reference": "B-1", "text": "a\0b"})
    assert work(database, robot, clock, *[WORKS] * 19, done) == [0] * 20 + [1]
    assert (len(robot.sent), len(robot.asked)) == (1, 20)
    assert robot.asked[0].sent_result == {"job": "j-1"}
    assert the_action(database, message).state is ActionState.DONE
    with database.begin() as tx:
        begun, ended = actions.attempts(tx, message.id, now=clock.now())
    assert (begun.kind, begun.result) == (AnswerKind.WAITING, {"job": "j-1"})
    assert (ended.inquiry, ended.kind, ended.result) == (True, AnswerKind.DELIVERED, {"reference": "B-1", "text": "ab"})


def test_waiting_is_neither_an_attempt_nor_a_retry(
    database: Database, robot: SlowRobot, clock: MovedClock, message: outbox.Message
) -> None:
    async def rounds() -> None:
        async with working(database, robot, clock) as deliveries:
            for _ in range(4):
                await deliveries.run_round()
                clock.move_on(timedelta(seconds=11))
            assert deliveries.retries_left() == {"robots": 5}

    asyncio.run(rounds())
    with database.begin() as tx:
        row = tx.execute(
            text("SELECT attempts, again, state, last_error FROM outbox WHERE id = :id"), {"id": message.id}
        )
        assert tuple(row.one()) == (1, False, "pending", "waiting: works")
        assert not actions.waiting_retries(tx)


def test_what_a_robot_ended_without_success_waits_for_a_person_who_may_order_it_again(
    database: Database, robot: SlowRobot, clock: MovedClock, message: outbox.Message
) -> None:
    work(database, robot, clock, Answer(AnswerKind.REFUSED, "no such card"))
    assert the_action(database, message).state is ActionState.DEAD
    with database.begin() as tx:
        actions.resend(tx, message.id, actor=PLATFORM, reason="the card is known now", events=Events(), now=clock.now())
    work(database, robot, clock)
    assert len(robot.sent) == 2
    assert the_action(database, message).last_error == "waiting: begun"


@pytest.mark.parametrize(
    ("deadline", "span"), [(None, timedelta(hours=25)), (timedelta(minutes=5), timedelta(minutes=6))]
)
def test_a_robot_that_never_ends_is_left_to_a_person_as_unknown(
    database: Database,
    robot: SlowRobot,
    clock: MovedClock,
    message: outbox.Message,
    deadline: timedelta | None,
    span: timedelta,
) -> None:
    work(database, robot, clock, WORKS, every=span, deadline=deadline)
    dead = the_action(database, message)
    assert dead.state is ActionState.DEAD
    assert str(dead.last_error).startswith("unknown: begun ")


def test_an_answer_that_stays_unknown_is_not_asked_for_again_and_a_person_may_order_the_work_again(
    database: Database, robot: SlowRobot, clock: MovedClock, message: outbox.Message
) -> None:
    work(database, robot, clock, Answer(AnswerKind.UNKNOWN, "nobody can tell", final=True))
    dead = the_action(database, message)
    assert str(dead.last_error).startswith("unknown: asked whether it was taken: nobody can")
    with database.begin() as tx:
        assert actions.count_unknown(tx, which=ActionSelection()) == 1
        actions.resend(tx, message.id, actor=PLATFORM, reason="it was not done", events=Events(), now=clock.now())
    work(database, robot, clock, Answer(AnswerKind.DELIVERED, "done"))
    assert len(robot.sent) == 2
    assert the_action(database, message).state is ActionState.DONE


def test_one_whose_receiver_never_answers_is_asked_about_first_when_a_person_sends_it_again(
    database: Database, robot: SlowRobot, clock: MovedClock, message: outbox.Message
) -> None:
    work(database, robot, clock, *[Answer(AnswerKind.UNKNOWN, "no answer")] * 3, every=timedelta(minutes=30))
    assert str(the_action(database, message).last_error).startswith("gave up after 3 attempts; the last: unknown: ")
    with database.begin() as tx:
        actions.resend(tx, message.id, actor=PLATFORM, reason="it is up again", events=Events(), now=clock.now())
    robot.says = Answer(AnswerKind.DELIVERED, "done")
    work(database, robot, clock)
    assert (len(robot.sent), the_action(database, message).state) == (1, ActionState.DONE)


def test_a_call_back_brings_the_question_forward(
    database: Database, robot: SlowRobot, clock: MovedClock, message: outbox.Message
) -> None:
    async def rounds() -> None:
        async with working(database, robot, clock) as deliveries:
            await deliveries.run_round()
            robot.says = Answer(AnswerKind.DELIVERED, "done")
            assert await deliveries.run_round() == 0
            with database.begin() as tx:
                assert actions.ask_now(tx, message.id, now=clock.now())
            assert await deliveries.run_round() == 1
            with database.begin() as tx:
                assert not actions.ask_now(tx, message.id, now=clock.now())

    asyncio.run(rounds())


@pytest.mark.parametrize(
    ("result", "kept"),
    [
        ({"a": 1}, {"a": 1}),
        ({"a": "x" * 20_000}, {"left_out": "the result has more than 16384 bytes"}),
        ({"a": float("nan")}, {"left_out": "the result is not JSON"}),
        ({"a": object()}, {"left_out": "the result is not JSON"}),
        ({"a": "\ud83d"}, {"a": "?"}),
    ],
    ids=["small", "large", "no number", "no JSON", "half a character"],
)
def test_a_result_is_kept_if_it_is_small_and_json(
    database: Database,
    robot: SlowRobot,
    clock: MovedClock,
    message: outbox.Message,
    result: dict[str, object],
    kept: dict[str, object],
) -> None:
    work(database, robot, clock, Answer(AnswerKind.DELIVERED, "done", result=result))
    with database.begin() as tx:
        found = actions.attempts(tx, message.id, now=clock.now())[-1].result
    assert json.dumps(found) == json.dumps(kept)
