"""Alerts sent outside: one message per change of a group, silences, an absent receiver, and Alertmanager's schema."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest

from alarming import alerts_of, breached, recovered
from andon import alerts
from andon.alerts import AlertRoute, AlertState, Silenced
from andon.decisions import DELIVER_ACTION
from andon.kernel import outbox
from andon.kernel.db import Database
from andon.kernel.events import Events
from andon.kernel.identity import Actor
from andon.kernel.outbox import Message
from andon.monitors import Level
from integration.actions.delivering import MovedClock, a_destination, delivering
from lines import Installation
from receiver import Receiver, Reply

OTTO = Actor("otto")
ALL = AlertRoute("mail", Level.WARNING, "bank", "webhook")
URGENT = AlertRoute("pager", Level.CRITICAL, "pager", "webhook")
MANAGER = AlertRoute(
    "manager",
    Level.WARNING,
    "bank",
    "http",
    {"path": "/api/v2/alerts", "body": "{alerts}"},
    alertmanager=True,
)
CONSOLE = "https://andon.example"
SOON, LATER = timedelta(seconds=10), timedelta(minutes=6)


def sent(database: Database, now: datetime, *routes: AlertRoute) -> list[Message]:
    """Send what is due; the messages that this wrote."""
    before = {message.id for message in messages(database)}
    while True:
        with database.begin() as tx:
            if not alerts.send_due(tx, routes, console=CONSOLE, now=now):
                break
    return [message for message in messages(database) if message.id not in before]


def messages(database: Database) -> list[Message]:
    with database.begin() as tx:
        which = outbox.MessageSelection()
        return outbox.page(tx, DELIVER_ACTION, outbox.MessageState.PENDING, which=which, limit=200)


def told(message: Message) -> Any:
    return message.payload["event"]["data"]


def test_findings_of_a_moment_are_one_message_for_each_route_that_takes_them(
    installation: Installation, events: Events
) -> None:
    now, database = installation.clock.now(), installation.database
    for series in ("amount", "country", "account"):
        breached(database, events, now, series=series)
    assert sent(database, now, ALL, URGENT) == []
    [message] = sent(database, now + SOON, ALL, URGENT)
    assert (message.payload["destination"], message.scope) == ("bank", "")
    data = told(message)
    assert data["alert"]["title"] == "[warning] drift of account, amount, country: payments"
    [alert] = data["alerts"]
    assert [one["series"] for one in alert["findings"]] == ["account", "amount", "country"]
    assert sent(database, now + timedelta(hours=1), ALL, URGENT) == []
    breached(database, events, now + timedelta(minutes=1), series="amount")
    assert sent(database, now + timedelta(hours=1), ALL, URGENT) == []


def test_a_message_says_what_a_person_needs(installation: Installation, events: Events) -> None:
    now, database = installation.clock.now(), installation.database
    alert = breached(database, events, now, level=Level.CRITICAL, segment={"country": "AT"})
    one, two = sent(database, now + SOON, ALL, URGENT)
    assert {one.payload["destination"], two.payload["destination"]} == {"bank", "pager"}
    text = told(one)["alert"]["text"]
    for part in (
        "amount has moved by 0.4 standard deviations",
        "an unchanged line raises such an alert with a probability of at most 0.0005".capitalize(),
        "Expected 50, observed 81.5 EUR",
        "The cord was pulled: country=AT is stopped",
        f"{CONSOLE}/alerts/{alert.id}",
        "segment=country%3DAT",
    ):
        assert part in text
    with database.begin() as tx:
        assert "open sent to mail, pager" in [note.message for note in alerts.notes_of(tx, alert.id)]


def test_a_rise_is_sent_at_once_and_a_recovery_when_it_can_wait(installation: Installation, events: Events) -> None:
    now, database = installation.clock.now(), installation.database
    breached(database, events, now)
    sent(database, now + SOON, ALL)
    breached(database, events, now + 2 * SOON, level=Level.CRITICAL)
    assert len(sent(database, now + 3 * SOON, ALL)) == 1
    recovered(database, events, now + 4 * SOON)
    assert sent(database, now + 5 * SOON, ALL) == []
    [message] = sent(database, now + LATER, ALL)
    assert told(message)["alert"]["title"] == "drift of amount: payments is over"
    assert told(message)["alert"]["state"] == "resolved"


def test_what_was_over_before_anybody_heard_of_it_is_not_sent(installation: Installation, events: Events) -> None:
    now, database = installation.clock.now(), installation.database
    breached(database, events, now)
    recovered(database, events, now + timedelta(seconds=1))
    assert sent(database, now + LATER, ALL) == []
    assert [alert.state for alert in alerts_of(database)] == [AlertState.RESOLVED]


def test_a_silenced_alert_is_shown_and_sent_when_the_silence_ends(installation: Installation, events: Events) -> None:
    now, database = installation.clock.now(), installation.database
    until = now + timedelta(hours=2)
    with database.begin() as tx:
        alerts.silence(
            tx, Silenced(monitor="drift", series="amount"), until=until, reason="a campaign", actor=OTTO, now=now
        )
    breached(database, events, now)
    breached(database, events, now, monitor="latency")
    [message] = sent(database, now + SOON, ALL)
    assert [alert["monitor"] for alert in told(message)["alerts"]] == ["latency"]
    with database.begin() as tx:
        assert alerts.count_open(tx, ["payments"], now) == 1
        assert alerts.count_open(tx, None, until) == 2
    assert len(alerts_of(database, AlertState.OPEN)) == 2
    assert sent(database, now + timedelta(hours=1), ALL) == []
    [message] = sent(database, until, ALL)
    assert [alert["monitor"] for alert in told(message)["alerts"]] == ["drift"]


def test_a_silenced_finding_sends_no_alert_that_was_sent_for_others(installation: Installation, events: Events) -> None:
    now, database, only = installation.clock.now(), installation.database, Silenced(monitor="drift", series="amount")
    with database.begin() as tx:
        alerts.silence(tx, only, until=now + timedelta(hours=2), reason="a campaign", actor=OTTO, now=now)
    breached(database, events, now, series="country")
    assert len(sent(database, now + SOON, ALL)) == 1
    breached(database, events, now + 2 * SOON)
    assert sent(database, now + timedelta(hours=1), ALL) == []
    [message] = sent(database, now + timedelta(hours=2), ALL)
    assert len(told(message)["alerts"][0]["findings"]) == 2


def test_a_silence_that_is_ended_early_lets_go_what_it_kept(installation: Installation, events: Events) -> None:
    now, database = installation.clock.now(), installation.database
    with database.begin() as tx:
        silence = alerts.silence(
            tx, Silenced("payments"), until=now + timedelta(days=2), reason="a move", actor=OTTO, now=now
        )
    breached(database, events, now)
    breached(database, events, now, monitor="latency")
    recovered(database, events, now + SOON, monitor="latency")
    assert sent(database, now + LATER, ALL) == []
    with database.begin() as tx:
        alerts.end_silence(tx, silence.id, actor=OTTO, reason="moved", now=now + LATER)
        with pytest.raises(alerts.SilenceNotFound):
            alerts.end_silence(tx, silence.id, actor=OTTO, reason="moved", now=now + LATER)
    [message] = sent(database, now + LATER, ALL)
    assert [alert["monitor"] for alert in told(message)["alerts"]] == ["drift"]


def test_two_workers_send_a_group_once(installation: Installation, events: Events) -> None:
    now, database = installation.clock.now(), installation.database
    breached(database, events, now)

    def send(_: int) -> bool:
        with database.begin() as tx:
            return alerts.send_due(tx, [ALL], console=CONSOLE, now=now + SOON)

    with ThreadPoolExecutor(4) as workers:
        assert sorted(workers.map(send, range(8))).count(True) == 1
    assert len(messages(database)) == 1


def test_nothing_is_lost_while_the_destination_is_away(
    database: Database, installation: Installation, events: Events, receiver: Receiver, clock: MovedClock
) -> None:
    breached(database, events, clock.now())
    receiver.always(Reply(503))
    assert len(sent(database, clock.now() + SOON, ALL)) == 1

    async def rounds() -> list[int]:
        async with delivering(database, a_destination(receiver), clock=clock) as deliveries:
            clock.move_on(SOON)
            first = await deliveries.run_round()
            receiver.always(Reply())
            clock.move_on(timedelta(minutes=1))
            return [first, await deliveries.run_round()]

    assert asyncio.run(rounds()) == [0, 1]
    [received] = receiver.received.values()
    assert received.event["type"] == "andon.alerts.changed"
    assert received.event["data"]["alerts"][0]["findings"][0]["series"] == "amount"
    assert receiver.requests >= 2


def test_alertmanager_gets_what_its_api_takes_and_the_same_labels_at_the_end(
    database: Database, installation: Installation, events: Events, receiver: Receiver, clock: MovedClock
) -> None:
    now = clock.now()
    breached(database, events, now, segment={"country": "AT"})
    [raised] = sent(database, now + SOON, MANAGER)
    recovered(database, events, now + 2 * SOON, segment={"country": "AT"})
    [over] = sent(database, now + LATER, MANAGER)
    [opened], [ended] = told(raised)["alerts"], told(over)["alerts"]
    assert opened["labels"] == ended["labels"]
    assert opened["labels"] == {
        "alertname": "AndonDrift",
        "automation": "payments",
        "monitor": "drift",
        "segment": "country=AT",
        "severity": "warning",
    }
    assert opened["startsAt"] == ended["startsAt"] == now.isoformat()
    assert datetime.fromisoformat(opened["endsAt"]) > now + timedelta(hours=1)
    assert datetime.fromisoformat(ended["endsAt"]) == now + 2 * SOON
    assert all(isinstance(value, str) and value for value in opened["annotations"].values())


def test_an_open_alert_is_repeated_to_alertmanager_before_it_would_forget_it(
    installation: Installation, events: Events
) -> None:
    now, database = installation.clock.now(), installation.database
    breached(database, events, now)
    assert len(sent(database, now + SOON, MANAGER, ALL)) == 2
    for minutes, expected in ((10, 0), (31, 1), (40, 0), (62, 1)):
        before = len(messages(database))
        with database.begin() as tx:
            alerts.send_again(tx, [MANAGER, ALL], console=CONSOLE, now=now + timedelta(minutes=minutes))
        assert len(messages(database)) - before == expected, minutes
    recovered(database, events, now + timedelta(minutes=70))
    with database.begin() as tx:
        assert not alerts.send_again(tx, [MANAGER], console=CONSOLE, now=now + timedelta(hours=9))
