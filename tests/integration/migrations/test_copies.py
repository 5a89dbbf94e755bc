"""An installation whose outbox, reviews and procedures hold copies of decisions goes on with them after the upgrade."""

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace
from sqlalchemy import text

from andon import Procedure, actions, migrations, procedure, reviews
from andon.actions import ActionState
from andon.decisions import OPEN_REVIEW
from andon.kernel import outbox
from andon.kernel.db import Database
from andon.kernel.events import Events
from andon.kernel.identity import Actor
from andon.kernel.ids import uuid7
from andon.procedures import RunState
from conducting import conducting, outcome, until
from integration.actions.delivering import MovedClock, a_destination, delivering
from ledger import content, record
from messages import a_question, an_action
from migrated import bring_to
from receiver import SECRET, Receiver

NOW = datetime.now(UTC) - timedelta(minutes=1)
OLGA = Actor("olga")


@procedure("echo")
async def echo(p: Procedure, decision: dict[str, Any]) -> list[str]:
    return [decision["outcome"], decision["input"]["payment_id"]]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver(SECRET) as receiver:
        yield receiver


@pytest.fixture
def before(database: Database) -> Database:
    """Return a database with the previous schema."""
    bring_to(database, "0005")
    return database


def copied(message: outbox.Message, **changes: Any) -> outbox.Message:
    """Return a message in its earlier form: with its automation, and a copy of its decision."""
    return replace(
        message, payload={**message.payload, "automation": message.scope, "decision": content(message, **changes)}
    )


def open_review(database: Database, question: outbox.Message) -> None:
    """Insert a review in its earlier form."""
    asked = question.payload
    values = {"id": uuid7(NOW), "decision_id": question.subject, "actions": json.dumps(asked["actions"])}
    values |= {"decision": json.dumps(asked["decision"]), "now": NOW, "due": NOW + timedelta(hours=1)}
    with database.begin() as tx:
        tx.execute(
            text(
                "INSERT INTO reviews (id, decision_id, automation, queue, state, rule, reasons, outcomes, actions, "
                "decision, correlation_id, opened_at, due_at) VALUES (:id, :decision_id, 'payments', 'fraud', "
                "'open', 'otherwise', '{NOT_CERTAIN}', '{release,pause}', :actions, :decision, 'corr-1', :now, :due)"
            ),
            values,
        )


def test_what_waited_is_delivered_and_what_was_open_is_shown_and_decided(before: Database, receiver: Receiver) -> None:
    waiting, dead = copied(an_action(NOW)), copied(an_action(NOW), score=0.5)
    asked, opened = (copied(a_question(NOW), outcome="review", score=0.5) for _ in range(2))
    with before.begin() as tx:
        record(tx, [waiting, dead])
        record(tx, [asked, opened], outcome="review", score=0.5)
        outbox.add(tx, [waiting, dead, asked])
        outbox.settle(tx, dead.id, outbox.MessageState.DEAD, now=NOW, error="answered 422")
    open_review(before, opened)
    migrations.ensure(before)
    clock = MovedClock()
    with before.begin() as tx:
        assert (
            actions.resend_all(
                tx, which=actions.ActionSelection(), actor=OLGA, reason="go", events=Events(), now=clock.now()
            )
            == 1
        )
        assert reviews.open_due(tx, now=clock.now()) == 1
        for question in (asked, opened):
            review = reviews.of_decision(tx, question.subject)
            assert review is not None
            assert reviews.decision_of(tx, review) == question.payload["decision"]
            about: dict[str, Any] = {"actor": OLGA, "now": clock.now()}
            reviews.claim(tx, review.id, **about)
            reviews.give_verdict(tx, review.id, outcome="pause", reason="a mule", events=Events(), **about)

    async def one_round() -> int:
        async with delivering(before, a_destination(receiver), clock=clock) as deliveries:
            return await deliveries.run_round()

    assert asyncio.run(one_round()) == 4
    sent = {one.event["data"]["id"]: one.event["data"] for one in receiver.received.values()}
    for message in (waiting, dead):
        assert sent[str(message.subject)] == message.payload["decision"]
    for question in (asked, opened):
        copy = question.payload["decision"]
        assert sent[str(question.subject)] == {**copy, "outcome": "pause", "decided_by": "review"}
    with before.begin() as tx:
        assert actions.count(tx, ActionState.DEAD, which=actions.ActionSelection()) == 0
        assert outbox.counts(tx)[OPEN_REVIEW, outbox.MessageState.DONE] == 1


def test_a_procedure_that_was_started_goes_on_with_its_copy(before: Database) -> None:
    key, decision_id = UUID(bytes=uuid7(NOW).bytes), uuid7(NOW)
    given = {"id": str(decision_id), "outcome": "pause", "input": {"payment_id": "p-7"}}
    started = text(
        "INSERT INTO procedures (id, name, version, automation, decision_id, input, correlation_id, started_at) "
        "VALUES (:id, 'echo', :version, 'payments', :decision_id, :input, 'c', :now)"
    )
    values = {"id": key, "version": echo.version, "decision_id": decision_id, "input": json.dumps(given), "now": NOW}
    with before.begin() as tx:
        tx.execute(started, values)
    migrations.ensure(before)
    with conducting(before, echo) as conductor:
        with before.begin() as tx:
            conductor._engine.start(tx, echo.flow, key)
        until(before, key, RunState.DONE)
    assert outcome(before, key)[0] == ["pause", "p-7"]
