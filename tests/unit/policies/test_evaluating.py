"""A ruling is the first rule that holds; a failed evaluation is a review that names the failed rule and why."""

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from andon import policies
from andon.policies import Facts, Ruling, ValueKind

from .tables import SCREENING, compiled, facts, one_rule


class Country(Enum):
    RUSSIA = "RU"


class Device(BaseModel):
    system: str
    rooted: bool


def ruled(condition: str, given_: Facts) -> Ruling:
    return compiled(one_rule(condition)).evaluate(*given_)


@pytest.mark.parametrize(
    ("given_", "outcome", "rule", "reasons"),
    [
        (facts({"country": "RU"}, score=0.95), "pause", "sanctioned", ("SANCTIONED_COUNTRY",)),
        (facts(score=0.95), "pause", "risky", ("HIGH_SCORE", "MODEL")),
        (facts({"amount": 10_001}), "review", "large", ("LARGE",)),
        (facts(score=0.05), "release", "safe", ()),
        (facts(score=0.05, certain=False), "review", "otherwise", ()),
        (facts(score=0.05, count=6), "review", "velocity", ()),
    ],
)
def test_the_first_rule_that_holds_decides(given_: Facts, outcome: str, rule: str, reasons: tuple[str, ...]) -> None:
    assert compiled(SCREENING).evaluate(*given_) == Ruling(outcome, rule, reasons)


@pytest.mark.parametrize(
    ("condition", "given_", "error"),
    [
        ("input.amount > 1", facts({"amount": None}), "`input.amount` has no value"),
        ("input.amount > 1", facts({"amount": float("nan")}), "`input.amount` has no value"),
        ("input.amount > 1", ({}, {}, {}, {}), "`input.amount` has no value"),
        ("features.amount_count_10m > 1", facts(count=None), "`features.amount_count_10m` has no value"),
        ("prediction.score > 0.5", facts(score=float("nan")), "`prediction.score` has no value"),
        ("input.tip > 1", facts(), "`>` cannot be applied to (null, number)"),
        ("input.note.startsWith('a')", facts(), "`startsWith` cannot be applied to (null, string)"),
        ("prediction.probabilities.theft > 0.5", facts(), 'Key not found in map : "theft"'),
        ("1 / int(input.amount) > 0", facts({"amount": 0}), "divide by zero"),
        ("input.device.system == 'a'", facts({"device": {}}), 'Key not found in map : "system"'),
        ("input.device", facts({"device": 3}), "the condition is neither true nor false"),
    ],
)
def test_what_cannot_be_evaluated_is_a_review_with_its_error(condition: str, given_: Facts, error: str) -> None:
    assert ruled(condition, given_) == Ruling("review", "error", ("POLICY_ERROR",), f"rule `only`: {error}")


@pytest.mark.parametrize(
    ("condition", "value"),
    [
        ("input.amount > 1", {"amount": "much"}),
        ("input.booked_at > timestamp(0)", {"booked_at": "yesterday"}),
        ("input.tags == []", {"tags": 3}),
        ("input.country == 'DE'", {"country": ["DE"]}),
        ("input.country == 'DE'", {"country": "\ud800"}),
        ("input.country in lists.sanctioned", {"country": ["RU"]}),
        ("input.device == null", {"device": object()}),
    ],
)
def test_a_value_of_the_wrong_kind_is_a_review_and_never_a_crash(condition: str, value: dict[str, Any]) -> None:
    ruling = ruled(condition, facts(value))
    assert (ruling.outcome, ruling.rule, ruling.reasons) == ("review", "error", ("POLICY_ERROR",))
    assert ruling.error


def test_a_missing_value_does_no_harm_to_rules_that_do_not_need_it() -> None:
    policy = compiled(SCREENING)
    assert policy.evaluate(*facts({"country": "RU", "amount": None})).rule == "sanctioned"
    failed = policy.evaluate(*facts({"amount": None}))
    assert (failed.outcome, failed.error) == ("review", "rule `large`: `input.amount` has no value")


