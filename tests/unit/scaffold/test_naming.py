"""Names from whatever a file's author chose are usable, distinct and as close to the original as they can be."""

import keyword

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from andon.authoring import Automation, Policy
from andon.scaffold import NameInvalid, naming


class Empty(BaseModel):
    """A contract without fields."""


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("amount", "amount"),
        ("TransactionDT", "TransactionDT"),
        ("id", "id"),
        ("Amount (EUR)", "Amount_EUR"),
        ("Größe", "Grosse"),
        ("1st order", "n_1st_order"),
        ("class", "class_"),
        ("in", "in_"),
        ("datetime", "datetime_"),
        ("copy", "copy_"),
        ("model_config", "n_model_config"),
        ("_private", "private"),
        ("日本", "column_1"),
    ],
)
def test_a_column_becomes_a_field(name: str, field: str) -> None:
    assert naming.field_names([name]) == [field]


def test_names_that_meet_are_numbered_and_a_usable_one_keeps_its_own() -> None:
    assert naming.field_names(["a-b", "a b", "a_b"]) == ["a_b_2", "a_b_3", "a_b"]


@given(st.lists(st.text(max_size=30), max_size=8, unique=True))
def test_fields_are_distinct_names_a_contract_can_have(names: list[str]) -> None:
    fields = naming.field_names(names)
    assert len(set(fields)) == len(names)
    for field in fields:
        assert field.isidentifier()
        assert field.isascii()
        assert not keyword.iskeyword(field)
        assert not hasattr(BaseModel, field)


@given(st.lists(st.text(min_size=1, max_size=30), min_size=2, max_size=8, unique=True))
def test_outcomes_are_distinct_and_none_is_review(classes: list[str]) -> None:
    outcomes = naming.outcome_names(classes)
    assert len({*outcomes, "review"}) == len(classes) + 1
    assert all(outcome.isidentifier() and outcome.isascii() for outcome in outcomes)


@pytest.mark.parametrize("name", ["my-line", "a", "x9"])
def test_a_project_name_also_names_an_automation(name: str) -> None:
    naming.check_project_name(name)
    Automation(name, contract=Empty, model=name, policy=Policy.yaml(""))


@pytest.mark.parametrize(
    ("name", "told"),
    [("My Line", "for example 'my-line'"), ("über_uns", "'uber-uns'"), ("9", "a letter first"), ("../x", "'x'")],
)
def test_a_name_that_will_not_do_gets_one_that_does(name: str, told: str) -> None:
    with pytest.raises(NameInvalid, match=told):
        naming.check_project_name(name)
