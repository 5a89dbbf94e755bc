"""Conditions that only compare are decided without CEL, and always as CEL decides them."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from andon import policies
from andon.policies.conditions import Vocabulary
from andon.policies.plain import NONE, FirstMatch, first_match_of
from trials import at_most

from .tables import VARIABLES, compiled, facts

LISTS = {"sanctioned": ("RU", "BY"), "close": ("DE", "é")}

NUMBERS = (
    "input.amount",
    "features.amount_count_10m",
    "prediction.score",
    "input.device",
    "0.5",
    "1",
    "-2.5",
    "1e3",
    ".25",
)
TEXTS = ("input.country", "input.device", "prediction.label", "'DE'", '"RU"', "''", "'é'")
SIGNS = ("==", "!=", "<", "<=", ">", ">=")

BOOLEANS = st.one_of(
    st.sampled_from(["input.trusted", "risk.certain", "true", "false"]),
    st.sampled_from([f"input.country in lists.{name}" for name in LISTS]),
    st.tuples(st.sampled_from(NUMBERS), st.sampled_from(SIGNS), st.sampled_from(NUMBERS)).map(" ".join),
    st.tuples(st.sampled_from(TEXTS), st.sampled_from(SIGNS[:2]), st.sampled_from(TEXTS)).map(" ".join),
)
CONDITIONS = st.recursive(
    BOOLEANS,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["&&", "||"]), inner).map(" ".join),
        inner.map(lambda text: f"({text})"),
        inner.map(lambda text: f"!({text})"),
        st.tuples(inner, st.sampled_from(["==", "!="]), inner).map(
            lambda three: f"({three[0]}) {three[1]} ({three[2]})"
        ),
    ),
    max_leaves=6,
)  # fmt: skip
ODD = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=3), st.just([1]), st.just("\ud800")
)
AMOUNTS = st.one_of(st.sampled_from([0.5, 1, 1.0, -2.5, 1000, 2**53 + 1, 10**400]), st.floats(), ODD)
COUNTRIES = st.one_of(st.sampled_from(["DE", "RU", "", "é"]), ODD.filter(lambda value: value is not None))
INPUTS = st.fixed_dictionaries(
    {
        "amount": AMOUNTS,
        "country": COUNTRIES,
        "trusted": st.one_of(st.booleans(), ODD),
        "device": st.one_of(AMOUNTS, COUNTRIES),
    }
)


def table_of(conditions: list[str]) -> str:
    rules = [{"id": f"rule-{n}", "when": text, "then": "pause"} for n, text in enumerate(conditions)]
    return json.dumps({"outcomes": ["pause", "review"], "lists": LISTS, "rules": rules, "otherwise": "review"})


def plain(*conditions: str) -> FirstMatch | None:
    vocabulary = Vocabulary(VARIABLES, LISTS)
    return first_match_of([vocabulary.condition(text) for text in conditions], vocabulary.kinds, LISTS)


@settings(max_examples=at_most(400))
@given(st.lists(CONDITIONS, min_size=1, max_size=4), INPUTS, AMOUNTS, st.floats(0, 1), st.booleans())
def test_what_is_decided_here_is_what_cel_says_of_each_rule(
    conditions: list[str], sent: dict[str, Any], count: Any, score: float, certain: bool
) -> None:
    try:
        policy, decide = compiled(table_of(conditions)), plain(*conditions)
    except policies.PolicyInvalid:  # such as a comparison of two literals that CEL does not know
        return
    given_ = facts(sent, count=count, score=score, certain=certain)
    ruling = policy.evaluate(*given_)
    try:
        number = None if decide is None else decide(*given_)
    except (KeyError, TypeError, ValueError, OverflowError):
        return
    if number is not None:
        held = policy.matches(given_)
        before, there = (held, [True]) if number == NONE else (held[:number], held[number : number + 1])
        assert (set(before) <= {False}, there) == (True, [True]), (conditions, given_, held)
        assert ruling.rule == ("otherwise" if number == NONE else f"rule-{number}")


@pytest.mark.parametrize(
    "conditions",
    [
        ("input.amount > 1",),
        ("!input.trusted || !(input.amount <= -1.5 && risk.certain)", "input.country == 'DE'"),
        ("input.country in lists.sanctioned && prediction.score >= 0.5", "prediction.label != \"ok\""),
        ("(input.trusted == false) == (input.amount == 2)",),
        ("input.device > 3 && input.device != 4.5", "1 == 1"),
    ],
)  # fmt: skip
def test_comparisons_are_translated(conditions: tuple[str, ...]) -> None:
    assert plain(*conditions) is not None


@pytest.mark.parametrize(
    "condition",
    [
        "input.country.startsWith('D')",
        "size(input.tags) > 1",
        "input.tip > 1.0",
        "input.note == null",
        "input.amount + 1.0 > 2.0",
        "input.trusted ? risk.certain : false",
        "prediction.probabilities.fraud > 0.5",
        "prediction.probabilities['fraud'] > 0.5",
        "input.booked_at > timestamp(0)",
        "input.country == 'D\\x45'",
        "input.country == r'DE'",
        "input.country < 'DE'",
        "input.country in ['DE']",
        "input.amount == double('1')",
        "input.amount < 1e999",
        "input.device == input.device",
        "input.device == 3 || input.device == '3'",
        f"{'!' * 3_000}input.trusted",
    ],
)
def test_what_says_more_is_left_to_cel_with_all_its_table(condition: str) -> None:
    assert plain("risk.certain", condition) is None


def test_the_number_is_that_of_the_first_that_holds() -> None:
    decide = plain("input.amount > 100", "input.amount > 10", "!input.trusted")
    assert decide is not None
    given_ = [facts({"amount": amount, "trusted": True}) for amount in (101.0, 11, 10.0)]
    assert [decide(*one) for one in given_] == [0, 1, NONE]


@pytest.mark.parametrize("amount", [None, True, "much", float("nan"), 10**400])
def test_a_value_of_another_class_is_not_decided_here(amount: object) -> None:
    decide = plain("input.amount > 100")
    assert decide is not None
    with pytest.raises((TypeError, ValueError, OverflowError)):
        decide(*facts({"amount": amount}))