@pytest.mark.parametrize(
    ("condition", "value"),
    [
        ("input.amount == 5", {"amount": Decimal(5)}),
        ("input.tip * 2 == 6", {"tip": 3}),
        ("input.tip == null", {"tip": float("nan")}),
        ("input.country in lists.sanctioned", {"country": Country.RUSSIA}),
        ("input.country == '00000000-0000-0000-0000-000000000001'", {"country": UUID(int=1)}),
        ("input.booked_at > timestamp('2026-01-01T00:00:00Z')", {"booked_at": "2026-05-01T10:00:00+02:00"}),
        ("input.booked_at == timestamp('2026-05-01T08:00:00Z')", {"booked_at": datetime(2026, 5, 1, 8, tzinfo=UTC)}),
        ("input.booked_at == timestamp('2026-05-01T00:00:00Z')", {"booked_at": date(2026, 5, 1)}),
        ("'a' in input.tags", {"tags": ("a", "b")}),
        ("'a' in input.tags", {"tags": {"a"}}),
        ("input.device.system == 'ios' && !input.device.rooted", {"device": Device(system="ios", rooted=False)}),
        ("input.device.ids[1] == 2", {"device": {"ids": (1, 2)}}),
    ],
)
def test_values_as_pydantic_gives_them_are_understood(condition: str, value: dict[str, Any]) -> None:
    assert ruled(condition, facts(value)) == Ruling("pause", "only", ())


