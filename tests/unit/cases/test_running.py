"""Cases are judged in memory: by what they suppose, or by a model that is asked."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

import pytest

from andon.authoring import Automation, Lookup, MaxError, Policy
from andon.cases import CaseResult, CaseRunner, DecisionCase, FiledCase, junit, lines_of
from andon.testing import endpoint_of
from automations import POLICY, an_automation, payment
from packages import a_package

GATED = """
outcomes: [release, review]
rules:
  - {id: named, when: 'risk.certain && prediction.label == "fraud"', then: review, reasons: [FRAUD]}
  - {id: safe, when: 'risk.certain && prediction.score < 0.3', then: release}
otherwise: review
"""


def run(runner: CaseRunner, expect: Mapping[str, Any], **given: Any) -> CaseResult:
    told = {"name": "one", "input": payment(), "expect": expect, **given}
    return runner.run(FiledCase("payments", "cases/payments/a.yaml", DecisionCase.model_validate(told)))


@pytest.fixture
def runner() -> CaseRunner:
    return CaseRunner(an_automation(), None, tested=False)


@pytest.mark.parametrize(
    ("score", "country", "outcome", "rule"),
    [
        (0.1, "KP", "pause", "sanctioned"),
        (0.8, "DE", "pause", "risky"),
        (0.79, "DE", "review", "otherwise"),
        (0.29, "DE", "release", "safe"),
    ],
)
def test_a_supposed_prediction_is_ruled_on(
    runner: CaseRunner, score: float, country: str, outcome: str, rule: str
) -> None:
    result = run(
        runner, {"outcome": outcome, "rule": rule}, input=payment(country=country), prediction={"score": score}
    )
    assert (result.passed, result.differences) == (True, ())


def test_each_thing_that_is_not_as_expected_is_named(runner: CaseRunner) -> None:
    expect = {"outcome": "release", "rule": "safe", "reasons": [], "score": {"at_most": 0.5}}
    found = run(runner, expect, prediction={"score": 0.9})
    assert [(one.what, one.expected, one.got) for one in found.differences] == [
        ("outcome", "release", "pause"),
        ("rule", "safe", "risky"),
        ("reasons", "[]", "[HIGH_SCORE]"),
        ("score", "0 to 0.5", "0.9"),
    ]


def test_features_are_computed_with_empty_windows_unless_a_case_says_them() -> None:
    policy = POLICY.replace(
        "rules:",
        "rules:\n  - {id: burst, when: 'features.amount_count_1h >= 5.0 && features.round_amount', then: review}",
    )
    automation = an_automation()
    automation.policy = Policy.yaml(policy)
    runner = CaseRunner(automation, None, tested=False)
    alone = {"prediction": {"score": 0.0}}
    assert run(runner, {"outcome": "release"}, **alone, input=payment(amount=100.0)).passed
    assert run(
        runner,
        {"outcome": "review", "rule": "burst"},
        **alone,
        input=payment(amount=100.0),
        features={"amount_count_1h": 5.0},
    ).passed
    assert run(
        runner, {"outcome": "release"}, **alone, input=payment(amount=99.0), features={"amount_count_1h": 5.0}
    ).passed


def gated() -> Automation:
    automation = an_automation()
    automation.policy, automation.actions, automation.risk = Policy.yaml(GATED), {}, MaxError(0.2)
    return automation


@pytest.mark.parametrize(
    ("risk", "outcome"),
    [
        (None, "release"),
        ({"certain": False}, "review"),
        ({"threshold": 0.95}, "release"),
        ({"threshold": 0.951}, "review"),
    ],
)
def test_the_gate_is_what_the_case_says(risk: Mapping[str, Any] | None, outcome: str) -> None:
    said = {"prediction": {"score": 0.05, "label": "ok"}, "risk": risk}
    assert run(CaseRunner(gated(), None, tested=False), {"outcome": outcome}, **said).passed


def test_a_case_that_says_too_little_does_not_pass() -> None:
    runner = CaseRunner(gated(), None, tested=False)
    assert "reads prediction.label" in str(run(runner, {"outcome": "release"}, prediction={"score": 0.0}).error)
    assert "no model to make one" in str(run(runner, {"outcome": "release"}).error)
    wrong = run(runner, {"outcome": "release"}, input=payment(amount=-1.0), prediction={"score": 0.0, "label": "ok"})
    assert str(wrong.error).startswith("input.")


def test_a_model_is_asked_where_a_case_supposes_nothing_or_bounds_the_score_of_a_tested_one(tmp_path: Path) -> None:
    loaded = endpoint_of(a_package(tmp_path / "package"))
    large = {"input": payment(amount=2_000.0)}
    expect = {"outcome": "pause", "rule": "risky", "score": {"at_least": 0.8}}
    supposed = {"prediction": {"score": 0.0}}
    automation = an_automation()
    automation.policy = Policy.yaml(POLICY.replace("0.8", "0.6"))
    expect["score"] = {"at_least": 0.6}
    assert run(CaseRunner(automation, loaded, tested=False), expect, **large).passed
    assert not run(CaseRunner(automation, loaded, tested=False), expect, **large, **supposed).passed
    assert run(CaseRunner(automation, loaded, tested=True), expect, **large, **supposed).passed
    policy_only = {"outcome": "release", "rule": "safe"}
    assert run(CaseRunner(automation, loaded, tested=True), policy_only, **large, **supposed).passed


def test_a_look_up_finds_nothing_unless_the_case_says_what() -> None:
    automation = an_automation()
    automation.features = (Lookup("customers", by="account", columns=("segment",)),)
    automation.policy = Policy.yaml(
        POLICY.replace(
            "rules:", "rules:\n  - {id: gold, when: 'features.customers_segment == \"gold\"', then: release}"
        )
    )
    runner = CaseRunner(automation, None, tested=False)
    said = {"prediction": {"score": 0.5}}
    assert run(runner, {"outcome": "review"}, **said).passed
    assert run(runner, {"outcome": "release", "rule": "gold"}, **said, features={"customers_segment": "gold"}).passed


def test_the_report_counts_and_says_what_is_wrong(runner: CaseRunner) -> None:
    results = [
        run(runner, {"outcome": "release"}, prediction={"score": 0.0}),
        run(runner, {"outcome": "release"}, prediction={"score": 0.9}),
        run(runner, {"outcome": "release"}),
    ]
    (suite,) = Xml.fromstring(junit(results))
    assert {name: suite.get(name) for name in ("name", "tests", "failures", "errors")} == {
        "name": "payments",
        "tests": "3",
        "failures": "1",
        "errors": "1",
    }
    assert [[part.tag for part in case] for case in suite] == [[], ["failure"], ["error"]]
    assert "expected release" in str(suite[1][0].text)
    assert list(lines_of(results)) == [
        "FAIL payments: one",
        "     cases/payments/a.yaml",
        "       outcome  expected release   got pause",
        "FAIL payments: one",
        "     cases/payments/a.yaml",
        "       error: the case has no prediction, and there is no model to make one: name one with --model",
        "payments: 3 cases, 1 passed, 2 failed",
    ]
