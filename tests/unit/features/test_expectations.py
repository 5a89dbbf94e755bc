"""What is not as expected is said by name, beside the features."""

import math
from enum import Enum
from typing import Any

import pytest
from tests.unit.features.test_times import NOW

from andon.authoring import DeclarationInvalid, Expect, Request
from andon.features import FeatureSet


class Country(Enum):
    GERMANY = "DE"


def breached(value: Any, expect: Expect) -> bool:
    features = FeatureSet("line", [Request("f", lambda row: row["v"])], expect=[expect])
    [row] = features.compute([{"v": value}], [NOW], {}).rows
    assert row["expectations_hold"] is (row["expectations_breached"] == "")
    return row["expectations_breached"] != ""


@pytest.mark.parametrize(
    ("value", "expect", "wrong"),
    [
        (0.0, Expect("f", at_least=0), False),
        (-0.1, Expect("f", at_least=0), True),
        (10, Expect("f", at_most=10), False),
        (10.5, Expect("f", at_least=1, at_most=10), True),
        ("x", Expect("f", at_least=0), True),
        (None, Expect("f", at_least=0), True),
        (None, Expect("f", at_least=0, missing=True), False),
        (math.nan, Expect("f"), True),
        ("DE", Expect("f", one_of=("DE", "FR")), False),
        (Country.GERMANY, Expect("f", one_of=("DE",)), False),
        ("XX", Expect("f", one_of=("DE",)), True),
    ],
)
def test_a_value_is_as_expected_or_not(value: Any, expect: Expect, wrong: bool) -> None:
    assert breached(value, expect) is wrong


def test_the_names_of_all_that_is_wrong_are_told_once_each() -> None:
    expect = [Expect("a", at_least=0), Expect("a", at_most=-5), Expect("b"), Expect("c")]
    features = FeatureSet("line", [], expect=expect)
    computed = features.compute([{"a": -1.0, "b": None, "c": 1}, {"a": -6, "b": 1, "c": 1}], [NOW, NOW], {})
    assert [row["expectations_breached"] for row in computed.rows] == ["a,b", "a"]
    assert computed.breached == {0: ("a", "b"), 1: ("a",)}


@pytest.mark.parametrize("arguments", [{"at_least": 2, "at_most": 1}, {"at_least": 1, "one_of": (1,)}])
def test_what_cannot_be_expected_is_refused(arguments: Any) -> None:
    with pytest.raises(DeclarationInvalid):
        Expect("f", **arguments)