HOSTILE = {
    "nested loops": "[{0}].all(a, [{0}].all(b, [{0}].all(c, [{0}].all(d, a < 0 || b < 0 || c < 0 || d < 0))))",
    "nested lists": "[{0}].map(a, [{0}].map(b, [{0}].map(c, [{0}].map(d, [a, b, c, d])))) != []",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_runaway_condition_is_stopped_by_its_budget_in_milliseconds(name: str) -> None:
    condition = HOSTILE[name].format(",".join(map(str, range(-200, -50))))
    policy = compiled(one_rule(condition))
    began = time.perf_counter()
    ruling = policy.evaluate(*facts())
    assert time.perf_counter() - began < 1.0
    assert (ruling.outcome, ruling.error) == ("review", "rule `only`: stopped: too many steps")


@pytest.mark.parametrize(
    "condition",
    [
        "['aaaa'].map(x, x + x).map(x, x + x).size() > 1",
        "input.tags.exists(tag, tag.matches('(.{0,900}){0,3}'))",
        "input.tags.exists(tag, ['b'].all(b, (b + tag) == ''))",
    ],
)
def test_what_no_budget_stops_is_refused(condition: str) -> None:
    with pytest.raises(policies.PolicyInvalid) as caught:
        compiled(one_rule(condition))
    assert all("its cost has no bound" in fault.message for fault in caught.value.faults)


@pytest.mark.parametrize(
    "condition", ["input.amount + 1 > 2 && [1].exists(x, x > 0)", "'a'.matches('a') || ['b'].all(b, b != '')"]
)
def test_adding_and_matching_outside_a_loop_is_welcome(condition: str) -> None:
    assert ruled(condition, facts()).rule == "only"


def test_people_are_shown_of_each_rule_whether_it_holds() -> None:
    assert compiled(SCREENING).matches(facts({"amount": None, "country": "RU"}, score=0.95)) == [
        True, True, "`input.amount` has no value", False, False,
    ]  # fmt: skip


LONG_TABLES = [(rules, depth) for rules in (1, 2, 31, 32, 100, 500) for depth in (0, 20, 29) if rules * depth <= 4000]
"""What is both longer and deeper compiles for minutes and proves the same again."""


@pytest.mark.parametrize(("rules", "depth"), LONG_TABLES)
def test_long_tables_of_deep_rules_decide_by_their_first_match(rules: int, depth: int) -> None:
    rows = "\n".join(
        f"  - {{id: r{n}, then: pause, when: '{'(' * depth}input.amount == {n}{')' * depth}'}}" for n in range(rules)
    )
    policy = compiled(f"outcomes: [pause, review]\nrules:\n{rows}\notherwise: review")
    for amount in {0, rules // 2, rules - 1}:
        assert policy.evaluate(*facts({"amount": amount})).rule == f"r{amount}"
    assert policy.evaluate(*facts({"amount": rules})).rule == "otherwise"


# Any table against a reference interpreter: a condition is a tree, written as CEL and evaluated by hand.

Tree = tuple[Any, ...]

comparisons = st.one_of(
    st.tuples(
        st.sampled_from(["input.amount", "input.tip", "prediction.score"]),
        st.sampled_from(["<", "<=", "==", "!=", ">=", ">"]),
        st.integers(-2, 3),
    ),
    st.tuples(st.just("input.country"), st.just("in"), st.just("lists.sanctioned")),
    st.tuples(st.just("input.tip"), st.just("=="), st.none()),
    st.tuples(st.just("risk.certain")),
)
trees = st.recursive(
    comparisons,
    lambda inner: st.one_of(
        st.tuples(st.just("!"), inner), st.tuples(inner, st.just("&&"), inner), st.tuples(inner, st.just("||"), inner)
    ),
    max_leaves=5,
)


def written(tree: Tree) -> str:
    """Return a tree as a condition."""
    words = [
        f"({written(part)})" if isinstance(part, tuple) else "null" if part is None else str(part) for part in tree
    ]
    return "".join(words) if len(words) == 2 else " ".join(words)


def worth(tree: Tree, values: Mapping[str, Any]) -> bool | None:
    """Return True, False, or None for an error; a certain side decides `&&` and `||` whatever the other is."""
    if len(tree) == 1:
        return bool(values[tree[0]])
    if len(tree) == 2:
        inner = worth(tree[1], values)
        return None if inner is None else not inner
    left, sign, right = tree
    if sign in ("&&", "||"):
        decisive = sign == "||"
        sides = (worth(left, values), worth(right, values))
        return decisive if decisive in sides else None if None in sides else not decisive
    return _compared(values[left], sign, right)


def _compared(value: Any, sign: str, right: Any) -> bool | None:
    if sign == "in":
        return value in ("RU", "BY")
    if sign in ("==", "!="):
        return (value == right) == (sign == "==")
    if value is None:
        return None
    return {"<": value < right, "<=": value <= right, ">=": value >= right, ">": value > right}[sign]


def expected(rules: Sequence[Tree], values: Mapping[str, Any]) -> str:
    """Return the id of the rule that decides, or `error`."""
    for number, rule in enumerate(rules):
        worth_ = worth(rule, values)
        if worth_ is not False:
            return f"r{number}" if worth_ else "error"
    return "otherwise"


some_facts = st.builds(
    lambda amount, tip, country, score, certain: facts(
        {"amount": amount, "tip": tip, "country": country}, score=score, certain=certain
    ),
    st.integers(-2, 3),
    st.none() | st.integers(-2, 3) | st.floats(-2, 3),
    st.sampled_from(["RU", "DE"]),
    st.floats(0, 1),
    st.booleans(),
)


@given(st.lists(trees, min_size=1, max_size=40), st.lists(some_facts, min_size=1, max_size=5))
def test_any_table_rules_as_the_reference_does(rules: list[Tree], batch: list[Facts]) -> None:
    rows = "\n".join(f"  - {{id: r{n}, then: pause, when: '{written(rule)}'}}" for n, rule in enumerate(rules))
    policy = compiled(
        f"outcomes: [pause, review]\nlists: {{sanctioned: [RU, BY]}}\nrules:\n{rows}\notherwise: review\n"
    )
    for each in batch:
        input_, _, prediction, risk = each
        values = {f"input.{name}": value for name, value in input_.items()}
        values |= {"prediction.score": prediction["score"], "risk.certain": risk["certain"]}
        assert policy.evaluate(*each).rule == expected(rules, values)


def test_a_number_of_any_size_keeps_its_order() -> None:
    variables = {"input.id": ValueKind.NUMBER}
    policy = compiled(one_rule("input.id > 1e20"), variables)
    assert policy.evaluate({"id": 10**30}, {}, {}, {}).rule == "only"
    assert policy.evaluate({"id": 10**400}, {}, {}, {}).rule == "error"
