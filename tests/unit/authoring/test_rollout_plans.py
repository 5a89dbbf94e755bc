"""A plan is checked where it is written, and survives being kept with the automation's version."""

from datetime import timedelta
from typing import Any

import pytest

from andon import Automation, Guardrail, Measure, Policy, RolloutPlan
from andon.authoring import DeclarationInvalid
from automations import POLICY, Payment


@pytest.mark.parametrize(
    "plan",
    [
        RolloutPlan(),
        RolloutPlan("shadow"),
        RolloutPlan("ab", unit="decision", approval=True, four_eyes=True, stage_time=timedelta(hours=2)),
        RolloutPlan(
            steps=(10, 100),
            guardrails=[Guardrail("errors", 0.2, True), Guardrail("gain", better="higher")],
            off=["cost"],
            labels=200,
        ),
    ],
)
def test_a_plan_is_read_back_as_it_was_written(plan: RolloutPlan) -> None:
    assert RolloutPlan.from_description(plan.described()) == plan
    assert RolloutPlan.from_description(plan.described()).stages == plan.stages


def test_every_plan_begins_with_shadows() -> None:
    assert RolloutPlan().stages == (0.0, 5.0, 25.0, 50.0, 100.0)
    assert RolloutPlan("shadow").stages == (0.0,)
    assert RolloutPlan("ab").stages == (0.0, 50.0, 100.0)
    assert RolloutPlan(steps=(10, 100)).of_kind("ab").stages == (0.0, 50.0, 100.0)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"kind": "bluegreen"}, "kind must be one of canary, shadow, ab"),
        ({"steps": (50, 25, 100)}, "steps must rise"),
        ({"steps": (5, 50)}, "the last step must be 100"),
        ({"steps": (100,)}, "nothing is left to compare with"),
        ({"steps": "5,100"}, "steps must be a list of percentages"),
        ({"kind": "shadow", "steps": (5, 100)}, "has no steps"),
        ({"unit": "account"}, "unit must be 'subject' or 'decision'"),
        ({"off": ["latency"]}, "unknown guardrail 'latency'"),
        ({"off": ["cost"], "guardrails": [Guardrail("cost", 0.1)]}, "both switched off and set"),
        ({"guardrails": [Guardrail("cost"), Guardrail("cost")]}, "a guardrail occurs twice"),
        ({"labels": 2.5}, "labels must be a whole number from 0 to 10,000"),
        ({"labels": 10, "off": ["wrong"]}, "labels are for the guardrail 'wrong', which is switched off"),
        ({"stage_decisions": 0}, "stage_decisions must be at least 1"),
        ({"dead_man": timedelta(seconds=1)}, "dead_man must be a timedelta of at least"),
        ({"harm": 0}, "harm must be between 0 and 0.5"),
        ({"approval": "yes"}, "approval must be True or False"),
    ],
)
def test_what_is_no_plan_is_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(DeclarationInvalid, match=words):
        RolloutPlan(**given)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"name": "Errors"}, "a name is lower-case"),
        ({"name": "errors", "margin": 0}, "margin must be a number above 0"),
        ({"name": "disagreement", "margin": 1.5}, "margin must be below 1 here"),
        ({"name": "errors", "better": "higher"}, "better must be 'lower' for all but business measures"),
        ({"name": "errors", "required": "yes"}, "required must be True or False"),
    ],
)
def test_what_is_no_guardrail_is_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(DeclarationInvalid, match=words):
        Guardrail(**given)


def test_a_guardrail_on_a_measure_needs_one_that_is_declared_computed_or_reported() -> None:
    def declared(name: str, *measures: Measure) -> Automation:
        return Automation(
            "payments",
            contract=Payment,
            model="fraud-risk",
            policy=Policy.yaml(POLICY),
            measures=measures,
            rollout=RolloutPlan(guardrails=[Guardrail(name)]),
        )

    for measure in (Measure("gain", "EUR", "input.amount"), Measure("gain", "EUR")):
        assert declared("gain", measure).rollout is not None
    assert declared("latency-p99").rollout is not None
    for name, measures in (("gain", ()), ("latency-p98", (Measure("gain", "EUR"),))):
        known = ", ".join(("latency-p99", *(one.name for one in measures)))
        with pytest.raises(DeclarationInvalid, match=f"guardrail '{name}' is neither .* errors, .*{known}$"):
            declared(name, *measures)
