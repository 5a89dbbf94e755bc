"""A truth reported by a business system is stored as one plain text: a known class, a probability, a moment."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from andon.labels import LabelInvalid, value_of
from andon.labels.domain import CLOCKS_DIFFER, checked_probability, class_of, known_when


@pytest.mark.parametrize(
    ("said", "text"),
    [
        (True, "true"),
        (False, "false"),
        (1, "1"),
        (1.0, "1"),
        (12.5, "12.5"),
        (9007199254740993, "9007199254740993"),
        (-(10**198), "-1" + "0" * 198),
        (1e22, "1" + "0" * 22),
        (" chargeback ", "chargeback"),
    ],
)
def test_a_truth_is_written_the_same_whatever_its_type(said: str | bool | float, text: str) -> None:
    assert value_of(said) == text


@pytest.mark.parametrize(
    "said",
    [
        "",
        "  ",
        "x" * 201,
        "a\nb",
        "a\0",
        "\ud800",
        float("nan"),
        float("inf"),
        1e308,
        10**200,
        1 - 10**200,
        pytest.param(10**9999, id="endless"),
    ],
)
def test_what_cannot_be_a_truth_is_refused(said: str | float) -> None:
    with pytest.raises(LabelInvalid):
        value_of(said)


@given(st.floats(-1e198, 1e198))
def test_a_number_comes_back_as_the_same_number(said: float) -> None:
    assert float(value_of(said)) == said


@given(st.integers(-(10**198), 10**198))
def test_a_whole_number_keeps_its_digits(said: int) -> None:
    assert int(value_of(said)) == said


def test_a_class_that_nobody_knows_is_refused_with_those_that_are_known() -> None:
    assert class_of(True, ("false", "true")) == "true"
    with pytest.raises(LabelInvalid, match="No class 'frauds' is known here; there are: ok, fraud") as refused:
        class_of("frauds", ("ok", "fraud"))
    assert [fault.where for fault in refused.value.faults] == ["value"]


@pytest.mark.parametrize("probability", [0, -0.1, 1.1, 1e-300, float("nan"), float("inf")])
def test_what_is_no_probability_is_refused(probability: float) -> None:
    with pytest.raises(LabelInvalid):
        checked_probability(probability)


def test_what_is_said_of_the_future_is_refused_but_a_fast_clock_is_not() -> None:
    now = datetime(2026, 11, 24, tzinfo=UTC)
    assert known_when(None, now) == now
    assert known_when(now - timedelta(days=900), now) == now - timedelta(days=900)
    assert known_when(now + CLOCKS_DIFFER, now) == now
    with pytest.raises(LabelInvalid):
        known_when(now + CLOCKS_DIFFER + timedelta(seconds=1), now)
