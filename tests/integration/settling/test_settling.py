"""An action whose outcome nobody knows is a row of the review queue, and what a person answers settles it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs
from sqlalchemy import text

from andon import actions, audit, reviews, settling
from andon.actions import ActionNotDead, ActionSelection, ActionState, DestinationDisabled
from andon.bootstrap.vouched import ROWS, all_evidence
from andon.kernel import outbox
from andon.kernel.db import Database
from andon.kernel.events import Events
from andon.kernel.identity import Actor
from andon.kernel.outbox import Message, MessageState
from andon.reviews import ReviewFilter, ReviewState, ReviewTask, ReviewWithdrawn
from lines import install
from messages import an_action, bury

NOW = datetime.now(UTC)
OLGA, OTTO = Actor("olga"), Actor("otto")
WHY = "unknown: sent, but no answer came. Sending it again might do it twice"


@pytest.fixture
def events() -> Events:
    events = Events()
    settling.subscribe(events)
    return events


def ask(database: Database) -> list[ReviewTask]:
    """Run the chore, and return the questions that wait."""
    with database.begin() as tx:
        assert settling.ask_due(tx, NOW) is False
        return reviews.page(tx, ReviewFilter(), now=NOW)


def unknown(database: Database, **named: str) -> Message:
    message = an_action(NOW, **named)
    bury(database, [message], at=NOW, why=WHY)
    return message


def answer(database: Database, events: Events, review: ReviewTask, outcome: str, *, by: Actor = OLGA) -> ReviewTask:
    with database.begin() as tx:
        reviews.claim(tx, review.id, actor=by, now=NOW)
        said: dict[str, Any] = {"outcome": outcome, "reason": "looked in the card system", "actor": by}
        return reviews.give_verdict(tx, review.id, **said, events=events, now=NOW)


def die_again(database: Database, message: Message) -> None:
    with database.begin() as tx:
        outbox.settle(tx, message.id, MessageState.DEAD, now=NOW, error=WHY)


def state_of(database: Database, message: Message) -> ActionState:
    with database.begin() as tx:
        return actions.get(tx, message.id).state


def test_each_unknown_outcome_is_asked_about_once_and_no_other_dead_letter(database: Database) -> None:
    message = unknown(database)
    bury(database, [an_action(NOW)], at=NOW, why="answered 422, its receiver is unknown: nobody")
    [review] = ask(database)
    assert (review.action_id, review.decision_id, review.automation) == (message.id, message.subject, "payments")
    assert review.choices == ("happened", "send again", "give up")
    assert f"release was sent to bank at {NOW:%Y-%m-%d %H:%M:%S} UTC" in str(review.question)
    assert ask(database) == [review]


def test_it_waits_in_the_queue_of_its_automation(standing: None, database: Database, tmp_path: Path) -> None:
    install(database, tmp_path)
    unknown(database)
    unknown(database, automation="gone")
    queues = {review.automation: (review.queue, review.due_at - NOW) for review in ask(database)}
    assert queues == {"payments": ("fraud", timedelta(minutes=15)), "gone": ("gone", timedelta(hours=24))}


def test_an_event_that_was_sent_outside_is_asked_about_without_a_decision(database: Database, events: Events) -> None:
    message = an_action(NOW, automation="")
    message = structs.replace(message, subject=message.id, payload={**message.payload, "event": {"type": "andon.x"}})
    with database.begin() as tx:
        outbox.add(tx, [message])
    die_again(database, message)
    [review] = ask(database)
    assert (review.queue, review.decision_id) == ("events", message.id)
    with database.begin() as tx:
        assert reviews.decision_of(tx, review) == {}
    answer(database, events, review, "happened")
    assert state_of(database, message) is ActionState.DONE


@pytest.mark.parametrize(
    ("outcome", "state", "entry"),
    [
        ("happened", ActionState.DONE, "action.confirm"),
        ("send again", ActionState.PENDING, "action.resend"),
        ("give up", ActionState.DEAD, "action.give_up"),
    ],
)
def test_an_answer_settles_the_action_with_the_person_and_the_reason_on_record(
    database: Database, events: Events, outcome: str, state: ActionState, entry: str
) -> None:
    message = unknown(database)
    [review] = ask(database)
    assert answer(database, events, review, outcome).state(NOW) is ReviewState.DECIDED
    assert state_of(database, message) is state
    with database.begin() as tx:
        [kept] = audit.page(tx, subject=f"action:{message.id}")
    assert (kept.leaf.action, kept.leaf.actor) == (entry, "olga")
    assert b"looked in the card system" in kept.leaf.body
    assert ask(database) == []


def test_one_that_is_sent_again_and_is_unknown_again_is_asked_about_anew(database: Database, events: Events) -> None:
    message = unknown(database)
    [first] = ask(database)
    answer(database, events, first, "send again")
    die_again(database, message)
    [second] = ask(database)
    assert second.id != first.id
    assert ask(database) == [second]
    answer(database, events, second, "happened")
    assert state_of(database, message) is ActionState.DONE


@pytest.mark.parametrize("way", ["confirm", "resend", "resend_all"])
def test_a_question_that_is_settled_elsewhere_is_withdrawn(database: Database, events: Events, way: str) -> None:
    message = unknown(database)
    [review] = ask(database)
    by: dict[str, Any] = {"actor": OTTO, "reason": "it is in their ledger", "events": events, "now": NOW}
    with database.begin() as tx:
        reviews.claim(tx, review.id, actor=OLGA, now=NOW)
        if way == "resend_all":
            assert actions.resend_all(tx, which=ActionSelection(because="unknown:"), **by) == 1
        else:
            getattr(actions, way)(tx, message.id, **by)
    with database.begin() as tx:
        withdrawn = reviews.get(tx, review.id)
        assert reviews.page(tx, ReviewFilter(), now=NOW) == []
        assert reviews.count(tx, ReviewFilter(), now=NOW) == 0
        assert reviews.backlogs(tx, automations=None, now=NOW) == {}
        assert reviews.page(tx, ReviewFilter(state=ReviewState.WITHDRAWN), now=NOW) == [withdrawn]
        [entry, _] = audit.page(tx, subject=f"review:{review.id}")
        report = audit.verify(tx, evidence=all_evidence(), rows=ROWS)
    assert (withdrawn.state(NOW), withdrawn.holder(NOW), withdrawn.verdict) == (ReviewState.WITHDRAWN, None, None)
    assert withdrawn.withdrawal is not None
    assert (withdrawn.withdrawal.by, entry.leaf.action, entry.leaf.actor) == ("otto", "review.withdraw", "otto")
    assert withdrawn.withdrawal.reason.endswith(": it is in their ledger")
    assert [finding for finding in report.findings if "withdrawal" in str(finding.subject)] == []
    with pytest.raises(ReviewWithdrawn, match=r"Settled elsewhere by otto at .*it is in their ledger"):
        answer(database, events, review, "give up")


def test_all_that_are_sent_again_at_once_are_withdrawn(database: Database, events: Events) -> None:
    count = actions.ActionSelection(because="unknown:")
    bury(database, [an_action(NOW) for _ in range(120)], at=NOW, why=WHY)
    with database.begin() as tx:
        assert settling.ask_due(tx, NOW)
        assert settling.ask_due(tx, NOW)
        assert not settling.ask_due(tx, NOW)
        assert reviews.count(tx, ReviewFilter(), now=NOW) == 120
        assert actions.resend_all(tx, which=count, actor=OTTO, reason="it never came", events=events, now=NOW) == 120
        assert reviews.count(tx, ReviewFilter(), now=NOW) == 0


def test_an_answer_that_cannot_be_carried_out_is_no_answer(database: Database, events: Events) -> None:
    message = unknown(database)
    [review] = ask(database)
    with database.begin() as tx:
        actions.disable_destination(tx, "bank", actor=OTTO, reason="it answered 410", now=NOW)
    with pytest.raises(DestinationDisabled):
        answer(database, events, review, "send again")
    assert state_of(database, message) is ActionState.DEAD
    assert [review.state(NOW) for review in ask(database)] == [ReviewState.OPEN]


def test_only_a_dead_letter_is_given_up(database: Database) -> None:
    message = unknown(database)
    with database.begin() as tx:
        actions.confirm(tx, message.id, actor=OLGA, reason="it is there", events=Events(), now=NOW)
        with pytest.raises(ActionNotDead, match="is done: only a dead letter can be given up"):
            actions.give_up(tx, message.id, actor=OLGA, reason="it is old", now=NOW)


def test_looking_for_what_to_ask_reads_an_index_and_not_the_outbox(database: Database) -> None:
    bury(database, [an_action(NOW) for _ in range(50)], at=NOW)
    query = """
        EXPLAIN SELECT id FROM outbox WHERE state = 'dead' AND topic = 'action.deliver'
            AND last_error LIKE 'unknown: %' AND asked_at IS NULL
        ORDER BY id LIMIT 50 FOR UPDATE SKIP LOCKED"""
    with database.begin() as tx:
        tx.execute(text("SET LOCAL enable_seqscan = off"))
        plan = "\n".join(tx.execute(text(query)).scalars())
    assert "outbox_unasked" in plan
