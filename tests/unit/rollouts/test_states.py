"""What adds up to evidence: every unit once, against the share of its moment, in whatever batches it comes."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import logsumexp
from scipy.stats import binom

from andon.authoring import Guardrail, RolloutPlan, ServiceLevel
from andon.rollouts.evidence import FIRST, GuardrailEvent, PlacedDecision
from andon.rollouts.folding import count_decisions, fold
from andon.rollouts.guardrails import BELOW_RATIOS, BELOW_WEIGHTS, GuardrailKind, WatchedGuardrail, guardrails_of
from andon.rollouts.states import (
    LONGEST_PATH,
    MOST_EVIDENCE,
    GuardrailState,
    harm_evidence,
    judge,
    note_point,
    sound_evidence,
)
from andon.trials import first_of_each

STEPS = (5.0, 25.0, 50.0, 100.0)
NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)


def watched(name: str, **more: object) -> WatchedGuardrail:
    plan = RolloutPlan(guardrails=[Guardrail(name, **more)] if more else ())  # type: ignore[arg-type]
    return next(one for one in guardrails_of(plan, ServiceLevel()) if one.name == name)


def event(
    number: int, *, candidate: bool, share: float = 0.05, guardrail: str = "errors", once: str = "", value: float = 1.0
) -> GuardrailEvent:
    of = PlacedDecision(UUID(int=number), number.to_bytes(8), candidate, share)
    return GuardrailEvent(guardrail, once or guardrail, of, value)


events = st.builds(event, st.integers(0, 10**6), candidate=st.booleans(), share=st.sampled_from([0.05, 0.25, 0.5]))


@settings(max_examples=30)
@given(st.lists(events, max_size=60), st.data())
def test_evidence_is_the_same_in_whatever_batches_it_comes(some: list[GuardrailEvent], data: st.DataObject) -> None:
    guardrail, whole, parts = watched("errors"), GuardrailState(), GuardrailState()
    fold(guardrail, whole, some, STEPS)
    at = 0
    while at < len(some):
        size = data.draw(st.integers(1, len(some) - at))
        fold(guardrail, parts, some[at : at + size], STEPS)
        parts = GuardrailState.of(parts.body())
        at += size
    assert harm_evidence(guardrail, parts) == pytest.approx(harm_evidence(guardrail, whole), abs=1e-9)
    assert (parts.candidate, parts.control) == (whole.candidate, whole.control)
    for share in STEPS:
        assert sound_evidence(guardrail, parts, share) == pytest.approx(sound_evidence(guardrail, whole, share))


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 30)), max_size=40))
def test_a_unit_counts_once_and_by_its_first_decision(pairs: list[tuple[int, int]]) -> None:
    some = [
        GuardrailEvent("errors", "errors", PlacedDecision(UUID(int=key), bytes([unit]), True, 0.05), 1.0)
        for unit, key in pairs
    ]
    kept = first_of_each(some)
    first = {}
    for unit, key in pairs:
        first.setdefault(unit, key)
    assert {(one.of.unit[0], one.of.id.int) for one in kept} == set(first.items())


@settings(max_examples=40)
@given(st.integers(1, 5000), st.floats(0, 0.2))
def test_below_a_limit_is_tested_by_a_mixture_of_binomial_likelihoods(count: int, share: float) -> None:
    """Held to scipy's binomial."""
    guardrail, state, bad = watched("errors"), GuardrailState(), int(count * share)
    state.first = count, bad
    limit = guardrail.limit_at(25.0)
    rates = [ratio * limit / (ratio * limit + 1 - limit) for ratio in BELOW_RATIOS]
    expected = logsumexp(
        [
            np.log(weight) + binom.logpmf(bad, count, rate) - binom.logpmf(bad, count, limit)
            for weight, rate in zip(BELOW_WEIGHTS, rates, strict=True)
        ]
    )
    found, bound = sound_evidence(guardrail, state, 25.0)
    relative = guardrail.sound_by_rate(25.0)
    best = max((float(expected), guardrail.below_limit().bound), (0.0, relative.bound), key=lambda way: way[0] - way[1])
    assert (found, bound) == pytest.approx(best, abs=1e-6)


def test_a_line_without_errors_needs_about_as_many_decisions_as_its_service_level_says() -> None:
    guardrail, state = watched("errors"), GuardrailState()
    for number in range(1500):
        fold(guardrail, state, [event(number, candidate=True, once=FIRST, value=0.0)], STEPS)
        judge(guardrail, state, STEPS)
        if "100" in state.shown:
            break
    assert state.shown == ["5", "25", "50", "100"]
    assert 738 < number < 1000  # the least that is possible is ln(2 / .05) / .005 = 738


