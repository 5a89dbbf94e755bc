"""The waits of a procedure: an event, a person's answer, a delivery. Over a real database, in its own process."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from andon import actions, procedures, reviews
from andon.kernel import outbox
from andon.kernel.db import Database
from andon.kernel.events import Events
from andon.labels import subscribe as subscribe_labels
from andon.procedures import RunState
from andon.procedures.conducting import Conductor
from conducting import CLOCK, PERSON, outcome, send, start, timeline, until

from .cases import calls


def test_an_event_is_taken_once_by_its_key_whether_it_comes_before_or_after_the_wait(
    database: Database, conductor: Conductor
) -> None:
    waits = start(database, conductor, "await", {"times": 100})
    assert until(database, waits, RunState.WAITING).run.wakes_at > CLOCK.now() + timedelta(days=1)  # type: ignore[union-attr]
    assert [send(database, waits, "other"), send(database, waits, "answer", "yes", key="k")] == [True, True]
    assert send(database, waits, "answer", "yes", key="k") is False
    with pytest.raises(procedures.EventKeyReused):
        send(database, waits, "answer", "no", key="k")
    assert until(database, waits).state is RunState.DONE
    assert outcome(database, waits)[0] == [["yes", "otto"], None]
    assert [(e.name, e.detail) for e in timeline(database, waits)] == [
        ("answer", "sent by otto"),
        ("answer", "the time was up"),
    ]
    with pytest.raises(procedures.ProcedureOver):
        send(database, waits, "answer", "late")


def test_who_waits_holds_no_task_and_no_place(database: Database, conductor: Conductor) -> None:
    many = [start(database, conductor, "await", {"times": 1}) for _ in range(40)]
    for one in many:
        until(database, one, RunState.WAITING)
    with database.begin() as tx:
        held = tx.execute(text("SELECT count(*) FROM andon_durable.workflow_status WHERE executor_id IS NOT NULL"))
        assert held.scalar_one() == 0
    done = start(database, conductor, "hold")
    assert until(database, done).state is RunState.DONE


def test_a_question_waits_for_a_person_and_is_no_label(database: Database, conductor: Conductor) -> None:
    asked = start(database, conductor, "ask")
    until(database, asked, RunState.WAITING)
    events = Events()
    procedures.subscribe(events)
    subscribe_labels(events)
    with database.begin() as tx:
        (review,) = reviews.page(tx, reviews.ReviewFilter(queue="fraud"), now=CLOCK.now())
        assert (review.question, review.procedure_id, review.outcomes) == ("Release it?", asked, ("release", "confirm"))
        assert reviews.of_decision(tx, asked) is None
        reviews.claim(tx, review.id, actor=PERSON, now=CLOCK.now())
    with database.begin() as tx:
        about: dict[str, Any] = {"actor": PERSON, "events": events, "now": CLOCK.now()}
        reviews.give_verdict(tx, review.id, outcome="confirm", reason="he called back", **about)
    assert until(database, asked).state is RunState.DONE
    assert outcome(database, asked)[0] == ["confirm", "he called back", "otto"]
    with database.begin() as tx:
        assert tx.execute(text("SELECT count(*) FROM labels")).scalar_one() == 0


def settle(
    database: Database, conductor: Conductor, told: UUID, state: outbox.MessageState, error: str | None = None
) -> None:
    with database.begin() as tx:
        outbox.settle(tx, procedures.key_of(told, 1), state, now=CLOCK.now(), error=error)
    with database.begin() as tx:
        assert conductor.wake_delivered(tx) == 1
        assert conductor.wake_delivered(tx) == 0


def test_a_delivery_goes_by_the_outbox_under_the_steps_own_key(database: Database, conductor: Conductor) -> None:
    told = start(database, conductor, "tell")
    until(database, told, RunState.WAITING)
    settle(database, conductor, told, outbox.MessageState.DONE)
    assert until(database, told).state is RunState.DONE
    with database.begin() as tx:
        (action,) = actions.of_decision(tx, told)
    assert (action.id, action.destination, action.action) == (procedures.key_of(told, 1), "bank", "pause")


def test_a_delivery_that_was_refused_fails_the_step_and_one_that_never_arrived_is_not_undone(
    database: Database, conductor: Conductor
) -> None:
    told = start(database, conductor, "tell")
    until(database, told, RunState.WAITING)
    settle(database, conductor, told, outbox.MessageState.DEAD, "answered 422")
    assert until(database, told).state is RunState.FAILED
    assert (outcome(database, told)[1], calls.made) == ("pause: answered 422", [])


def test_a_delivery_that_may_have_arrived_is_undone(database: Database, conductor: Conductor) -> None:
    told = start(database, conductor, "tell")
    until(database, told, RunState.WAITING)
    with database.begin() as tx:
        insert = "INSERT INTO delivery_attempts (id, message_id, number, began_at) VALUES (:a, :m, 1, now())"
        tx.execute(text(insert), {"a": UUID(int=5), "m": procedures.key_of(told, 1)})
    settle(database, conductor, told, outbox.MessageState.DEAD, "no answer came")
    assert until(database, told).state is RunState.FAILED
    assert calls.made == ["unlock it"]
