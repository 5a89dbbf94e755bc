"""A decision gets one review, a review one verdict, and a verdict everything that follows from it or nothing."""

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from json import dumps
from typing import Any
from uuid import UUID

import pytest
from msgspec import structs
from sqlalchemy import text

from andon import actions, audit, labels, reviews
from andon.kernel import outbox
from andon.kernel.db import Database, Tx
from andon.kernel.errors import Conflict
from andon.kernel.events import Events
from andon.kernel.identity import Actor
from andon.kernel.ids import time_of, uuid7
from andon.reviews import ReviewFilter, ReviewState, ReviewTask
from ledger import content
from messages import a_question, put

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
OLGA, OTTO = Actor("olga"), Actor("otto")


@pytest.fixture
def events() -> Events:
    events = Events()
    labels.subscribe(events)
    return events


def opened(database: Database, *messages: outbox.Message) -> list[ReviewTask]:
    with database.begin() as tx:
        outbox.add(tx, messages)
        assert reviews.open_due(tx, now=NOW) == len(messages)
        found = [reviews.of_decision(tx, message.subject) for message in messages]
    return [review for review in found if review is not None]


def verdict(tx: Tx, review_id: UUID, events: Events, *, actor: Actor = OLGA, outcome: str = "pause") -> ReviewTask:
    return reviews.give_verdict(
        tx, review_id, outcome=outcome, reason="known mule", actor=actor, events=events, now=NOW
    )


def test_a_decision_gets_exactly_one_review_however_often_it_is_asked_for(database: Database) -> None:
    message = a_question(NOW)
    again = structs.replace(message, id=uuid7(NOW))
    with database.begin() as tx:
        outbox.add(tx, [message, again])
        assert reviews.open_due(tx, now=NOW) == 2
        assert reviews.open_due(tx, now=NOW) == 0
        assert reviews.count(tx, ReviewFilter(), now=NOW) == 1
        review = reviews.of_decision(tx, message.subject)
    assert review is not None
    assert (review.queue, review.reasons, review.due_at) == ("fraud", ("NOT_CERTAIN",), NOW + timedelta(minutes=15))


def test_a_review_that_was_opened_but_not_committed_is_opened_again(database: Database) -> None:
    message = a_question(NOW)
    with database.begin() as tx:
        outbox.add(tx, [message])
    with database.engine.connect() as tx:
        assert reviews.open_due(tx, now=NOW) == 1
        tx.rollback()
    with database.begin() as tx:
        assert reviews.open_due(tx, now=NOW) == 1
        assert reviews.count(tx, ReviewFilter(), now=NOW) == 1


def test_what_cannot_be_read_becomes_a_dead_letter_and_stops_nothing(database: Database) -> None:
    good, bad = a_question(NOW), a_question(NOW)
    bad = structs.replace(bad, payload={"queue": "fraud"})
    with database.begin() as tx:
        outbox.add(tx, [bad, good])
        assert reviews.open_due(tx, now=NOW) == 2
        assert reviews.of_decision(tx, good.subject) is not None
        dead = outbox.find(tx, bad.id)
    assert dead is not None
    assert dead.state is outbox.MessageState.DEAD
    assert "outcomes" in str(dead.last_error)


