"""The line decides every row: one that cannot be computed, predicted or ruled goes to a person with the reason."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from andon import Automation, Policy, Request, Review, Window
from andon.serving import PredictionFailed
from andon.testing import START, decide
from automations import Payment, an_automation, payment

amounts = st.lists(st.floats(0.01, 1e6), min_size=1, max_size=20)


@pytest.mark.parametrize(
    ("score", "country", "outcome", "rule"),
    [
        (0.1, "DE", "release", "safe"),
        (0.9, "DE", "pause", "risky"),
        (0.5, "DE", "review", "otherwise"),
        (0.1, "KP", "pause", "sanctioned"),
    ],
)
def test_the_first_rule_that_matches_decides(score: float, country: str, outcome: str, rule: str) -> None:
    (decision,) = decide(an_automation(), [payment(country=country)], model=lambda _: score)
    assert (decision.outcome, decision.rule) == (outcome, rule)


@given(amounts)
def test_each_row_sees_the_window_of_those_before_it_and_itself(amounts: list[float]) -> None:
    rows = [payment(n, amount=amount) for n, amount in enumerate(amounts)]
    decided = decide(an_automation(), rows, model=lambda _: 0.1)
    assert [d.features["amount_count_1h"] for d in decided] == list(range(1, len(rows) + 1))
    sums = [d.features["amount_sum_1h"] for d in decided]
    assert sums == pytest.approx([sum(amounts[: n + 1]) for n in range(len(amounts))])


def test_what_is_older_than_the_window_is_forgotten() -> None:
    moments = [START, START + timedelta(minutes=30), START + timedelta(hours=2)]
    decided = decide(an_automation(), [payment(n) for n in range(3)], model=lambda _: 0.1, at=moments)
    assert [d.features["amount_count_1h"] for d in decided] == [1, 2, 1]


def test_a_model_that_fails_on_one_row_costs_only_that_row_its_automatic_outcome() -> None:
    def score(row: Mapping[str, Any]) -> float:
        if row["payment_id"] == "p2":
            raise PredictionFailed("not this one")
        return 0.1

    decided = decide(an_automation(), [payment(n) for n in (1, 2, 3)], model=score)
    assert [d.outcome for d in decided] == ["release", "review", "release"]
    assert (decided[1].reasons, decided[1].prediction) == (("PREDICTION_FAILED",), None)


def test_a_feature_that_fails_sends_its_row_to_a_person() -> None:
    def explode(given: Mapping[str, Any]) -> float:
        return 1 / (given["amount"] - 13)

    automation = Automation(
        "payments",
        contract=Payment,
        features=[Request("odd", explode), Window("amount", by="account", over=("1h",))],
        model="fraud-risk",
        policy=an_automation().policy,
        review=Review(queue="fraud"),
    )
    decided = decide(automation, [payment(1, amount=13.0), payment(2, amount=14.0)], model=lambda _: 0.1)
    assert [(d.outcome, d.reasons) for d in decided] == [("review", ("FEATURE_FAILED",)), ("release", ())]


def test_a_rule_that_fails_never_gives_an_automatic_outcome() -> None:
    policy = Policy.yaml(
        "outcomes: [release, review]\n"
        "rules:\n"
        "  - {id: odd, when: 'prediction.probabilities[\"none\"] > 0.5', then: release}\n"
        "otherwise: release\n"
    )
    automation = Automation("payments", contract=Payment, model="fraud-risk", policy=policy)
    (decision,) = decide(automation, [payment()], model=lambda _: 0.1)
    assert (decision.outcome, decision.rule, decision.reasons) == ("review", "error", ("POLICY_ERROR",))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12), st.data())
def test_a_row_is_judged_the_same_in_any_batch(scores: list[float], data: st.DataObject) -> None:
    automation = an_automation(windows=False)
    rows = [payment(n, amount=1.0 + score) for n, score in enumerate(scores)]
    together = decide(automation, rows, model=lambda row: row["amount"] - 1.0)
    n = data.draw(st.integers(0, len(rows) - 1))
    (alone,) = decide(automation, [rows[n]], model=lambda row: row["amount"] - 1.0)
    assert alone.judgement == together[n].judgement
