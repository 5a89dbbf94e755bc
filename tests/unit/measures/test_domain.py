"""Measures as values: what has a value, what may change, and that decimals are what was written."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from andon.measures.domain import LARGEST, DeclaredMeasure, exact

FACTS = {"input.amount": 10.5, "outcome": "release", "label": "fraud"}


def a_measure(**changes: Any) -> DeclaredMeasure:
    described = {
        "name": "lost",
        "unit": "EUR",
        "value": "input.amount * 2",
        "when": 'outcome == "release"',
        "by": [],
        "kinds": {"input.amount": "number", "outcome": "string"},
    }
    return DeclaredMeasure.of(described | changes)


def test_the_value_is_computed_where_the_condition_holds() -> None:
    assert a_measure().compute(FACTS) == Decimal(21)
    assert a_measure().compute(FACTS | {"outcome": "pause"}) is None
    assert a_measure(when="").compute(FACTS | {"outcome": "pause"}) == Decimal(21)


@pytest.mark.parametrize("amount", [None, "much", float("nan"), float("inf"), 1e300])
def test_what_cannot_be_computed_has_no_value(amount: object) -> None:
    assert a_measure().compute(FACTS | {"input.amount": amount}) is None


def test_only_what_reads_the_label_or_is_reported_may_change() -> None:
    assert not a_measure().may_change
    assert a_measure(when='label == "fraud"', kinds={"input.amount": "number", "label": "string"}).may_change
    assert a_measure(value=None, when="", kinds={}).may_change


@given(st.lists(st.floats(min_value=-LARGEST, max_value=LARGEST)))
def test_what_is_added_and_taken_back_leaves_nothing(values: list[float]) -> None:
    decimals = [exact(value) for value in values]
    assert (
        sum((one for one in decimals if one is not None), Decimal(0)) - sum(map(Decimal, map(repr, values)), Decimal(0))
        == 0
    )
