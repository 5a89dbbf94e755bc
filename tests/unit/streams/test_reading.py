"""Messages become requests or dead events, and no message breaks the reader. Properties where there is an invariant."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import to_json

from andon import Trigger
from andon.decisions import Contract
from andon.kernel.errors import Invalid
from andon.streams import (
    Arrival,
    ArrivalReader,
    Event,
    EventUnreadable,
    Partition,
    SeekInvalid,
    Stream,
    StreamKey,
    events_of,
)
from andon.streams.domain import moment_of, seek_to, share_of
from andon.streams.events import event_of
from andon.streams.reading import split
from automations import Payment, payment

NOW = datetime(2026, 11, 25, 9, 30, tzinfo=UTC)
KEY = StreamKey("payments", "memory:payments")
READER = ArrivalReader(KEY, Trigger("memory", "payments", types=("payment.made",)), Contract(Payment), max_bytes=2000)

names = st.sampled_from(
    ["ce_id", "ce_source", "ce_type", "ce_specversion", "ce_time", "ce-id", "ce-type", "content-type", "ce_traceparent"]
)
values = st.sampled_from(
    ["1.0", "payment.made", "application/json", "application/cloudevents+json", "application/cloudevents-batch+json"]
) | st.text(max_size=20)
bodies = st.one_of(
    st.binary(max_size=60),
    st.recursive(
        st.none() | st.floats() | st.text(max_size=5),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=5), inner),
        max_leaves=6,
    ).map(lambda value: to_json(value, inf_nan_mode="constants")),
    st.just(to_json(payment(1))),
    st.just(b" " * 3000),
)
arrivals = st.lists(st.tuples(bodies, st.dictionaries(names, values, max_size=6)), min_size=1, max_size=8)


@given(arrivals)
def test_whatever_comes_is_asked_for_left_out_or_dead_and_nothing_is_lost(
    messages: list[tuple[bytes, dict[str, str]]],
) -> None:
    came = [Arrival(number * 2, data, headers) for number, (data, headers) in enumerate(messages)]
    chunk = READER.read("0", 0, came, NOW)
    single = all(
        headers.get("content-type", "").startswith("application/cloudevents-batch") is False for _, headers in messages
    )
    total = len(chunk.requests) + chunk.left_out + len(chunk.dead)
    assert chunk.next == came[-1].position + 1
    if single:
        assert total == len(messages)
    parts = split(READER, chunk, NOW)
    assert [part.first for part in parts] == [0, *(part.next for part in parts[:-1])]
    assert sum(len(part.requests) + part.left_out + len(part.dead) for part in parts) == total


def test_a_chunk_ends_where_it_holds_enough_and_the_next_begins_there() -> None:
    batch = to_json(
        [
            {"specversion": "1.0", "id": str(n), "source": "/b", "type": "payment.made", "data": payment(n)}
            for n in range(4)
        ]
    )
    headers = {"content-type": "application/cloudevents-batch+json"}
    came = [Arrival(position, batch, headers) for position in (3, 7, 9)]
    first = READER.read("0", 0, came, NOW, most=6)
    assert (len(first.requests), first.next, len(first.arrivals)) == (8, 8, 2)
    rest = READER.read("0", first.next, came[2:], NOW, most=6)
    assert (rest.first, rest.next, len(rest.requests)) == (8, 10, 4)


def test_attributes_become_what_a_decision_knows_of_its_event() -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    headers = {
        "ce-specversion": "1.0",
        "ce-id": "e%201",
        "ce-source": "/b%C3%A4nk",
        "ce-type": "payment.made",
        "ce-time": "2026-11-20T12:00:00+02:00",
        "ce-traceparent": trace,
    }
    (request,) = READER.read("0", 0, [Arrival(0, to_json(payment(1)), headers)], NOW).requests
    assert (request.correlation_id, request.traceparent) == ("e 1", trace)
    assert request.happened_at == datetime(2026, 11, 20, 10, tzinfo=UTC)
    assert request.idempotency is not None
    assert request.idempotency.key == "/bänk e 1"
    assert (request.caller, request.raw) == ("memory:payments", to_json(payment(1)))


def test_a_structured_event_keeps_its_data_and_base64_is_read() -> None:
    envelope = {"specversion": "1.0", "id": "e", "source": "/b", "type": "payment.made", "correlationid": "order-1"}
    headers = {"content-type": "application/cloudevents+json; charset=utf-8"}
    (event,) = events_of(to_json(envelope | {"data_base64": "eyJhIjogMX0="}), headers)
    assert not isinstance(event, EventUnreadable)
    assert (event.data, event.correlation) == (b'{"a": 1}', "order-1")
    for wrong in ({}, {"data_base64": "%"}, {"data": 1, "time": "noon"}, {"data": 1, "id": ""}):
        with pytest.raises(EventUnreadable):
            events_of(to_json(envelope | wrong), headers)


def structured(**attributes: Any) -> Event:
    envelope = {"specversion": "1.0", "id": "e", "source": "/b", "type": "payment.made", "data": {"a": 1}}
    return event_of(to_json(envelope | attributes), {"content-type": "application/cloudevents+json"})


@pytest.mark.parametrize(
    ("attributes", "where"),
    [
        ({"time": 1_700_000_000}, "time"),
        ({"time": ""}, "time"),
        ({"time": "20261129T100000Z"}, "time"),
        ({"time": "2026-11-29T10:00:00"}, "time"),
        ({"time": "2026-W48-7T10:00:00Z"}, "time"),
        ({"time": "2026-11-29T23:59:60Z"}, "time"),
        ({"data_base64": "eyJhIjogMX0="}, "data_base64"),
        ({"region": {"name": "north"}}, "region"),
        ({"regions": ["north"]}, "regions"),
    ],
)
def test_attributes_are_of_the_kinds_that_cloud_events_have(attributes: dict[str, Any], where: str) -> None:
    with pytest.raises(EventUnreadable) as refused:
        structured(**attributes)
    assert [fault.where for fault in refused.value.faults] == [where]


@pytest.mark.parametrize(
    "time", ["2026-11-29t10:00:00z", "2026-11-29T10:00:00.000Z", "2026-11-29T12:00:00+02:00", "2026-11-29 10:00:00Z"]
)
def test_a_time_is_read_as_rfc_3339_writes_it(time: str) -> None:
    assert structured(time=time).time == datetime(2026, 11, 29, 10, tzinfo=UTC)


def test_attributes_of_no_use_here_are_taken_and_null_stands_for_none() -> None:
    event = structured(region="north", retries=2, urgent=True, time=None, data_base64=None)
    assert (event.data, event.time) == (b'{"a":1}', None)


@given(st.lists(st.uuids(), unique=True, min_size=1, max_size=9), st.integers(0, 100))
def test_shares_are_fair_and_leave_nothing_unread(members: list[UUID], partitions: int) -> None:
    shares = [share_of(members, member, partitions) for member in members]
    assert sum(shares) == partitions
    assert max(shares) - min(shares) <= 1
    assert shares == sorted(shares, reverse=True)


@given(st.text(max_size=30))
def test_where_to_go_on_is_a_known_place_or_refused(text: str) -> None:
    try:
        wanted = seek_to(text)
    except SeekInvalid:
        return
    assert wanted in ("start", "end") or wanted.isdecimal() or moment_of(wanted) is not None
    assert seek_to(wanted) == wanted


@pytest.mark.parametrize("text", ["1969-12-31T23:59:59.999Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-14:00"])
def test_a_stream_goes_on_at_no_moment_before_there_was_one_or_beyond_the_calendar(text: str) -> None:
    with pytest.raises(SeekInvalid, match="a moment since 1970"):
        seek_to(text)


@pytest.mark.parametrize("time", ["9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00", "10000-01-01T00:00:00Z"])
def test_an_event_beyond_the_calendar_is_dead_with_the_reason(time: str) -> None:
    headers = {"ce-specversion": "1.0", "ce-id": "e", "ce-source": "/b", "ce-type": "payment.made", "ce-time": time}
    (dead,) = READER.read("0", 0, [Arrival(0, to_json(payment(1)), headers)], NOW).dead
    assert [fault.where for fault in dead.faults] == ["time"]


def test_an_idle_partition_does_not_hold_the_watermark_back() -> None:
    def log(name: str, position: int, end: int, hour: int) -> Partition:
        newest = datetime(2026, 11, 25, hour, tzinfo=UTC)
        return Partition(name, position, None, None, end, newest, None, position, 0, 0, 0)

    idle, behind, newest = log("0", 5, 5, 1), log("1", 5, 50, 7), log("2", 9, 9, 9)
    assert Stream(KEY, [idle, behind, newest]).watermark == behind.watermark
    assert Stream(KEY, [idle, newest]).watermark == newest.watermark
    assert Stream(KEY, [idle, behind, newest]).lag == 45


def test_what_a_triggers_function_raised_stands_in_the_dead_event_but_is_not_told_to_the_sender() -> None:
    def read(event: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"amount": float(event["amount"])}

    reader = ArrivalReader(KEY, Trigger("memory", "payments", read=read), Contract(Payment))
    with pytest.raises(Invalid) as refused:
        reader.input_of(Event(b'{"amount": "a secret"}'))
    assert str(refused.value) == "The trigger's `read` failed with ValueError"
    assert (refused.value.faults, refused.value.details) == ((), {})
    (dead,) = reader.read("0", 0, [Arrival(0, b'{"amount": "a secret"}')], NOW).dead
    assert dead.reason.startswith("The trigger's `read` failed with ValueError in read (test_reading.py:")
    assert dead.reason.endswith("could not convert string to float: 'a secret'")
