"""Without a prediction only those rules decide that look at none; what they cannot evaluate is a review as ever."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from andon.policies import Facts, Ruling

from .tables import SCREENING, compiled, facts, one_rule

UNCERTAIN = {"certain": False, "threshold": 0.1, "target": 0.01}

MIXED = """
outcomes: [release, pause, review]
lists: {sanctioned: [RU]}
rules:
  - {id: score, when: 'prediction.score > 0.5', then: pause}
  - {id: label, when: 'input.amount > 5 || prediction.label == "fraud"', then: pause}
  - {id: chosen, when: 'prediction.probabilities["fraud"] > 0.5', then: pause}
  - {id: small, when: 'input.amount < 10', then: release, reasons: [SMALL]}
otherwise: review
"""


def ruled(text: str, given_: Facts) -> Ruling:
    return compiled(text).evaluate_without_prediction(given_[0], given_[1], UNCERTAIN)


@pytest.mark.parametrize(
    ("given_", "outcome", "rule", "reasons"),
    [
        (facts({"country": "RU"}), "pause", "sanctioned", ("SANCTIONED_COUNTRY",)),
        (facts({"amount": 10_001}), "review", "large", ("LARGE",)),
        (facts(count=6), "review", "velocity", ()),
        (facts(), "review", "otherwise", ()),
    ],
)
def test_the_first_rule_that_needs_no_prediction_decides(
    given_: Facts, outcome: str, rule: str, reasons: tuple[str, ...]
) -> None:
    assert ruled(SCREENING, given_) == Ruling(outcome, rule, reasons)


def test_a_rule_that_looks_at_the_prediction_anywhere_is_left_out() -> None:
    assert ruled(MIXED, facts({"amount": 8})) == Ruling("release", "small", ("SMALL",))
    assert ruled(MIXED, facts({"amount": 80})) == Ruling("review", "otherwise", ())


def test_nothing_is_certain() -> None:
    assert ruled(one_rule("!risk.certain"), facts()).rule == "only"
    assert ruled(one_rule("risk.certain"), facts()).rule == "otherwise"


def test_what_cannot_be_evaluated_is_a_review_with_its_error() -> None:
    ruling = ruled(one_rule("input.amount > 1"), facts({"amount": None}))
    assert (ruling.outcome, ruling.rule, ruling.reasons) == ("review", "error", ("POLICY_ERROR",))
    assert ruling.error == "rule `only`: `input.amount` has no value"


@given(
    st.floats(0, 20_000),
    st.sampled_from(["DE", "RU", "FR"]),
    st.integers(0, 10),
    st.floats(0, 1),
)
def test_where_no_rule_looks_at_the_prediction_it_is_the_same_ruling(
    amount: float, country: str, count: int, score: float
) -> None:
    rules = [line for line in SCREENING.splitlines() if "prediction." not in line]
    given_ = facts({"amount": amount, "country": country}, count=count, score=score, certain=False)
    table = compiled("\n".join(rules))
    assert table.evaluate_without_prediction(*given_[:2], given_[3]) == table.evaluate(*given_)
    assert ruled(SCREENING, given_) == table.evaluate(*given_)
