"""A forecast gives the time of each answer before the start, and proposes alternatives where it takes too long."""

from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

import numpy as np
import pytest

from andon.authoring import Guardrail, RolloutPlan, ServiceLevel
from andon.rollouts import RolloutForecast, adjusted
from andon.rollouts.evidence import GuardrailEvent, PlacedDecision
from andon.rollouts.folding import fold
from andon.rollouts.forecasting import forecast_from
from andon.rollouts.forecasts import spoken
from andon.rollouts.guardrails import guardrails_of
from andon.rollouts.recently import RecentLine, RecentValues
from andon.rollouts.states import GuardrailState
from andon.statistics.means import Moments
from andon.statistics.quantile_sequences import GrowingBins
from andon.statistics.rollout_forecast import needed_for_mean


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
    plan = RolloutPlan("ab", guardrails=[Guardrail("wrong", required=True)], off=["errors"])
    found = forecast(plan, 1000.0, slow=0.1, overrides=0.2)
    assert "wrong: a margin of 50% at a rate of 0.00% cannot be shown at all" in found.sentence
    assert "--off wrong --require slow" in found.sentence
    better = adjusted(plan, off=["errors", "wrong"], guardrails=[Guardrail("overrides", required=True)])
    assert not any(one.hopeless for one in forecast(better, 1000.0, slow=0.1, overrides=0.2).guardrails)


def test_without_traffic_nothing_is_promised() -> None:
    assert forecast(RolloutPlan(), 0.0, errors=0.0).sentence.startswith("Nothing was decided in the last day")


def with_values(
    plan: RolloutPlan, an_hour: float, states: Mapping[str, GuardrailState] | None = None
) -> RolloutForecast:
    rng = np.random.default_rng(5)
    line = RecentLine(
        an_hour,
        {"errors": 0.01, "slow": 0.02, "wrong": 0.02},
        {"refunded": RecentValues(Moments.of(rng.exponential(12.0, 400)), 0.1)},
        GrowingBins.of(rng.lognormal(-4.0, 0.5, 50_000)),
        frozenset({"wrong", "overrides"}),
    )
    return forecast_from(plan, guardrails_of(plan, ServiceLevel()), line, states or {})


def test_means_and_quantiles_have_a_forecast_by_how_much_they_vary() -> None:
    guarded = [Guardrail("refunded", 0.1, True), Guardrail("latency-p99", 0.2, True), Guardrail("cost", required=True)]
    found = with_values(RolloutPlan(guardrails=guarded), 4_000.0)
    each = {one.guardrail: one for one in found.guardrails}
    assert list(each) == ["errors", "slow", "wrong", "cost", "refunded", "latency-p99"]
    refunded, latency = each["refunded"], each["latency-p99"]
    plain = needed_for_mean(0.1, 1.0, 0.5, 0.05)
    assert plain is not None
    assert refunded.sound_decisions == pytest.approx(plain.candidate * 10, rel=0.3)  # one decision in ten has a value
    assert (refunded.now[:2], refunded.worse) == ("11", "one 20% higher")
    assert latency.sound_decisions is not None
    assert 1_000 < latency.sound_decisions < 10_000
    assert latency.now.endswith(" ms")
    assert (each["cost"].hopeless, each["cost"].sound_decisions) == (True, None)
    assert "cost: a margin of 100%, without recent values, cannot be shown at all" in found.sentence


def test_a_mean_that_takes_too_long_proposes_a_margin_and_higher_may_be_better() -> None:
    plan = RolloutPlan(off=["slow", "errors"], guardrails=[Guardrail("refunded", 0.05, True, "higher")])
    found = with_values(plan, 200.0)
    refunded = next(one for one in found.guardrails if one.guardrail == "refunded")
    assert refunded.worse == "one 10% lower"
    assert found.sentence.startswith("refunded: a margin of 5%, at 11")
    wider = float(found.sentence.rpartition("=")[2].rstrip("."))
    accepted = adjusted(plan, guardrails=[Guardrail("refunded", wider)])
    assert not any(one.hopeless for one in with_values(accepted, 200.0).guardrails)


def test_while_it_waits_what_was_counted_is_not_needed_again() -> None:
    guarded = [Guardrail("refunded", 0.2, True), Guardrail("latency-p99", 0.2, True)]
    plan = RolloutPlan("ab", guardrails=guarded)
    before = {one.guardrail: one for one in with_values(plan, 4_000.0).guardrails}
    rng, states = np.random.default_rng(6), {"refunded": GuardrailState(), "latency-p99": GuardrailState()}
    for one in guardrails_of(plan, ServiceLevel()):
        if one.name in states:
            values = rng.exponential(12.0, 800) if one.name == "refunded" else rng.lognormal(-4.0, 0.5, 800)
            some = [
                GuardrailEvent(one.source, "", PlacedDecision(UUID(int=n), b"", n % 2 == 0, 0.5), float(value))
                for n, value in enumerate(values)
            ]
            fold(one, states[one.name], some, (50.0, 100.0))
    after = {one.guardrail: one for one in with_values(plan, 4_000.0, states).guardrails}
    for name, part in (("refunded", 0.1), ("latency-p99", 1.0)):
        sooner, whole = after[name].sound_decisions, before[name].sound_decisions
        assert sooner is not None
        assert whole is not None
        assert whole - sooner == pytest.approx(400 / part, rel=0.25), name
    states["latency-p99"].shown.append("100")
    shown = {one.guardrail: one for one in with_values(plan, 4_000.0, states).guardrails}
    assert shown["latency-p99"].sound_decisions == 0


def test_what_labels_speak_to_and_nobody_waits_for_is_said_with_how_to_wait() -> None:
    found = with_values(RolloutPlan(guardrails=[Guardrail("overrides", required=True)]), 4_000.0)
    assert [note.partition(" To wait: ")[::2] for note in found.notes] == [
        (
            "wrong is watched, but the promotion does not wait for it.",
            '--require wrong, or Guardrail("wrong", required=True) in the plan',
        )
    ]
    assert with_values(RolloutPlan(off=["wrong", "overrides"]), 4_000.0).notes == ()


def test_spans_are_said_as_people_do() -> None:
    assert [spoken(hours) for hours in (0.001, 0.5, 3.25, 100)] == ["1 min", "30 min", "3.2 h", "4.2 days"]
