"""Plain values are written as pydantic writes them, as any JSON parser reads them."""

import json
from datetime import UTC, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import to_json as by_pydantic

from andon.kernel.plain_json import to_json

moments = st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=2)), timezone(timedelta(hours=-3.5))]))
single = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text() | moments
)
values = st.recursive(single, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)


@given(values)
def test_what_is_written_is_what_pydantic_writes(value: object) -> None:
    assert json.loads(to_json(value)) == json.loads(by_pydantic(value))


@pytest.mark.parametrize("value", [np.str_("Zoë"), np.float64(0.1), type("Count", (int,), {})(3)])
def test_texts_and_numbers_of_a_librarys_own_kind_are_written_as_what_they_hold(value: object) -> None:
    assert to_json({"value": value}) == by_pydantic({"value": value})


def test_a_number_that_is_none_is_null() -> None:
    assert to_json([float("nan"), float("inf")]) == b"[null,null]"


@pytest.mark.parametrize("value", [object(), np.arange(3)])
def test_what_is_no_plain_value_is_refused_by_name(value: object) -> None:
    with pytest.raises(TypeError, match=type(value).__name__):
        to_json({"value": value})
