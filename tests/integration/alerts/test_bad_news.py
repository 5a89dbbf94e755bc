"""Bad news beside that of monitors: dead letters, dead events, budgets, expectations, gates.

Each ends when its cause does.
"""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from sqlalchemy import text

from alarming import alerts_of
from andon.actions import ActionsDied
from andon.alerts import Alert, AlertState
from andon.alerts.chores import chores
from andon.bootstrap.alerting import has_dead_events
from andon.features import ExpectationBreached
from andon.gates import GateRevised, Origin
from andon.kernel import outbox
from andon.kernel.db import Database
from andon.kernel.events import DomainEvent, Events
from andon.spending import BudgetChanged, BudgetNearlySpent, BudgetUsedUp
from andon.streams import EventsDied
from messages import an_action, put

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def published(database: Database, events: Events, event: DomainEvent) -> list[Alert]:
    """Publish an event; the alerts that are open then."""
    with database.begin() as tx:
        events.publish(tx, event)
    return alerts_of(database, AlertState.OPEN)


def settled(database: Database, events: Events, now: datetime) -> list[Alert]:
    """Let the worker resolve what is over; the alerts that are open then."""
    [settle] = [
        chore
        for chore in chores([], events, console="", standing={"events": has_dead_events})
        if chore.name == "settle_alerts"
    ]
    with database.begin() as tx:
        settle.work(tx, now)
    return alerts_of(database, AlertState.OPEN)


def revised(threshold: float, before: float | None, origin: Origin = Origin.HELD_OUT, number: int = 2) -> GateRevised:
    return GateRevised(
        "payments", "fraud-risk@1+a", number, threshold, before, 0.01, origin, None, "andon", "evidence", at=NOW
    )


def test_dead_letters_are_an_alert_until_none_is_left(database: Database, events: Events) -> None:
    message = an_action(NOW)
    put(database, message)
    with database.begin() as tx:
        outbox.settle(tx, message.id, outbox.MessageState.DEAD, now=NOW, error="gone")
    died = ActionsDied("payments", "bank", 1, [message.id], at=NOW)
    [alert] = published(database, events, died)
    assert (alert.monitor, alert.series, alert.level) == ("deliveries", "bank", "warning")
    assert alert.message == "1 action was given up at bank"
    assert len(settled(database, events, NOW + MINUTE)) == 1
    with database.begin() as tx:
        outbox.accept(tx, message.id, now=NOW)
    assert settled(database, events, NOW + MINUTE) == []


def test_dead_events_are_an_alert_until_none_waits(database: Database, events: Events) -> None:
    [alert] = published(database, events, EventsDied("payments", "transfers", 2, [uuid4()], at=NOW))
    assert (alert.monitor, alert.series, alert.message) == (
        "events",
        "transfers",
        "2 events of transfers could not be decided",
    )
    assert settled(database, events, NOW + MINUTE) == []


def test_a_budget_is_a_warning_then_critical_and_over_with_its_period(database: Database, events: Events) -> None:
    day = NOW.date()
    [alert] = published(database, events, BudgetNearlySpent("payments", "day", day, "EUR", "10.000", "8.100", at=NOW))
    assert (alert.level, alert.incident) == ("warning", None)
    [alert] = published(
        database, events, BudgetUsedUp("payments", "day", day, "EUR", "10.000", "10.000", at=NOW + MINUTE)
    )
    assert (alert.level, alert.count) == ("critical", 2)
    assert alert.incident is not None
    assert len(settled(database, events, datetime(2026, 12, 1, 23, 59, tzinfo=UTC))) == 1
    assert settled(database, events, datetime(2026, 12, 2, tzinfo=UTC)) == []


def test_a_changed_budget_ends_its_alert(database: Database, events: Events) -> None:
    spent = BudgetUsedUp("payments", "month", NOW.date().replace(day=1), "EUR", "10", "10", at=NOW)
    assert len(published(database, events, spent)) == 1
    changed = BudgetChanged("payments", "month", "EUR", "20", "month", "EUR", "10", at=NOW)
    assert published(database, events, changed) == []


def test_a_single_odd_value_is_no_alert_and_many_are_one_until_it_stops(database: Database, events: Events) -> None:
    breached = ExpectationBreached("payments", "amount", at=NOW)

    def seen(decisions: int, at: datetime) -> None:
        with database.begin() as tx:
            tx.execute(
                text(
                    "INSERT INTO expectation_breaches (automation, name, minute, decisions, last_at) VALUES (:a, "
                    ":n, :m, :d, :m)"
                ),
                {"a": "payments", "n": "amount", "m": at, "d": decisions},
            )

    seen(2, NOW - 2 * MINUTE)
    assert published(database, events, breached) == []
    seen(9, NOW)
    [alert] = published(database, events, breached)
    assert (alert.monitor, alert.series, alert.findings[0].observed) == ("expectations", "amount", 11.0)
    assert len(settled(database, events, NOW + 29 * MINUTE)) == 1
    assert settled(database, events, NOW + 31 * MINUTE) == []


def test_a_gate_that_evidence_narrows_is_an_alert_until_it_is_as_wide_as_before(
    database: Database, events: Events
) -> None:
    assert published(database, events, revised(0.9, None)) == []
    assert published(database, events, revised(0.99, 0.9, Origin.PERSON)) == []
    [alert] = published(database, events, revised(0.95, 0.9))
    assert (alert.level, alert.findings[0].expected, alert.findings[0].observed) == ("warning", 0.9, 0.95)
    assert alert.done[0].startswith("The risk gate was narrowed")
    [alert] = published(database, events, revised(2.0, 0.95, number=3))
    assert alert.level == "critical"
    assert "nothing is automatic" in alert.message
    assert len(published(database, events, revised(0.96, 2.0, number=4))) == 1
    [alert] = published(database, events, revised(0.93, 0.96, number=5))
    assert alert.findings[0].expected == 0.9
    assert published(database, events, revised(0.9, 0.93, number=6)) == []


def test_that_a_destination_of_alerts_is_away_makes_no_storm(database: Database, events: Events) -> None:
    for minute in range(5):
        died = ActionsDied("", "pager", 1, [uuid4()], at=NOW + minute * MINUTE)
        [alert] = published(database, events, died)
    assert (alert.automation, alert.count) == ("", 5)