def test_the_smaller_the_share_the_more_the_candidate_alone_may_be_worse() -> None:
    guardrail = watched("errors", margin=0.5)
    assert [guardrail.sound_by_rate(share).null_ratio for share in (25.0, 50.0, 100.0)] == [3.0, 2.0, 1.5]
    assert [round(guardrail.limit_at(share), 4) for share in (5.0, 25.0, 100.0)] == [0.1, 0.02, 0.005]


def test_harm_stays_once_it_was_shown() -> None:
    guardrail, state = watched("errors"), GuardrailState()
    fold(guardrail, state, [event(n, candidate=True) for n in range(6)], STEPS)
    judge(guardrail, state, STEPS)
    assert state.harmed
    fold(guardrail, state, [event(n, candidate=False) for n in range(100, 900)], STEPS)
    judge(guardrail, state, STEPS)
    assert harm_evidence(guardrail, state) < 0
    assert state.harmed


def test_disagreement_is_held_to_its_own_limit() -> None:
    guardrail = watched("disagreement")
    assert guardrail.kind is GuardrailKind.LIMIT
    verdicts = {}
    for name, every in (("good", 20), ("bad", 2)):
        state = GuardrailState()
        some = [
            event(n, candidate=True, share=0.5, guardrail="disagreement", value=float(n % every == 0))
            for n in range(300)
        ]
        fold(guardrail, state, some, STEPS)
        judge(guardrail, state, STEPS)
        verdicts[name] = (state.harmed, "5" in state.shown)
    assert verdicts == {"good": (False, True), "bad": (True, False)}


def test_a_mean_is_worse_only_beyond_its_margin_and_more_may_be_better() -> None:
    rng = np.random.default_rng(4)
    for better, factor, harmed in (
        ("lower", 1.05, False),
        ("lower", 1.4, True),
        ("higher", 0.7, True),
        ("higher", 1.4, False),
    ):
        guardrail = watched("loss_prevented", margin=0.1, better=better)
        state = GuardrailState()
        some = [
            event(n, candidate=n % 2 == 0, share=0.5, guardrail="loss_prevented", value=float(value))
            for n, value in enumerate(rng.gamma(4.0, 1.0, 6000) * np.where(np.arange(6000) % 2 == 0, factor, 1.0))
        ]
        fold(guardrail, state, some, STEPS)
        judge(guardrail, state, STEPS)
        assert state.harmed is harmed, (better, factor)
        assert ("100" in state.shown) is not harmed, (better, factor)


def test_the_path_and_the_evidence_are_bounded_and_keep_their_end() -> None:
    guardrail, state = watched("errors"), GuardrailState()
    for number in range(1000):
        count_decisions(state, candidate=1, control=19)
        fold(guardrail, state, [event(number, candidate=number % 3 == 0)], STEPS)
        note_point(guardrail, state, 25.0, NOW + timedelta(seconds=number))
    assert len(state.path) <= LONGEST_PATH
    assert state.path[-1].candidate == 1000
    assert [one.candidate for one in state.path] == sorted({one.candidate for one in state.path})
    assert len(state.evidence["control"]) == MOST_EVIDENCE
    assert state.evidence["candidate"][-1] == str(UUID(int=999))


def test_guardrails_share_one_error_budget() -> None:
    plan = RolloutPlan(off=("cost",), guardrails=[Guardrail("loss_prevented", better="higher")])
    found: Sequence[WatchedGuardrail] = guardrails_of(plan, ServiceLevel())
    assert sum(one.alpha for one in found if one.rolls_back) == pytest.approx(plan.harm)
    assert "cost" not in {one.name for one in found}
    assert [one.name for one in found if one.required] == ["errors", "slow", "disagreement"]


def test_only_first_decisions_of_units_speak_for_a_promotion() -> None:
    """Units that fail often leave the count of first events sooner where more fails: a worse arm would look good."""
    guardrail, state = watched("errors"), GuardrailState()
    fold(guardrail, state, [event(n, candidate=False) for n in range(50)], STEPS)
    assert state.sound == {}
    fold(guardrail, state, [event(n, candidate=False, once=FIRST) for n in range(50)], STEPS)
    test = guardrail.sound_by_rate(50.0)
    assert state.sound["50"] == pytest.approx(test.fold(test.start(), 0, 50, 0.05))
