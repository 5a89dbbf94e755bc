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
        ({"kind": "bluegreen"}, "kind is one of canary, shadow, ab"),
        ({"steps": (50, 25, 100)}, "steps rise"),
        ({"steps": (5, 50)}, "the last step is 100"),
        ({"steps": (100,)}, "nobody is left to compare with"),
        ({"steps": "5,100"}, "steps is a list of percents"),
        ({"kind": "shadow", "steps": (5, 100)}, "has no steps"),
        ({"unit": "account"}, "unit is 'subject' or 'decision'"),
        ({"off": ["latency"]}, "there is no guardrail 'latency'"),
        ({"off": ["cost"], "guardrails": [Guardrail("cost", 0.1)]}, "switched off and set at once"),
        ({"guardrails": [Guardrail("cost"), Guardrail("cost")]}, "a guardrail stands twice"),
        ({"stage_decisions": 0}, "stage_decisions is at least 1"),
        ({"dead_man": timedelta(seconds=1)}, "dead_man is a timedelta of at least"),
        ({"harm": 0}, "harm lies between 0 and 0.5"),
        ({"approval": "yes"}, "approval is True or False"),
    ],
)
def test_what_is_no_plan_is_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(DeclarationInvalid, match=words):
        RolloutPlan(**given)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"name": "Errors"}, "a name is lower-case"),
        ({"name": "errors", "margin": 0}, "margin is a number above 0"),
        ({"name": "disagreement", "margin": 1.5}, "margin is below 1 here"),
        ({"name": "errors", "better": "higher"}, "better is 'lower' for all but business measures"),
        ({"name": "errors", "required": "yes"}, "required is True or False"),
    ],
)
def test_what_is_no_guardrail_is_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(DeclarationInvalid, match=words):
        Guardrail(**given)


def test_a_guardrail_on_a_measure_needs_one_that_has_a_value() -> None:
    def declared(*measures: Measure) -> Automation:
        return Automation(
            "payments",
            contract=Payment,
            model="fraud-risk",
            policy=Policy.yaml(POLICY),
            measures=measures,
            rollout=RolloutPlan(guardrails=[Guardrail("gain", better="higher")]),
        )

    assert declared(Measure("gain", "EUR", "input.amount")).rollout is not None
    for measures in ((), (Measure("gain", "EUR"),)):
        with pytest.raises(DeclarationInvalid, match="guardrail 'gain' is none of"):
            declared(*measures)
