"""What a business system says is the truth is kept as one plain text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from andon.labels import LabelInvalid, value_of


@pytest.mark.parametrize(
    ("said", "text"),
    [(True, "true"), (False, "false"), (1, "1"), (1.0, "1"), (12.5, "12.5"), (" chargeback ", "chargeback")],
)
def test_a_truth_is_written_the_same_whatever_its_type(said: str | bool | float, text: str) -> None:
    assert value_of(said) == text


@pytest.mark.parametrize("said", ["", "  ", "x" * 201, "a\nb", "a\0", "\ud800", float("nan"), float("inf")])
def test_what_cannot_be_a_truth_is_refused(said: str | float) -> None:
    with pytest.raises(LabelInvalid):
        value_of(said)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_comes_back_as_the_same_number(said: float) -> None:
    assert float(value_of(said)) == said
