"""A forecast says before the start how long each answer takes, and proposes what can be decided where it takes too long."""

from datetime import timedelta

import pytest

from andon.authoring import Guardrail, RolloutPlan, ServiceLevel
from andon.rollouts import RolloutForecast, adjusted
from andon.rollouts.forecasting import forecast_from
from andon.rollouts.forecasts import spoken
from andon.rollouts.guardrails import guardrails_of
from andon.rollouts.recently import RecentLine


def forecast(plan: RolloutPlan, an_hour: float, **bases: float) -> RolloutForecast:
    return forecast_from(plan, guardrails_of(plan, ServiceLevel()), RecentLine(an_hour, bases), {})


def test_a_line_without_errors_is_bounded_by_its_stages() -> None:
    found = forecast(RolloutPlan(), 4000.0, errors=0.0, slow=0.0)
    errors = next(one for one in found.guardrails if one.guardrail == "errors")
    assert errors.sound_decisions is not None
    assert 738 < errors.sound_decisions < 1000
    assert errors.sound_hours == pytest.approx(errors.sound_decisions / 2000)
    assert found.hours is not None
    assert 1.0 < found.hours < 2.0
    assert found.sentence.startswith(
        "At 4,000 decisions an hour a candidate that is as good is promoted after about 1."
    )


def test_a_narrow_margin_at_a_low_rate_is_hopeless_and_another_is_proposed() -> None:
    """About 36,000 decisions an arm for 20% at 1%."""
    plan = RolloutPlan("ab", guardrails=[Guardrail("errors", 0.2)], off=["slow"])
    found = forecast(plan, 100.0, errors=0.01)
    (errors,) = found.guardrails
    assert errors.sound_decisions is not None
    assert 36_000 < errors.sound_decisions < 60_000
    assert errors.hopeless
    assert found.sentence.startswith("errors: a margin of 20% at a rate of 1.00% takes about")
    assert "--margin errors=" in found.sentence
    wider = float(found.sentence.rpartition("=")[2].rstrip("."))
    accepted = forecast(adjusted(plan, guardrails=[Guardrail("errors", wider)]), 100.0, errors=0.01)
    assert accepted.guardrails[0].sound_hours is not None
    assert timedelta(hours=accepted.guardrails[0].sound_hours) < timedelta(days=16)


def test_a_guardrail_without_events_names_another_that_has_some() -> None:
    plan = RolloutPlan("ab", guardrails=[Guardrail("wrong", required=True)], off=["slow", "errors"])
    found = forecast(plan, 1000.0, overrides=0.1)
    assert "wrong: a margin of 50% at a rate of 0.00% cannot be shown at all" in found.sentence
    assert "--off wrong --require overrides" in found.sentence
    better = adjusted(plan, off=["slow", "errors", "wrong"], guardrails=[Guardrail("overrides", required=True)])
    assert not any(one.hopeless for one in forecast(better, 1000.0, overrides=0.1).guardrails)


def test_without_traffic_nothing_is_promised() -> None:
    assert forecast(RolloutPlan(), 0.0, errors=0.0).sentence.startswith("Nothing was decided in the last day")


def test_spans_are_said_as_people_do() -> None:
    assert [spoken(hours) for hours in (0.001, 0.5, 3.25, 100)] == ["1 min", "30 min", "3.2 h", "4.2 days"]
