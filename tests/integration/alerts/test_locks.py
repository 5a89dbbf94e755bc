"""Alerts that several transactions change at once: no update is lost, and locks are taken in one order."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest

from alarming import a_breach, a_recovery, alerts_of, breached, newest
from andon import alerts, cord, gates
from andon.alerts import AlertResolvedAlready, AlertRoute, AlertState, IncidentEnded, Silenced
from andon.alerts.chores import chores
from andon.cord import LineState
from andon.decisions import DELIVER_ACTION
from andon.gates import ProvenGate
from andon.kernel import outbox
from andon.kernel.db import Database, Tx
from andon.kernel.events import Events
from andon.kernel.identity import Actor
from andon.monitors import Level
from lines import Installation
from meanwhile import Beside, transactions_beside

OTTO = Actor("otto")
ROUTE = AlertRoute("mail", Level.WARNING, "bank", "webhook")
SOON = timedelta(seconds=10)
AUSTRIA = {"country": "AT"}


@pytest.fixture
def beside(installation: Installation) -> Iterator[Beside[object]]:
    with transactions_beside(installation.database) as begin:
        yield begin


def send(now: datetime) -> Callable[[Tx], bool]:
    """Send what is due at a moment."""
    return lambda tx: alerts.send_due(tx, [ROUTE], console="", now=now)


def sent(database: Database, now: datetime) -> int:
    """Send all that is due; return how many messages were ever written."""
    while True:
        with database.begin() as tx:
            if not send(now)(tx):
                which = outbox.MessageSelection()
                return len(outbox.page(tx, DELIVER_ACTION, outbox.MessageState.PENDING, which=which, limit=200))


def test_a_sighting_while_its_alert_is_sent_is_not_lost(
    installation: Installation, events: Events, beside: Beside[bool]
) -> None:
    database, now = installation.database, installation.clock.now()
    breached(database, events, now)
    with database.begin() as tx:
        events.publish(tx, a_breach(now + SOON, message="it moved on"))
        sending = beside(send(now + SOON))
    sending.result(timeout=30)
    assert sent(database, now + SOON) == 1
    alert = newest(database)
    assert (alert.count, alert.message, alert.sent_at) == (2, "it moved on", now + SOON)


def test_an_alert_that_ends_while_it_is_sent_is_neither_opened_again_nor_a_deadlock(
    installation: Installation, events: Events, beside: Beside[bool]
) -> None:
    database, now = installation.database, installation.clock.now()
    breached(database, events, now)
    sent(database, now + SOON)
    breached(database, events, now + SOON, level=Level.CRITICAL)
    with database.begin() as tx:
        events.publish(tx, a_breach(now + 2 * SOON, level=Level.CRITICAL))
        sending = beside(send(now + 2 * SOON))
        events.publish(tx, a_recovery(now + 2 * SOON))
    sending.result(timeout=30)
    sent(database, now + timedelta(hours=1))
    [alert] = alerts_of(database)
    assert (alert.state, alert.changed) == (AlertState.RESOLVED, False)


def test_a_repeat_to_alertmanager_leaves_a_change_of_its_group_alone(
    installation: Installation, events: Events, beside: Beside[bool]
) -> None:
    database, now = installation.database, installation.clock.now()
    manager, later = AlertRoute("manager", Level.WARNING, "bank", "http", alertmanager=True), now + timedelta(hours=1)
    breached(database, events, now)
    sent(database, now + SOON)
    with database.begin() as tx:
        events.publish(tx, a_breach(later))
        again = beside(lambda other: alerts.send_again(other, [manager], console="", now=later))
        events.publish(tx, a_recovery(later))
    again.result(timeout=30)
    assert sent(database, later + SOON) == 2
    assert newest(database).sent_at == later + SOON


def test_a_recovery_and_a_breach_in_one_transaction_meet_a_breach_in_another(
    installation: Installation, events: Events, beside: Beside[None]
) -> None:
    database, now = installation.database, installation.clock.now()
    breached(database, events, now)
    with database.begin() as tx:
        events.publish(tx, a_recovery(now + SOON))
        other = beside(lambda other: events.publish(other, a_breach(now + SOON, monitor="latency")))
        events.publish(tx, a_breach(now + SOON, series="age", level=Level.CRITICAL))
    other.result(timeout=30)
    assert len(alerts_of(database, AlertState.OPEN)) == 2


def test_a_person_who_resolves_waits_for_the_cord_before_the_alerts(
    installation: Installation, events: Events, beside: Beside[object]
) -> None:
    database, now = installation.database, installation.clock.now()
    alert = breached(database, events, now)
    with database.begin() as tx:
        cord.hold(tx, "payments")
        resolving = beside(lambda o: alerts.resolve(o, alert.id, actor=OTTO, reason="known", events=events, now=now))
        assert not resolving.done()
        events.publish(tx, a_breach(now + SOON))
    resolving.result(timeout=30)
    assert (newest(database).state, newest(database).count) == (AlertState.RESOLVED, 2)
    with pytest.raises(AlertResolvedAlready), database.begin() as tx:
        alerts.acknowledge(tx, alert.id, actor=OTTO, events=events, now=now)


def test_the_end_of_a_silence_waits_for_a_finding_that_is_being_audited(
    installation: Installation, events: Events, beside: Beside[object]
) -> None:
    database, now = installation.database, installation.clock.now()
    with database.begin() as tx:
        silence = alerts.silence(
            tx, Silenced("payments"), until=now + timedelta(hours=1), reason="a campaign", actor=OTTO, now=now
        )
    later = now + timedelta(minutes=10)
    breached(database, events, now)
    breached(database, events, later, monitor="latency")
    with database.begin() as tx:
        events.publish(tx, a_breach(later, level=Level.CRITICAL, segment=AUSTRIA))  # pulls the cord, which is audited
        ending = beside(lambda o: alerts.end_silence(o, silence.id, actor=OTTO, reason="it is over", now=later))
        events.publish(tx, a_breach(later, level=Level.CRITICAL))  # another group
    ending.result(timeout=30)
    assert sent(database, later + SOON) == 2


def test_an_alert_joins_no_incident_that_ends_meanwhile(
    installation: Installation, events: Events, beside: Beside[object]
) -> None:
    database, now = installation.database, installation.clock.now()
    incident = breached(database, events, now, level=Level.CRITICAL).incident
    assert incident is not None
    with database.begin() as tx:
        alerts.end(tx, incident, cause="a new partner", actor=OTTO, now=now)
        raising = beside(lambda other: events.publish(other, a_breach(now + SOON, series="age", level=Level.CRITICAL)))
    raising.result(timeout=30)
    assert newest(database).incident not in (None, incident)
    with pytest.raises(IncidentEnded), database.begin() as tx:
        alerts.end(tx, incident, cause="again", actor=OTTO, now=now)


def test_a_person_who_pulls_the_cord_meets_a_gate_that_is_revised(
    installation: Installation, events: Events, beside: Beside[object]
) -> None:
    database, now = installation.database, installation.clock.now()
    proven = ProvenGate("payments", "fraud-risk@1", 1, 0.9, 0.05, 0.95, {"rows": 100})
    with database.begin() as tx:
        cord.hold(tx, "payments")
        revising = beside(lambda other: gates.ensure_held_out(other, proven, events=events, now=now))
        why = "fraud is rising"
        cord.pull(tx, "payments", state=LineState.STOPPED, segment={}, actor=OTTO, reason=why, events=events, now=now)
    revising.result(timeout=30)


def test_a_cause_that_comes_back_while_alerts_are_settled_keeps_its_alert(
    installation: Installation, events: Events, beside: Beside[object]
) -> None:
    database, now = installation.database, installation.clock.now()
    breached(database, events, now, monitor="deliveries", series="")
    causes, every = (
        set[str](),
        chores([], events, console="", standing={"deliveries": lambda _, a: a.monitor in causes}),
    )
    settle = next(one for one in every if one.name == "settle_alerts")
    with database.begin() as tx:
        events.publish(tx, a_breach(now + SOON, monitor="deliveries", series=""))
        settling = beside(lambda other: settle.work(other, now + SOON))
        causes.add("deliveries")
    settling.result(timeout=30)
    assert newest(database).state is AlertState.OPEN
