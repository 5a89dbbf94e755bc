"""Raw values become the same numbers in training, packing and serving, or are refused by name."""

import math
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from andon.models import (
    Encoder,
    FeatureKind,
    FeatureSpec,
    ValueUnusable,
    categorical_columns,
    columns_of,
    encode,
    encode_labels,
    text_of,
)

AMOUNT = FeatureSpec("amount", FeatureKind.NUMBER)
COUNTRY = FeatureSpec("country", FeatureKind.CATEGORY, ("DE", "FR", "5411", "true"))
NIGHT = FeatureSpec("night", FeatureKind.BOOLEAN)
YEAR_1990 = datetime(1990, 1, 1, tzinfo=UTC).replace(tzinfo=None)
AT = FeatureSpec("at", FeatureKind.TIME)
ALL = (AMOUNT, COUNTRY, NIGHT, AT)


class Country(StrEnum):
    """An enumeration as a contract may have it."""

    FRANCE = "FR"


raw_rows = st.lists(
    st.fixed_dictionaries(
        {
            "amount": st.one_of(
                st.none(), st.booleans(), st.integers(-(2**40), 2**40), st.floats(allow_infinity=False)
            ),
            "country": st.one_of(st.none(), st.sampled_from(["DE", "FR", "XX", 5411, 5411.0, True, math.nan])),
            "night": st.one_of(st.none(), st.booleans(), st.sampled_from([0, 1, "true", "FALSE", math.nan])),
            "at": st.one_of(st.none(), st.datetimes(min_value=YEAR_1990, timezones=st.just(UTC)), st.dates()),
        }
    ),
    min_size=1,
    max_size=8,
)


def one(feature: FeatureSpec, value: Any) -> list[float]:
    """Return the columns of one value."""
    return Encoder([feature]).encode([{feature.name: value}])[0].tolist()


@given(raw_rows)
def test_rows_and_columns_are_encoded_alike(rows: list[dict[str, Any]]) -> None:
    columns = {feature.name: [row[feature.name] for row in rows] for feature in ALL}
    np.testing.assert_array_equal(encode(ALL, rows), encode(ALL, columns))


@given(raw_rows)
def test_a_row_is_encoded_the_same_whatever_batch_it_comes_in(rows: list[dict[str, Any]]) -> None:
    encoder = Encoder(ALL)
    alone = np.vstack([encoder.encode([row]) for row in rows])
    np.testing.assert_array_equal(encoder.encode(rows), alone)


@pytest.mark.parametrize(
    ("feature", "value", "numbers"),
    [
        (AMOUNT, 12, [12.0]),
        (AMOUNT, Decimal("1.5"), [1.5]),
        (AMOUNT, "7.25", [7.25]),
        (AMOUNT, np.float32(0.5), [0.5]),
        (COUNTRY, "FR", [1.0]),
        (COUNTRY, Country.FRANCE, [1.0]),
        (COUNTRY, 5411, [2.0]),
        (COUNTRY, np.int64(5411), [2.0]),
        (COUNTRY, True, [3.0]),
        (NIGHT, np.True_, [1.0]),
        (NIGHT, "False", [0.0]),
        (AT, datetime(1970, 1, 2, 6, 30, tzinfo=UTC), [109_800.0, 6.5, 4.0]),
        (AT, datetime(1970, 1, 2, 6, 30, tzinfo=UTC).replace(tzinfo=None), [109_800.0, 6.5, 4.0]),
        (AT, "1970-01-02T06:30:00Z", [109_800.0, 6.5, 4.0]),
        (AT, date(1970, 1, 5), [345_600.0, 0.0, 0.0]),
        (AT, 109_800, [109_800.0, 6.5, 4.0]),
    ],
)
def test_each_kind_reads_the_forms_it_comes_in(feature: FeatureSpec, value: Any, numbers: list[float]) -> None:
    assert one(feature, value) == numbers


@pytest.mark.parametrize(
    ("feature", "value"), [(AMOUNT, None), (COUNTRY, None), (COUNTRY, "unheard of"), (NIGHT, None), (AT, None)]
)
def test_missing_and_unknown_are_nan(feature: FeatureSpec, value: Any) -> None:
    assert all(math.isnan(number) for number in one(feature, value))


@pytest.mark.parametrize(
    ("feature", "value"),
    [
        (AMOUNT, "much"),
        (AMOUNT, [1]),
        (AMOUNT, [1, 2]),
        (AMOUNT, 10**400),
        (COUNTRY, ["DE"]),
        (COUNTRY, {"code": "DE"}),
        (NIGHT, "perhaps"),
        (NIGHT, 2),
        (AT, "yesterday"),
    ],
)
def test_a_value_of_another_kind_is_refused_by_the_features_name(feature: FeatureSpec, value: Any) -> None:
    with pytest.raises(ValueUnusable, match=f"'{feature.name}'") as refused:
        one(feature, value)
    assert str(value) not in str(refused.value)


def test_a_row_without_a_feature_is_refused_by_its_name() -> None:
    with pytest.raises(ValueUnusable, match="Row 1 has no value for 'amount'"):
        Encoder([AMOUNT, NIGHT]).encode([{"amount": 1, "night": True}, {"night": True}])
    with pytest.raises(ValueUnusable, match="no column 'amount'"):
        encode([AMOUNT], {"night": [True]})


def test_masked_arrays_and_times_of_a_query_are_read_as_missing_where_they_are_masked() -> None:
    columns = {
        "amount": np.ma.masked_array([1, 2], mask=[False, True]),
        "country": np.array(["DE", None], dtype=object),
        "night": np.ma.masked_array([True, False], mask=[True, False]),
        "at": np.array(["1970-01-02T06:30", "NaT"], dtype="datetime64[ns]"),
    }
    expected = [[1, 0, math.nan, 109_800, 6.5, 4], [math.nan, math.nan, 0, math.nan, math.nan, math.nan]]
    np.testing.assert_array_equal(encode(ALL, columns), expected)


def test_columns_have_names_and_training_learns_which_are_categories() -> None:
    assert columns_of(ALL) == ("amount", "country", "night", "at", "at_hour", "at_weekday")
    assert categorical_columns(ALL) == (1,)


def test_labels_are_positions_among_the_classes() -> None:
    assert encode_labels(("false", "true"), [True, False, "true"]).tolist() == [1, 0, 1]
    assert encode_labels(("0", "1"), np.array([1.0, 0.0])).tolist() == [1, 0]
    with pytest.raises(ValueUnusable, match="Labels maybe are not among the classes"):
        encode_labels(("no", "yes"), ["no", "maybe"])
    with pytest.raises(ValueUnusable, match="None"):
        encode_labels(("no", "yes"), ["no", None])


def test_text_of_a_value_is_what_people_would_write() -> None:
    assert [text_of(v) for v in (1, 1.0, 1.5, True, date(2026, 1, 2), None)] == [
        "1",
        "1",
        "1.5",
        "true",
        "2026-01-02",
        None,
    ]
