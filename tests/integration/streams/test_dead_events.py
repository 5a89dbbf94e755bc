"""What cannot be decided holds up nobody, is kept with its reason, and can be mended and sent again."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from uuid import UUID

import pytest
from pydantic_core import from_json, to_json
from sqlalchemy import text
from tests.integration.streams.streaming import (
    KEY,
    Counting,
    cloud_event,
    decided,
    reading,
    rows,
    run,
    scalar,
    sound,
    streaming,
    until,
)

from andon import Trigger, decisions, streams
from andon.kernel.db import Database
from andon.kernel.events import Events
from andon.kernel.identity import Actor
from andon.kernel.reasons import ReasonInvalid
from andon.streams import DeadEventNotFound, DeadState, EventsDied, EventSettled, EventUnreadable, Intake, StreamKey
from andon.testing import MemorySource
from automations import payment
from lines import Installation

pytestmark = pytest.mark.long

OTTO = Actor("otto")


def _read(data: Mapping[str, object]) -> Mapping[str, object] | None:
    if data.get("country") == "XX":
        return None
    if data.get("amount") == -1:
        raise KeyError("amount")
    return data


@pytest.fixture
def installation(database: Database, tmp_path: Path) -> Installation:
    return streaming(database, tmp_path, Trigger("memory", "payments", types=("payment.made",), read=_read))


BAD: dict[str, tuple[bytes, dict[str, str], str]] = {
    "no JSON": (b"not json", {}, "It is not JSON"),
    "half": (to_json(payment(1))[:-5], {}, "It is not JSON"),
    "no object": (b"[1, 2]", {}, "not a JSON object"),
    "contract": (b'{"payment_id": "p1", "amount": 5}', {}, "does not match the contract"),
    "nan": (b'{"payment_id": "p1", "account": "a", "amount": NaN}', {}, "It is not JSON"),
    "nul": (b'{"payment_id": "p\\u0000", "account": "a", "amount": 5}', {}, "NUL"),
    "empty": (b"", {}, "It is not JSON"),
    "large": (to_json(payment(1, payment_id="x" * 5_000_000)), {}, "5000"),
    "lacking": (to_json(payment(1)), {"ce_id": "e", "ce_specversion": "1.0"}, "It lacks ce_source, ce_type"),
    "version": (to_json(payment(1)), cloud_event(1)[1] | {"ce_specversion": "0.3"}, "version of CloudEvents"),
    "time": (to_json(payment(1)), cloud_event(1)[1] | {"ce_time": "yesterday"}, "Its time cannot be read"),
    "xml": (b"<a/>", cloud_event(1)[1] | {"content-type": "text/xml"}, "Its data is text/xml"),
    "envelope": (b"{}", {"content-type": "application/cloudevents+json"}, "It lacks id, source, type"),
    "read": (to_json(payment(1, amount=-1)), {}, "`read` failed with KeyError in _read (test_dead_events.py:"),
}


def test_every_bad_event_is_kept_with_its_reason_and_the_good_ones_between_are_decided(
    installation: Installation,
) -> None:
    async def test() -> None:
        source = MemorySource()
        for number, (data, headers, _) in enumerate(BAD.values()):
            source.send(to_json(payment(number)))
            source.send(data, headers=headers, key=f"key-{number}")
        data, headers = cloud_event(99)
        source.send(data, headers=headers | {"ce_type": "payment.seen"})
        source.send(to_json(payment(98, country="XX")))
        async with reading(installation, source):
            await until(lambda: scalar(installation, "SELECT sum(position) FROM stream_partitions") == 2 * len(BAD) + 2)
        assert decided(installation) == len(BAD)
        assert scalar(installation, "SELECT count(DISTINCT writer) FROM decisions") == 1  # at once, by one writer
        dead = rows(installation, "SELECT reason, faults, data, key FROM dead_events ORDER BY position")
        assert len(dead) == len(BAD)
        for (data, _, expected), (reason, _, kept, _) in zip(BAD.values(), dead, strict=True):
            assert expected in reason
            assert kept == data
        faults = {name: row[1] for name, row in zip(BAD, dead, strict=True)}
        assert faults["contract"] == [{"where": "input.account", "message": "Field required"}]
        assert rows(installation, "SELECT decided, left_out, dead FROM stream_partitions") == [(len(BAD), 2, len(BAD))]

    run(test)


def a_dead_event(installation: Installation, data: bytes, headers: dict[str, str]) -> UUID:
    async def test() -> None:
        source = MemorySource()
        source.send(data, headers=headers)
        async with reading(installation, source):
            await until(lambda: scalar(installation, "SELECT count(*) FROM dead_events") == 1)

    run(test)
    with installation.database.begin() as tx:
        (event,) = streams.dead_events(tx)
    return event.id


def work(installation: Installation) -> None:
    async def test() -> None:
        decider = installation.decider()
        await Intake(installation.database, installation.deployment, decider, installation.clock, Events()).run_round()
        await decider.close()

    asyncio.run(test())


def test_a_mended_event_is_decided_as_it_happened_and_once(installation: Installation) -> None:
    data, headers = cloud_event(7, amount=0)
    event_id = a_dead_event(installation, data, headers | {"ce_time": "2026-11-20T10:00:00Z"})
    now = installation.clock.now()
    mended = to_json(payment(7, amount=25.0))
    with installation.database.begin() as tx:
        sent = streams.resend(tx, event_id, data=mended, actor=OTTO, reason="the amount was lost", now=now)
        with pytest.raises(EventSettled):
            streams.resend(tx, event_id, data=None, actor=OTTO, reason="again", now=now)
    work(installation)
    assert sent.decision_id is not None
    with installation.database.begin() as tx:
        record = decisions.get(tx, sent.decision_id).record
        assert streams.get_dead(tx, event_id).state is DeadState.SENT
    assert record["input"]["amount"] == 25.0
    assert record["happened_at"] == "2026-11-20T10:00:00Z"
    assert record["correlation_id"] == "e7"
    assert rows(installation, "SELECT key FROM idempotency_keys") == [("/bank e7",)]
    audited = rows(installation, "SELECT action, actor FROM audit_entries WHERE subject LIKE 'dead_event:%'")
    assert audited == [("event.resend", "otto")]


def test_an_event_that_is_mended_badly_is_dead_again_with_the_new_reason(installation: Installation) -> None:
    event_id = a_dead_event(installation, b"not json", {})
    now = installation.clock.now()
    for given, expected in (
        (b'{"payment_id": 1}', "do not match"),
        (None, "It is not JSON"),
        (b"5", "not a JSON object"),
    ):
        with installation.database.begin() as tx:
            streams.resend(tx, event_id, data=given, actor=OTTO, reason="a try", now=now)
        work(installation)
        with installation.database.begin() as tx:
            event = streams.get_dead(tx, event_id)
        assert event.state is DeadState.DEAD
        assert expected in event.reason
        assert ("input.amount" in {fault.where for fault in event.faults}) is (expected == "do not match")
    assert decided(installation) == 0
    assert scalar(installation, "SELECT count(*) FROM intake") == 0


def test_what_was_mended_into_no_json_is_refused_at_once(installation: Installation) -> None:
    event_id = a_dead_event(installation, b"not json", {})
    now = installation.clock.now()
    with installation.database.begin() as tx, pytest.raises(EventUnreadable, match=r"It is not JSON: .* line 1"):
        streams.resend(tx, event_id, data=b"{nope", actor=OTTO, reason="a try", now=now)
    with installation.database.begin() as tx:
        assert streams.get_dead(tx, event_id).state is DeadState.DEAD


def test_why_reading_failed_again_is_told_with_its_line(installation: Installation) -> None:
    event_id = a_dead_event(installation, b"not json", {})
    with installation.database.begin() as tx:
        given = to_json(payment(1, amount=-1))
        streams.resend(tx, event_id, data=given, actor=OTTO, reason="a try", now=installation.clock.now())
    work(installation)
    with installation.database.begin() as tx:
        assert "KeyError in _read (test_dead_events.py:" in streams.get_dead(tx, event_id).reason


def test_a_discarded_event_stays_to_be_looked_at(installation: Installation) -> None:
    event_id = a_dead_event(installation, b"not json", {})
    now = installation.clock.now()
    with installation.database.begin() as tx:
        streams.discard(tx, event_id, actor=OTTO, reason="a test of theirs", now=now)
    with installation.database.begin() as tx:
        assert streams.dead_events(tx) == []
        (event,) = streams.dead_events(tx, DeadState.DISCARDED)
        with pytest.raises(DeadEventNotFound):
            streams.get_dead(tx, UUID(int=1))
        assert dict(streams.count_dead(tx)) == {}
    assert (event.settled_by, event.settle_reason, event.data) == ("otto", "a test of theirs", b"not json")


def test_an_event_that_breaks_the_line_itself_is_buried_and_the_others_go_on(installation: Installation) -> None:
    """Whatever is wrong with deciding one event, those behind it do not wait."""
    line = installation.deployment.line("payments")
    ordinary = line.see

    def breaking(requests, snapshot, looked=None):  # type: ignore[no-untyped-def]
        if any(request.input["payment_id"] == "p13" for request in requests):
            raise ZeroDivisionError
        return ordinary(requests, snapshot, looked)

    line.see = breaking  # type: ignore[method-assign]

    async def test() -> None:
        source = MemorySource()
        for number in range(20):
            source.send(to_json(payment(number)))
        async with reading(installation, source):
            await until(lambda: scalar(installation, "SELECT max(position) FROM stream_partitions") == 20)

    run(test)
    assert decided(installation) == 19
    ((reason, data),) = rows(installation, "SELECT reason, data FROM dead_events")
    assert reason == "Deciding failed with ZeroDivisionError"
    assert from_json(data)["payment_id"] == "p13"


def test_a_paused_stream_stands_still_and_a_sought_one_goes_on_elsewhere(installation: Installation) -> None:
    async def test() -> None:
        source, now = MemorySource(partitions=2), installation.clock.now()
        source.send(to_json(payment(1)), key="a")
        async with reading(installation, source) as running:
            await until(lambda: decided(installation) == 1)
            with installation.database.begin() as tx:
                streams.pause(tx, KEY, actor=OTTO, reason="a look", now=now)
            running.poke()
            source.send(to_json(payment(2)), key="a")
            await asyncio.sleep(0.3)
            assert decided(installation) == 1
            with installation.database.begin() as tx:
                assert streams.get(tx, KEY).state.value == "paused"
                streams.resume(tx, KEY, actor=OTTO, reason="seen", now=now)
            running.poke()
            await until(lambda: decided(installation) == 2)
            for to, more in (("start", 4), ("1", 5), ("2026-01-01T00:00:00Z", 7), ("end", 7)):
                with installation.database.begin() as tx:
                    streams.seek(tx, KEY, to, partition=None, actor=OTTO, reason="once more", now=now)
                running.poke()
                await until(lambda: scalar(installation, "SELECT count(seek) FROM stream_partitions") == 0)
                await until(lambda more=more: decided(installation) == more)
            with installation.database.begin() as tx:
                for wrong in ("yesterday", "-1", "2026-01-01T00:00:00", ""):
                    with pytest.raises(streams.SeekInvalid):
                        streams.seek(tx, KEY, wrong, partition=None, actor=OTTO, reason="x", now=now)
                with pytest.raises(streams.StreamNotFound):
                    streams.seek(tx, KEY, "end", partition="9", actor=OTTO, reason="x", now=now)
                with pytest.raises(streams.StreamNotFound):
                    streams.pause(tx, StreamKey("payments", "kafka:none"), actor=OTTO, reason="x", now=now)
                for reason in (" ", "\0", "x" * 2001):
                    with pytest.raises(ReasonInvalid):
                        streams.pause(tx, KEY, actor=OTTO, reason=reason, now=now)
        of_streams = "subject LIKE 'stream:%' AND actor = 'otto'"
        actions = rows(installation, f"SELECT action FROM audit_entries WHERE {of_streams} ORDER BY seq")
        assert [action for (action,) in actions] == ["stream.pause", "stream.resume", *["stream.seek"] * 4]

    run(test)
    assert sound(installation)


def test_a_decision_that_postgresql_refuses_is_buried_and_the_others_are_recorded(installation: Installation) -> None:
    with installation.database.begin() as tx:
        tx.execute(
            text(
                "ALTER TABLE decisions ADD CONSTRAINT no_p5 CHECK (position('\"p5\"' IN convert_from(record, "
                "'utf8')) = 0)"
            )
        )

    async def test() -> None:
        source = MemorySource()
        for number in range(10):
            source.send(to_json(payment(number)))
        async with reading(installation, source):
            await until(lambda: scalar(installation, "SELECT max(position) FROM stream_partitions") == 10)

    run(test)
    assert decided(installation) == 9
    assert rows(installation, "SELECT decided, repeated, dead FROM stream_partitions") == [(9, 0, 1)]
    assert rows(installation, "SELECT reason FROM dead_events") == [("PostgreSQL refuses it: CheckViolationError",)]


def test_what_passes_again_buries_nothing(installation: Installation) -> None:
    """A lock that cannot be had in time says nothing about an event: the batch waits."""
    with installation.database.begin() as tx:
        tx.execute(
            text("CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE disk_full; END $$")
        )
        tx.execute(
            text("CREATE TRIGGER full_disk BEFORE INSERT ON decisions FOR EACH ROW EXECUTE FUNCTION full_disk()")
        )

    async def test() -> None:
        source, watch = MemorySource(), Counting()
        for number in range(10):
            source.send(to_json(payment(number)))
        async with reading(installation, source, watch=watch):
            await until(lambda: watch.failures >= 1)  # for which the ledger waits eight seconds
            await until(lambda: watch.failures >= 2)
            assert scalar(installation, "SELECT max(position) FROM stream_partitions") == 0
            with installation.database.begin() as tx:
                tx.execute(text("DROP TRIGGER full_disk ON decisions"))
            await until(lambda: decided(installation) == 10)
        assert scalar(installation, "SELECT count(*) FROM dead_events") == 0

    run(test)


def test_events_that_died_are_published_once_and_again_when_they_die_again(installation: Installation) -> None:
    events, published = Events(), list[EventsDied]()
    events.subscribe(EventsDied, lambda _, event: published.append(event))

    def publish() -> int:
        with installation.database.begin() as tx:
            return streams.publish_dead(tx, events, installation.clock.now())

    event_id = a_dead_event(installation, b"{nope", {})
    assert (publish(), publish()) == (1, 0)
    [event] = published
    assert (event.subject, event.count, event.ids) == ("stream:payments/memory:payments", 1, [event_id])
    with installation.database.begin() as tx:
        streams.resend(tx, event_id, data=None, actor=OTTO, reason="a try", now=installation.clock.now())
    work(installation)
    assert publish() == 1
    assert [event.ids for event in published] == [[event_id]] * 2


def test_what_a_subscriber_refuses_is_published_the_next_time(installation: Installation) -> None:
    broken, working, published = Events(), Events(), list[EventsDied]()
    broken.subscribe(EventsDied, lambda *_: 1 // 0)
    working.subscribe(EventsDied, lambda _, event: published.append(event))
    a_dead_event(installation, b"{nope", {})
    now = installation.clock.now()
    with pytest.raises(ZeroDivisionError), installation.database.begin() as tx:
        streams.publish_dead(tx, broken, now)
    with installation.database.begin() as tx:
        assert streams.publish_dead(tx, working, now) == 1
    assert [event.count for event in published] == [1]
