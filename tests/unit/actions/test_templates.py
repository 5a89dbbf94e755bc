"""Templates fill in what a decision tells, evaluate nothing, and say by name what is not there."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from andon.actions import Template, ValueMissing, fill_json

VALUES = {
    "id": "d-1",
    "reasons": ["A", "B"],
    "score": 0.5,
    "input": {"amount": 12.5, "note": None, "who": {"name": "Zoë"}},
}


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("", ""),
        ("{id}", "d-1"),
        ("{input.amount} of {input.who.name}, {reasons}{input.note}.", "12.5 of Zoë, A, B."),
        ("{{id}} is {id}", "{id} is d-1"),
    ],
)
def test_values_take_the_place_of_their_names(text: str, filled: str) -> None:
    assert Template(text).fill(VALUES) == filled


@pytest.mark.parametrize(
    "text", ["{", "}", "{}", "{0}", "{id", "id}", "{id!r}", "{id.__class__ }", "{secret}", "{input[0]}"]
)
def test_what_is_no_name_of_a_value_is_refused_when_it_is_parsed(text: str) -> None:
    with pytest.raises(ValueError, match="is not a value"):
        Template(text)


@pytest.mark.parametrize("name", ["input.iban", "input.amount.cents", "input.__class__", "rule"])
def test_a_value_that_is_not_there_is_named(name: str) -> None:
    with pytest.raises(ValueMissing) as raised:
        Template(f"{{{name}}}").fill(VALUES)
    assert name in str(raised.value)


@given(st.text())
def test_any_text_with_doubled_braces_stands_for_itself(text: str) -> None:
    assert Template(text.replace("{", "{{").replace("}", "}}")).fill({}) == text


@given(st.text(st.characters()))
def test_a_value_is_never_read_as_a_template_again(text: str) -> None:
    assert Template("<{id}>").fill({"id": text + "{input.amount}"}).endswith("{input.amount}>")


def test_in_json_a_name_alone_becomes_the_value_of_its_own_type() -> None:
    shape: Any = {"a": "{input.amount}", "b": ["{reasons}", "is {score}"], "c": 3, "d": "{input.note}"}
    assert fill_json(shape, VALUES) == {"a": 12.5, "b": [["A", "B"], "is 0.5"], "c": 3, "d": None}
