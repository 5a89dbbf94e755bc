"""What is typed to start a rollout is meant as a plan, or refused at its field."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from andon.authoring import Guardrail, RolloutPlan, ServiceLevel
from andon.console.rollout_form import RolloutForm
from andon.rollouts import RolloutInvalid, guardrails_of

DECLARED = RolloutPlan(steps=(10, 100), guardrails=[Guardrail("overrides", margin=0.2, required=True)], approval=True)
WATCHED = guardrails_of(DECLARED, ServiceLevel())
UNTOUCHED = tuple(one.name for one in WATCHED if one.required)


def test_an_untouched_form_is_the_declared_plan() -> None:
    assert RolloutForm().plan(DECLARED, WATCHED) == DECLARED
    assert RolloutForm(margins={one.name: "" for one in WATCHED}, required=UNTOUCHED, off=()).plan(
        DECLARED, WATCHED
    ) == replace(DECLARED, off=())


def test_what_is_typed_takes_the_place_of_what_is_declared() -> None:
    form = RolloutForm(
        steps="5, 50 %, 100",
        stage_decisions="500",
        stage_minutes="0.5",
        labels="200",
        margins={"errors": "100", "overrides": " 30 % ", "wrong": ""},
        required=("errors", "overrides", "wrong"),
        off=("cost", "slow", "disagreement"),
    )
    plan = form.plan(DECLARED, WATCHED)
    assert (plan.steps, plan.stage_decisions, plan.stage_time) == ((5, 50, 100), 500, timedelta(seconds=30))
    assert plan.labels == 200
    assert {one.name: (one.margin, one.required) for one in plan.guardrails} == {
        "overrides": (0.3, True),
        "errors": (1.0, True),
        "wrong": (None, True),
    }
    assert (set(plan.off), plan.approval) == ({"cost", "slow", "disagreement"}, True)


def test_what_is_switched_off_goes_though_it_is_declared() -> None:
    plan = RolloutForm(off=("overrides",)).plan(DECLARED, WATCHED)
    assert (plan.guardrails, plan.off) == ((), ("overrides",))


@pytest.mark.parametrize(
    ("typed", "where"),
    [
        ({"steps": "5, a lot"}, {"steps"}),
        ({"stage_decisions": "2.5"}, {"stage_decisions"}),
        ({"labels": "2.5"}, {"labels"}),
        ({"labels": "10001"}, {"labels"}),
        ({"stage_minutes": "-1", "stage_decisions": "x"}, {"stage_minutes", "stage_decisions"}),
        ({"margins": {"errors": "inf", "disagreement": "100"}}, {"margin.errors", "margin.disagreement"}),
    ],
)
def test_everything_that_is_wrong_is_named_at_its_field(typed: dict[str, Any], where: set[str]) -> None:
    with pytest.raises(RolloutInvalid) as refused:
        RolloutForm(**typed).plan(DECLARED, WATCHED)
    assert {fault.where for fault in refused.value.faults} == where


@pytest.mark.parametrize("typed", [{"steps": "50, 5, 100"}, {"steps": "10"}, {"kind": "x"}])
def test_a_plan_that_cannot_be_is_refused_in_words(typed: dict[str, Any]) -> None:
    with pytest.raises(RolloutInvalid, match="RolloutPlan"):
        RolloutForm(**typed).plan(DECLARED, WATCHED)


def test_a_forecast_is_for_what_is_typed_whatever_the_reason() -> None:
    form = RolloutForm(version="2", margins={"errors": "20"})
    assert replace(form, reason="because", seen="x").fingerprint == form.fingerprint
    assert replace(form, margins={"errors": "21"}).fingerprint != form.fingerprint
    assert replace(form, text="rules: []").fingerprint != form.fingerprint
