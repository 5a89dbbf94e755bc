"""Line states: the most severe that an input belongs to counts, and segments are read as the contract writes values."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from andon.cord import CordInvalid, LineState, LineStateChange, LineStates, segment_of
from andon.cord.domain import check_pull, check_release, states_of

NOW = datetime(2026, 12, 1, tzinfo=UTC)

fields = st.sampled_from("ab")
values = st.sampled_from([1, 2, "x"])
inputs = st.dictionaries(fields, values)
segments = st.dictionaries(fields, values, min_size=1)
states = st.sampled_from(LineState)


class Channel(StrEnum):
    APP = "app"
    DESK = "desk"


class Payment(BaseModel):
    account: str
    amount: float
    items: int | None = None
    instant: bool = False
    channel: Channel = Channel.APP
    at: datetime | None = None
    tags: list[str] = []


CONTRACT = Payment.model_json_schema()


@given(inputs, states, st.lists(st.tuples(segments, states)))
def test_an_input_has_the_most_severe_state_of_all_that_hold_for_it(
    given: dict[str, Any], whole: LineState, parts: list[tuple[dict[str, Any], LineState]]
) -> None:
    own = [state for segment, state in parts if all(given.get(name) == value for name, value in segment.items())]
    expected = max([whole, *own], key=lambda state: state.severity)
    held = LineStates(whole, tuple(parts))
    assert held.of(given) is expected
    assert held.each([given, given]) in ([expected] * 2, None if expected is LineState.AUTOMATIC else ())


def test_where_all_is_automatic_there_is_nothing_to_look_at() -> None:
    assert LineStates().each([{}, {}]) is None


def test_the_last_change_of_each_segment_holds() -> None:
    def change(segment: dict[str, Any], after: LineState) -> LineStateChange:
        return LineStateChange("payments", 1, segment, LineState.AUTOMATIC, after, "olga", "drill", NOW)

    held = states_of([change({}, LineState.SUPERVISED), change({"account": "a"}, LineState.AUTOMATIC)])
    assert held == LineStates(LineState.SUPERVISED, ())


@given(states, states)
def test_a_pull_only_makes_more_careful_and_a_release_only_less(before: LineState, after: LineState) -> None:
    for check, allowed in (
        (check_pull, after.severity > before.severity),
        (check_release, after.severity < before.severity),
    ):
        if allowed:
            check(before, after, "drill")
        else:
            with pytest.raises(CordInvalid) as caught:
                check(before, after, "drill")
            assert [fault.where for fault in caught.value.faults] == ["state"]
        with pytest.raises(CordInvalid):
            check(before, after, " ")


@pytest.mark.parametrize(
    ("given", "segment"),
    [
        ({"account": "a1"}, {"account": "a1"}),
        ({"amount": "12.50"}, {"amount": 12.5}),
        ({"items": "3", "instant": "True"}, {"items": 3, "instant": True}),
        ({"items": 3.0, "instant": False}, {"items": 3, "instant": False}),
        ({"channel": "desk"}, {"channel": "desk"}),
        ({}, {}),
    ],
)
def test_a_segment_is_read_as_its_fields_are(given: dict[str, Any], segment: dict[str, Any]) -> None:
    read = segment_of(given, CONTRACT)
    assert read == segment
    assert [type(value) for value in read.values()] == [type(value) for _, value in sorted(segment.items())]


@pytest.mark.parametrize(
    "given",
    [
        {"country": "AT"},
        {"amount": "much"},
        {"amount": True},
        {"amount": "nan"},
        {"items": "1.5"},
        {"instant": "perhaps"},
        {"account": " "},
        {"account": 5},
        {"at": "2026-01-01T00:00:00Z"},
        {"tags": "a"},
    ],
)
def test_what_no_input_can_equal_is_refused_with_its_field(given: dict[str, Any]) -> None:
    with pytest.raises(CordInvalid) as caught:
        segment_of(given, CONTRACT)
    assert [fault.where for fault in caught.value.faults] == [f"segment.{name}" for name in given]


def test_a_value_is_compared_as_json_writes_it() -> None:
    held = LineStates(segments=((segment_of({"channel": "desk"}, CONTRACT), LineState.STOPPED),))
    assert held.of(Payment(account="a", amount=1.0, channel=Channel.DESK).model_dump()) is LineState.STOPPED
    assert held.of(Payment(account="a", amount=1.0).model_dump()) is LineState.AUTOMATIC