@pytest.mark.parametrize(
    ("payload", "lacking"),
    [
        ({"queue": 7, "reasons": "NOT_CERTAIN", "due_seconds": "900"}, "queue, due_seconds, reasons"),
        ({"actions": [], "outcomes": {}, "rule": None}, "rule, outcomes, actions"),
        ({"reasons": [None], "outcomes": ["pause", 1], "actions": {"pause": "now"}}, "reasons, outcomes, actions"),
        ([], "queue, due_seconds, rule, reasons, outcomes, actions"),
        ("text", "queue, due_seconds, rule, reasons, outcomes, actions"),
    ],
)
def test_a_message_that_is_no_question_is_dead_and_says_what_it_lacks(
    database: Database, payload: Any, lacking: str
) -> None:
    good = a_question(NOW)
    bad = a_question(NOW)
    with database.begin() as tx:
        outbox.add(tx, [bad, good])
        whole = {**bad.payload, **payload} if isinstance(payload, dict) else payload
        tx.execute(text("UPDATE outbox SET payload = :payload WHERE id = :id"), {"payload": dumps(whole), "id": bad.id})
        assert reviews.open_due(tx, now=NOW) == 2
        assert reviews.of_decision(tx, bad.subject) is None
        assert reviews.of_decision(tx, good.subject) is not None
        dead = outbox.find(tx, bad.id)
    assert dead is not None
    assert (dead.state, dead.last_error, dead.settled_at) == (
        outbox.MessageState.DEAD,
        f"cannot be read: {lacking}",
        NOW,
    )


def test_a_review_is_what_was_asked_for(database: Database) -> None:
    question = structs.replace(a_question(NOW - timedelta(hours=1), due=0.5), traceparent="00-ab-cd-01")
    [review] = opened(database, question)
    asked = question.payload
    assert review == ReviewTask(
        id=review.id,
        decision_id=question.subject,
        automation=question.scope,
        queue=asked["queue"],
        rule=asked["rule"],
        reasons=tuple(asked["reasons"]),
        outcomes=tuple(asked["outcomes"]),
        actions=asked["actions"],
        correlation_id=question.correlation_id,
        traceparent="00-ab-cd-01",
        opened_at=NOW,
        due_at=question.created_at + timedelta(seconds=0.5),
    )
    assert (review.id.version, time_of(review.id)) == (7, NOW)


def test_the_one_due_first_comes_first_page_by_page_and_filters_narrow_it(database: Database) -> None:
    messages = [
        a_question(NOW, due=due, queue=queue) for due, queue in [(300, "a"), (-60, "a"), (100, "b"), (200, "a")]
    ]
    by_due = [messages[i] for i in (1, 2, 3, 0)]
    opened(database, *messages)
    opened(database, a_question(NOW, automation="lending", due=1))
    mine = ReviewFilter(automations=("payments",))
    with database.begin() as tx:
        pages, after = [], None
        while found := reviews.page(tx, mine, now=NOW, limit=3, after=after):
            pages.append([review.decision_id for review in found])
            after = reviews.place_of(found[-1])
        assert pages == [[m.subject for m in by_due[:3]], [m.subject for m in by_due[3:]]]
        [late] = reviews.page(tx, replace(mine, overdue=True), now=NOW)
        assert late.decision_id == messages[1].subject
        assert [r.decision_id for r in reviews.page(tx, replace(mine, queue="b"), now=NOW)] == [messages[2].subject]
        assert reviews.page(tx, ReviewFilter(automations=()), now=NOW) == []
        reviews.claim(tx, late.id, actor=OLGA, now=NOW)
        held = replace(mine, state=ReviewState.CLAIMED)
        assert [r.id for r in reviews.page(tx, held, now=NOW)] == [late.id]
        assert reviews.count(tx, replace(mine, mine="olga"), now=NOW) == 1
        assert reviews.count(tx, replace(mine, mine="otto"), now=NOW) == 0
        run_out = NOW + reviews.CLAIM
        assert reviews.count(tx, held, now=run_out) == 0
        assert reviews.count(tx, replace(mine, state=ReviewState.OPEN), now=run_out) == 4


