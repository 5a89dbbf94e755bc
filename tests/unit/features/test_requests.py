"""A builder's function gives a feature, or a failure that names it; it never takes the batch down."""

import asyncio
import math
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from andon.authoring import DeclarationInvalid, Request
from andon.features import FeatureFailed, FeatureSet, read

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


class Channel(Enum):
    MOBILE = "mobile"


def test_a_function_sees_the_input_and_gives_a_value() -> None:
    features = FeatureSet("line", [Request("night", lambda row: row["hour"] < 6), Request("tip", lambda _: None)])
    computed = features.compute([{"hour": 3}, {"hour": 12}], [NOW, NOW], {})
    assert computed.rows == [{"night": True, "tip": None}, {"night": False, "tip": None}]
    assert (computed.deltas, computed.failures) == ([], {})


@pytest.mark.parametrize(
    ("returned", "feature"),
    [
        (np.float64(1.5), 1.5),
        (np.int64(3), 3),
        (Decimal("2.5"), 2.5),
        (Channel.MOBILE, "mobile"),
        (float("nan"), None),
        (np.float32("nan"), None),
    ],
)
def test_a_value_is_taken_as_the_plain_one_it_stands_for(returned: Any, feature: Any) -> None:
    [row] = FeatureSet("line", [Request("f", lambda _: returned)]).compute([{}], [NOW], {}).rows
    assert row == {"f": feature}
    assert type(row["f"]) is type(feature)


def fail(words: str) -> None:
    raise RuntimeError(words)


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda row: row["missing"], "Feature 'broken' raised KeyError: 'missing'"),
        (lambda _: 1 / 0, "Feature 'broken' raised ZeroDivisionError: division by zero"),
        (lambda _: [1], "Feature 'broken': expected a number, a string, a boolean or None, got list"),
        (lambda _: float("inf"), "Feature 'broken' is infinite"),
        (lambda _: "Zo\ud83d", r"Feature 'broken' is a text with half of a surrogate pair: 'Zo\ud83d'"),
        (lambda _: fail("half \ud83d"), "Feature 'broken' raised RuntimeError: half ?"),
    ],
)
def test_a_failing_function_fails_its_own_row_by_name(function: Callable[[Any], Any], said: str) -> None:
    features = FeatureSet("line", [Request("broken", function), Request("fine", lambda _: 1)])
    computed = features.compute([{}], [NOW], {})
    assert {number: str(failed) for number, failed in computed.failures.items()} == {0: said}
    assert isinstance(computed.failures[0], FeatureFailed)
    assert computed.rows == [{"fine": 1}]


class Raises(NamedTuple):
    """An input for which the function has no value."""

    words: str


values = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(
        [1e308, math.nan, math.inf, -math.inf, None, True, 0, "text", "half \ud83d", Decimal("2.5"), Channel.MOBILE]
    ),
    st.sampled_from([np.float64(1.5), np.int64(3), [1], Raises("unlucky")]),
)


@pytest.mark.parametrize("batch", [False, True])
@given(st.lists(values, max_size=12) | st.lists(st.floats(1e307, 1.7e308), max_size=12))
def test_in_a_batch_each_row_gets_what_it_would_get_alone(batch: bool, given_values: list[Any]) -> None:
    def function(row: dict[str, Any]) -> Any:
        if isinstance(row["value"], Raises):
            raise RuntimeError(row["value"].words)
        return row["value"]

    declared = Request("f", (lambda rows: [function(row) for row in rows]) if batch else function, batch=batch)
    features = FeatureSet("line", [declared, Request("one", lambda _: 1)])
    rows = [{"value": value} for value in given_values]
    together = features.compute(rows, [NOW] * len(rows), {})
    alone = [features.compute([row], [NOW], {}) for row in rows]
    assert repr(together.rows) == repr([one.rows[0] for one in alone])
    failed = {number: str(one.failures[0]) for number, one in enumerate(alone) if one.failures}
    assert {number: str(failure) for number, failure in together.failures.items()} == failed


def test_the_first_of_several_failures_of_a_row_is_told() -> None:
    features = FeatureSet("line", [Request("a", lambda _: [1]), Request("b", lambda _: [2])])
    assert "'a'" in str(features.compute([{}], [NOW], {}).failures[0])


def test_a_line_without_windows_reads_nothing() -> None:
    features = FeatureSet("line", [Request("one", lambda _: 1)])
    needs = features.needs([{}], [NOW])
    assert not needs
    assert not features.windowed
    no_connection: Any = None
    assert asyncio.run(read(no_connection, needs)) == {}


def test_a_function_of_the_moment_sees_when_each_input_happened() -> None:
    features = FeatureSet("line", [Request("hour", lambda row, moment: moment.hour + row["x"], moment=True)])
    at = [datetime(2026, 1, 1, hour, tzinfo=UTC) for hour in (3, 9)]
    assert features.timed
    assert [row["hour"] for row in features.compute([{"x": 0}, {"x": 1}], at, {}).rows] == [3, 10]


def test_a_function_of_the_moment_that_fails_fails_its_own_row() -> None:
    features = FeatureSet("line", [Request("hour", lambda row, _: 1 / row["x"], moment=True)])
    computed = features.compute([{"x": 0}, {"x": 1}], [datetime(2026, 1, 1, tzinfo=UTC)] * 2, {})
    assert computed.rows == [{}, {"hour": 1.0}]
    assert "ZeroDivisionError" in str(computed.failures[0])


def test_a_function_cannot_get_both_a_batch_and_a_moment() -> None:
    with pytest.raises(DeclarationInvalid, match="not both"):
        Request("hour", len, batch=True, moment=True)
