"""What the decider tells of its batches stands in the metrics, by version and stage."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from andon.actions import Answer, AnswerKind
from andon.actions.metrics import DeliveryMetrics
from andon.decisions.metrics import DecisionMetrics
from andon.kernel.metrics import Metrics
from reports import a_decision, a_report

THIRD = {"automation": "payments", "model": "fraud-risk", "version": "3"}


class Shown:
    """A process's metrics as a scrape sees them."""

    def __init__(self) -> None:
        self.metrics = Metrics()
        self.decider = DecisionMetrics(self.metrics)

    def value(self, name: str, **labels: str) -> float | None:
        families = text_string_to_metric_families(self.metrics.text().decode())
        found = [s.value for family in families for s in family.samples if s.name == name and s.labels == labels]
        return found[0] if found else None

    def arm(self, name: str, **labels: str) -> float | None:
        return self.value(name, **THIRD, **labels)


@pytest.fixture
def shown() -> Shown:
    return Shown()


def test_every_stage_is_told_for_every_decision_of_a_batch(shown: Shown) -> None:
    shown.decider.batch([a_report([a_decision()] * 10)])
    spent = {"queue": 0.04, "features": 0.01, "predict": 0.02, "policy": 0.005, "record": 0.015, "whole": 0.09}
    for stage, seconds in spent.items():
        assert shown.arm("andon_stage_seconds_count", stage=stage) == 10
        assert shown.arm("andon_stage_seconds_sum", stage=stage) == pytest.approx(seconds)
    assert shown.arm("andon_stage_seconds_bucket", stage="predict", le="0.001") == 0
    assert shown.arm("andon_stage_seconds_bucket", stage="predict", le="0.002") == 10


def test_a_batch_is_counted_by_outcome_size_and_cpu(shown: Shown) -> None:
    shown.decider.batch([a_report([a_decision()] * 2 + [a_decision("review")])])
    assert shown.arm("andon_decisions_total", outcome="release") == 2
    assert shown.arm("andon_decisions_total", outcome="review") == 1
    assert shown.arm("andon_batch_size_bucket", le="2.0") == 0
    assert shown.arm("andon_batch_size_bucket", le="4.0") == 1
    assert shown.arm("andon_model_cpu_seconds_total") == 0.0025
    assert shown.decider.decided == 3


def test_two_versions_in_one_commit_are_two_arms_and_one_commit(shown: Shown) -> None:
    shown.decider.batch([a_report([a_decision()]), a_report([a_decision(version=4)], version=4)])
    assert shown.value("andon_batches_total") == shown.value("andon_commit_seconds_count") == 1
    assert shown.arm("andon_decisions_total", outcome="release") == 1
    assert shown.value("andon_decisions_total", **THIRD | {"version": "4"}, outcome="release") == 1


def test_errors_are_transient_or_persistent_and_a_spent_budget_is_none(shown: Shown) -> None:
    because = {"PREDICTION_TIMED_OUT": 2, "ENDPOINT_BUSY": 1, "PREDICTION_FAILED": 4, "BUDGET_SPENT": 8}
    shown.decider.batch([a_report([a_decision(error="a rule divides by zero"), a_decision()], fallbacks=because)])
    assert shown.arm("andon_errors_total", kind="transient") == 3
    assert shown.arm("andon_errors_total", kind="persistent") == 5
    assert shown.arm("andon_fallbacks_total", reason="BUDGET_SPENT") == 8


def test_errors_are_counted_from_zero(shown: Shown) -> None:
    shown.decider.batch([a_report([a_decision()])])
    assert shown.arm("andon_errors_total", kind="transient") == shown.arm("andon_errors_total", kind="persistent") == 0
    assert shown.value("andon_ledger_errors_total", kind="transient") == 0


def test_what_was_not_decided_is_counted_by_its_reason(shown: Shown) -> None:
    shown.decider.failed(transient=True, requests=5)
    shown.decider.expired("payments", 3)
    shown.decider.shadowed("payments", 7, 0)
    shown.decider.shadowed("payments", 0, 9)
    assert shown.value("andon_ledger_errors_total", kind="transient") == 5
    assert shown.value("andon_expired_total", automation="payments") == 3
    assert shown.value("andon_shadows_total", automation="payments", result="run") == 7
    assert shown.value("andon_shadows_total", automation="payments", result="dropped") == 9


def test_deliveries_are_counted_by_their_answer(shown: Shown) -> None:
    deliveries = DeliveryMetrics(shown.metrics)
    deliveries.answered("bank", Answer(AnswerKind.FAILED, "500"), retry=False, seconds=0.1)
    deliveries.answered("bank", Answer(AnswerKind.DELIVERED, "200"), retry=True, seconds=0.1)
    deliveries.gave_up("bank")
    assert shown.value("andon_deliveries_total", destination="bank", answer="failed") == 1
    assert shown.value("andon_delivery_retries_total", destination="bank") == 1
    assert shown.value("andon_dead_letters_total", destination="bank") == 1


def test_no_label_names_a_decision_a_caller_or_a_correlation(shown: Shown) -> None:
    shown.decider.batch([a_report([a_decision()])])
    text = shown.metrics.text().decode()
    assert not any(secret in text for secret in ("bank", "c-1", "00000000-0000"))