def test_a_verdict_brings_label_audit_entry_and_action_with_it(database: Database, events: Events) -> None:
    [review] = opened(database, a_question(NOW))
    with database.begin() as tx:
        reviews.claim(tx, review.id, actor=OLGA, now=NOW)
        decided = verdict(tx, review.id, events)
    with database.begin() as tx:
        assert reviews.get(tx, review.id) == decided
        [label] = labels.of_decision(tx, review.decision_id)
        assert (label.said, label.source, label.by) == ("pause", labels.LabelSource.REVIEW, "olga")
        [action] = actions.of_decision(tx, review.decision_id)
        message = outbox.find(tx, action.id)
        entries = audit.page(tx, limit=10, action="review.verdict")
    assert message is not None
    assert message.payload == {
        "action": "pause",
        "connector": "webhook",
        "destination": "bank",
        "options": {},
        "outcome": "pause",
        "verdict": "pause",
    }
    assert (message.scope, message.correlation_id) == ("payments", "corr-1")
    assert [entry.reason for entry in entries] == ["known mule"]


def test_a_review_shows_its_decision_and_a_procedures_question_that_of_the_verdict_before_it(
    database: Database, events: Events
) -> None:
    question = a_question(NOW)
    put(database, question)
    key = uuid7(NOW)
    with database.begin() as tx:
        reviews.open_due(tx, now=NOW)
        review = reviews.of_decision(tx, question.subject)
        assert review is not None
        assert reviews.decision_of(tx, review) == content(question, outcome="review", score=0.5)
        reviews.claim(tx, review.id, actor=OLGA, now=NOW)
        decided = verdict(tx, review.id, events)
        assert reviews.decision_of(tx, decided) == content(question, outcome="review", score=0.5)
        about: dict[str, Any] = {"queue": "fraud", "question": "Sure?", "choices": ["yes"], "due": timedelta(hours=1)}
        about |= {"decision_id": question.subject, "automation": "payments", "correlation_id": "c", "traceparent": None}
        reviews.ask(tx, key=key, procedure_id=uuid7(NOW), now=NOW, **about)
        asked = reviews.find_question(tx, key)
        assert asked is not None
        shown = reviews.decision_of(tx, asked)
    assert shown == content(question, outcome="pause", score=0.5, decided_by="review")


def test_an_outcome_without_an_action_sets_nothing_off(database: Database, events: Events) -> None:
    [review] = opened(database, a_question(NOW))
    with database.begin() as tx:
        reviews.claim(tx, review.id, actor=OLGA, now=NOW)
        verdict(tx, review.id, events, outcome="release")
        assert actions.of_decision(tx, review.decision_id) == []


