"""Events of Andon itself leave through the outbox: once, in the transaction of the change, or not at all."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from andon import access, actions, models
from andon.access import Grant, Role
from andon.actions import ActionsDied, ActionSelection, ActionState, EventRoute
from andon.decisions import DELIVER_ACTION
from andon.kernel import outbox
from andon.kernel.db import Database, Tx
from andon.kernel.events import DomainEvent, Events
from andon.kernel.identity import Actor
from integration.actions.delivering import MovedClock, a_destination, delivering
from messages import an_action, put
from packages import a_package
from receiver import Receiver, Reply

OLGA = Actor("olga")
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
EVERYTHING = EventRoute(("*",), "ops", "webhook", {})


def sending(*routes: EventRoute) -> Events:
    events = Events()
    actions.send_outside(events, routes)
    return events


def waiting(database: Database) -> list[str]:
    """Return the events that wait to be sent, with their destinations."""
    with database.begin() as tx:
        found = outbox.page(tx, DELIVER_ACTION, outbox.MessageState.PENDING, which=outbox.MessageSelection(), limit=200)
    return sorted(f"{m.payload['action']} to {m.payload['destination']}" for m in found if "event" in m.payload)


def point(tx: Tx, package: Path, events: Events, now: datetime) -> None:
    """Register a model and let it answer."""
    version = models.register(tx, package, actor=OLGA, reason="first", events=events, now=now)
    models.set_alias(tx, version.name, "champion", version.number, actor=OLGA, reason="start", events=events, now=now)


def test_a_receiver_gets_a_signed_cloudevent_of_an_alias_change_once(
    database: Database, receiver: Receiver, clock: MovedClock, tmp_path: Path
) -> None:
    events = sending(EventRoute(("andon.alias.*",), "ops", "webhook", {}))
    package = a_package(tmp_path)
    with database.begin() as tx:
        point(tx, package, events, clock.now())
        point(tx, package, events, clock.now())  # as it is: nothing changes

    async def rounds() -> list[int]:
        async with delivering(database, a_destination(receiver, name="ops"), clock=clock) as deliveries:
            return [await deliveries.run_round(), await deliveries.run_round()]

    assert asyncio.run(rounds()) == [1, 0]
    [received] = receiver.received.values()
    assert (received.times, receiver.forged) == (1, 0)
    assert received.headers["content-type"] == "application/cloudevents+json"
    sent = received.event
    assert sent.pop("correlationid") == sent["id"] == received.id
    assert datetime.fromisoformat(sent.pop("time")) <= clock.now()
    assert sent == {
        "specversion": "1.0",
        "id": received.id,
        "source": "/andon",
        "type": "andon.alias.set",
        "subject": "model:fraud-risk",
        "datacontenttype": "application/json",
        "data": {
            "model": "fraud-risk",
            "alias": "champion",
            "version": 1,
            "before": None,
            "by": "olga",
            "reason": "start",
        },
    }


def test_what_is_rolled_back_sends_nothing(database: Database, tmp_path: Path) -> None:
    package = a_package(tmp_path)
    refusing = sending(EVERYTHING)
    refusing.subscribe(models.AliasSet, lambda *_: 1 // 0)
    with pytest.raises(ZeroDivisionError), database.begin() as tx:
        point(tx, package, refusing, NOW)
    assert waiting(database) == []
    with database.begin() as tx:
        point(tx, package, sending(EVERYTHING), NOW)
    assert waiting(database) == ["andon.alias.set to ops", "andon.model.registered to ops"]


def test_each_route_gets_what_it_asks_for(database: Database) -> None:
    routes = EventRoute(("andon.key.created",), "a", "webhook", {}), EventRoute(("andon.key.*",), "b", "webhook", {})
    events = sending(*routes, EventRoute(("andon.alias.*", "andon.keys"), "c", "webhook", {}))
    with database.begin() as tx:
        admin = [Grant(Role.ADMIN)]
        keys = [
            access.create_key(
                tx,
                name=name,
                grants=admin,
                expires_at=None,
                actor=OLGA,
                reason="works here",
                events=events,
                pepper=b"0" * 64,
                now=NOW,
            )
            for name in ("ada", "bob")
        ]
        access.revoke_key(tx, keys[1][0].id, actor=OLGA, reason="left", events=events, now=NOW)
    assert waiting(database) == [
        "andon.key.created to a",
        "andon.key.created to a",
        "andon.key.created to b",
        "andon.key.created to b",
        "andon.key.revoked to b",
    ]
    with database.begin() as tx:
        found = outbox.page(tx, DELIVER_ACTION, outbox.MessageState.PENDING, which=outbox.MessageSelection(), limit=200)
    assert all(token not in str(message.payload) for message in found for _, token in keys)


def test_dead_letters_are_published_as_they_die_and_events_about_dead_events_do_not_go_on_for_ever(
    database: Database, receiver: Receiver, clock: MovedClock
) -> None:
    events, published = sending(EVERYTHING), list[DomainEvent]()
    events.subscribe(DomainEvent, lambda _, event: published.append(event))
    message = an_action(clock.now())
    put(database, message)
    receiver.always(Reply(400))

    async def rounds() -> None:
        destinations = a_destination(receiver), a_destination(receiver, name="ops")
        async with delivering(database, *destinations, clock=clock, events=events) as deliveries:
            for _ in range(4):
                await deliveries.run_round()

    asyncio.run(rounds())
    first, second = (event for event in published if isinstance(event, ActionsDied))
    assert (first.automation, first.destination, first.count, first.ids) == ("payments", "bank", 1, [message.id])
    assert (second.automation, second.destination, second.count) == ("", "ops", 1)
    assert waiting(database) == []
    with database.begin() as tx:
        dead = actions.page(tx, ActionState.DEAD, which=ActionSelection())
        mine = actions.page(tx, ActionState.DEAD, which=ActionSelection(["payments"]))
        assert {(one.action, one.decision_id is None) for one in dead} == {
            ("andon.action.died", True),
            ("release", False),
        }
        assert [one.id for one in mine] == [message.id]
        attempts = actions.attempts(tx, message.id, now=clock.now())
    assert [(attempt.number, attempt.kind, attempt.status) for attempt in attempts] == [(1, "refused", 400)]


def test_what_a_subscriber_refuses_leaves_the_delivery_to_be_tried_again(
    database: Database, receiver: Receiver, clock: MovedClock
) -> None:
    def refuse(tx: Tx, event: ActionsDied) -> None:
        raise ZeroDivisionError

    events = Events()
    events.subscribe(ActionsDied, refuse)
    message = an_action(clock.now())
    put(database, message)
    receiver.always(Reply(400))

    async def one_round(heard: Events) -> None:
        async with delivering(database, a_destination(receiver), clock=clock, events=heard) as deliveries:
            await deliveries.run_round()

    with pytest.raises(ZeroDivisionError):
        asyncio.run(one_round(events))
    with database.begin() as tx:
        assert actions.get(tx, message.id).state is ActionState.PENDING
    clock.move_on(timedelta(minutes=1))
    asyncio.run(one_round(Events()))
    with database.begin() as tx:
        assert actions.get(tx, message.id).state is ActionState.DEAD


def test_dead_letters_that_are_sent_again_are_one_event_a_destination(database: Database, clock: MovedClock) -> None:
    events, published = Events(), list[actions.ActionsRevived]()
    events.subscribe(actions.ActionsRevived, lambda _, event: published.append(event))
    messages = [an_action(clock.now()) for _ in range(3)]
    put(database, *messages)
    with database.begin() as tx:
        for message in messages:
            outbox.settle(tx, message.id, outbox.MessageState.DEAD, now=clock.now(), error="gone")
        sent = actions.resend_all(
            tx, which=ActionSelection(), actor=OLGA, reason="mended", events=events, now=clock.now()
        )
    [event] = published
    assert (sent, event.count, event.destination, event.by) == (3, 3, "bank", "olga")
    assert set(event.ids) == {message.id for message in messages}