def test_when_one_part_of_a_verdict_fails_none_of_it_happened(database: Database) -> None:
    [review] = opened(database, a_question(NOW))
    events = Events()
    labels.subscribe(events)
    events.subscribe(reviews.VerdictGiven, lambda *_: 1 // 0)
    with database.begin() as tx:
        reviews.claim(tx, review.id, actor=OLGA, now=NOW)
    with pytest.raises(ZeroDivisionError), database.begin() as tx:
        verdict(tx, review.id, events)
    with database.begin() as tx:
        assert reviews.get(tx, review.id).state(NOW) is ReviewState.CLAIMED
        assert labels.of_decision(tx, review.decision_id) == []
        assert actions.of_decision(tx, review.decision_id) == []
        assert audit.page(tx, limit=10, action="review.verdict") == []


def all_at_once(*acts: Any) -> list[Any]:
    """Run each in a thread of its own, begun together; what each returned or raised."""
    barrier, results = threading.Barrier(len(acts)), [None] * len(acts)

    def run(place: int, act: Any) -> None:
        barrier.wait()
        try:
            results[place] = act()
        except Conflict as error:
            results[place] = error

    threads = [threading.Thread(target=run, args=(place, act)) for place, act in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_of_people_who_claim_at_once_exactly_one_gets_it(database: Database) -> None:
    [review] = opened(database, a_question(NOW))

    def claim(name: str) -> ReviewTask:
        with database.begin() as tx:
            return reviews.claim(tx, review.id, actor=Actor(name), now=NOW)

    results = all_at_once(*[lambda name=name: claim(name) for name in ("anna", "bert", "cleo", "dora")])
    winners = [result for result in results if isinstance(result, ReviewTask)]
    losers = [result for result in results if isinstance(result, reviews.ReviewHeld)]
    assert (len(winners), len(losers)) == (1, 3)
    assert {str(loser) for loser in losers} == {f"{winners[0].holder(NOW)} holds this review until 12:15:00 UTC"}


def test_of_verdicts_given_at_once_exactly_one_counts(database: Database, events: Events) -> None:
    [review] = opened(database, a_question(NOW))
    with database.begin() as tx:
        reviews.claim(tx, review.id, actor=OLGA, now=NOW)

    def give(outcome: str) -> ReviewTask:
        with database.begin() as tx:
            return verdict(tx, review.id, events, outcome=outcome)

    results = all_at_once(*[lambda outcome=outcome: give(outcome) for outcome in ("pause", "release", "pause")])
    assert sum(isinstance(result, ReviewTask) for result in results) == 1
    assert sum(isinstance(result, reviews.ReviewDecided) for result in results) == 2
    with database.begin() as tx:
        assert len(labels.of_decision(tx, review.decision_id)) == 1
        assert len(actions.of_decision(tx, review.decision_id)) <= 1


def test_workers_that_open_reviews_at_once_open_each_one_once(database: Database) -> None:
    with database.begin() as tx:
        outbox.add(tx, [a_question(NOW) for _ in range(40)])

    def open_some() -> int:
        with database.begin() as tx:
            return reviews.open_due(tx, now=NOW, limit=30)

    taken = all_at_once(open_some, open_some, open_some)
    with database.begin() as tx:
        taken.append(reviews.open_due(tx, now=NOW))
        assert reviews.count(tx, ReviewFilter(), now=NOW) == 40
    assert sum(taken) == 40


def test_what_was_decided_is_listed_newest_first(database: Database, events: Events) -> None:
    first, second = opened(database, a_question(NOW), a_question(NOW))
    with database.begin() as tx:
        for review, minutes in ((second, 1), (first, 2)):
            now = NOW + timedelta(minutes=minutes)
            reviews.claim(tx, review.id, actor=OLGA, now=now)
            reviews.give_verdict(tx, review.id, outcome="pause", reason="why", actor=OLGA, events=events, now=now)
        wanted = ReviewFilter(state=ReviewState.DECIDED)
        assert [review.id for review in reviews.page(tx, wanted, now=NOW)] == [first.id, second.id]
        [older] = reviews.page(tx, wanted, now=NOW, after=reviews.place_of(reviews.get(tx, first.id)))
        assert older.id == second.id
        assert reviews.count(tx, replace(wanted, mine="olga"), now=NOW) == 2
        assert reviews.count(tx, ReviewFilter(), now=NOW) == 0


def test_the_pace_is_the_time_from_claim_to_verdict_of_the_newest_reviews(database: Database, events: Events) -> None:
    made = opened(database, *(a_question(NOW) for _ in range(4)))
    with database.begin() as tx:
        assert reviews.pace(tx, made[0].automation).reviews == 0
    for number, review in enumerate(made[:3]):
        claimed_at = NOW + timedelta(hours=number)
        with database.begin() as tx:
            reviews.claim(tx, review.id, actor=OLGA, now=claimed_at)
            reviews.claim(tx, review.id, actor=OLGA, now=claimed_at + timedelta(minutes=1))
            reviews.give_verdict(
                tx,
                review.id,
                outcome="pause",
                reason="known mule",
                actor=OLGA,
                events=events,
                now=claimed_at + timedelta(minutes=2 + number),
            )
    with database.begin() as tx:
        reviews.claim(tx, made[3].id, actor=OTTO, now=NOW)
        assert reviews.get(tx, made[0].id).claim is None
        pace = reviews.pace(tx, made[0].automation)
        assert (pace.reviews, pace.minutes) == (3, pytest.approx(3.0))
        assert reviews.pace(tx, made[0].automation, newest=1).minutes == pytest.approx(4.0)
        assert reviews.pace(tx, "another").reviews == 0
