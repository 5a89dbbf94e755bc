"""Latency quantiles of a rollout: each stage by itself, in whatever batches, rarely wrong however often one looks."""

from uuid import UUID

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from andon.authoring import DeclarationInvalid, Guardrail, RolloutPlan, ServiceLevel
from andon.rollouts.evidence import FIRST, GuardrailEvent, PlacedDecision
from andon.rollouts.folding import fold
from andon.rollouts.guardrails import LATENCY, GuardrailKind, WatchedGuardrail, guardrails_of
from andon.rollouts.sentences import figures
from andon.rollouts.states import GuardrailState, harm_bound, harm_evidence, judge, sound_evidence

STEPS = (5.0, 25.0, 50.0, 100.0)


def watched(name: str = "latency-p95", margin: float = 0.2, harm: float = 0.01) -> WatchedGuardrail:
    plan = RolloutPlan(guardrails=[Guardrail(name, margin)], off=("cost",), harm=harm)
    return next(one for one in guardrails_of(plan, ServiceLevel()) if one.name == name)


def answers(
    seed: int, count: int, *, share: float, slower: float = 1.0, spread: float = 0.4, many: float | None = None
) -> list[GuardrailEvent]:
    """Answers of both arms in a stage; `many` is the candidate's part of them, its share unless it is given."""
    rng = np.random.default_rng(seed)
    mine = rng.random(count) < (share if many is None else many)
    seconds = rng.lognormal(-4.0, spread, count) * np.where(mine, slower, 1.0)
    return [
        GuardrailEvent(
            LATENCY, FIRST, PlacedDecision(UUID(int=n), n.to_bytes(8), bool(mine[n]), share), float(seconds[n])
        )
        for n in range(count)
    ]


def after(guardrail: WatchedGuardrail, *stages: list[GuardrailEvent]) -> GuardrailState:
    state = GuardrailState()
    for some in stages:
        fold(guardrail, state, some, STEPS)
        judge(guardrail, state, STEPS)
    return state


def test_a_slower_candidate_is_found_and_named_and_an_equal_one_is_good_enough() -> None:
    guardrail = watched()
    assert (guardrail.kind, guardrail.source, guardrail.required) == (GuardrailKind.QUANTILE, "latency", False)
    slow = after(guardrail, answers(1, 9_000, share=0.05, slower=2.0))
    assert slow.harmed
    assert harm_evidence(guardrail, slow) >= harm_bound(guardrail)
    p95 = np.exp(-4.0 + 0.4 * 1.645)
    named = {one.of.id: one for one in answers(1, 9_000, share=0.05, slower=2.0) if one.of.is_candidate}
    assert len(slow.evidence["candidate"]) == 40
    assert all(named[UUID(one)].value > 0.9 * p95 for one in slow.evidence["candidate"])
    fine = after(guardrail, answers(2, 9_000, share=0.5))
    assert (fine.harmed, fine.shown) == (False, ["100"])
    assert figures(guardrail, fine).endswith(f" ms (of {fine.candidate.units:,} and {fine.control.units:,})")
    assert figures(guardrail, fine).startswith(f"{p95 * 1000:.3g}"[:1])
    assert figures(guardrail, GuardrailState()) == "nothing yet"


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 99), st.integers(90, 400))
def test_the_evidence_is_the_same_in_whatever_batches_it_comes(seed: int, size: int) -> None:
    guardrail, some = watched(), answers(seed, 400, share=0.25)
    whole, parts = after(guardrail, some), GuardrailState()
    for at in range(0, len(some), size):
        fold(guardrail, parts, some[at : at + size], STEPS)
        parts = GuardrailState.of(parts.body())
    assert parts.stages == whole.stages
    assert harm_evidence(guardrail, parts) == harm_evidence(guardrail, whole)


def test_each_step_goes_by_the_stage_before_it_and_harm_by_all() -> None:
    """A version that is fast while few use it, and slow under load, is not promoted for the former."""
    guardrail = watched()
    quick = answers(3, 20_000, share=0.05, slower=0.5)
    state = after(guardrail, quick)
    assert sound_evidence(guardrail, state, 100.0)[0] == 0.0
    assert state.shown == ["25"]
    state = after(guardrail, quick, answers(4, 4_000, share=0.5, slower=1.9))
    assert state.harmed
    assert "100" not in state.shown


def test_healthy_candidates_are_rarely_rolled_back_however_often_one_looks() -> None:
    """At its margin, the worst that is healthy, through three stages; the level is of the whole rollout."""
    guardrail, wrong = watched("latency-p90", harm=0.35), 0  # a level of 5% for each of seven guardrails
    assert guardrail.alpha == pytest.approx(0.05)
    for seed in range(24):
        state = GuardrailState()
        for number, share in enumerate((0.05, 0.25, 0.5)):
            some = answers(seed * 3 + number, 1_000, share=share, slower=1.2)
            for at in range(0, len(some), 250):
                fold(guardrail, state, some[at : at + 250], STEPS)
                judge(guardrail, state, STEPS)
        wrong += state.harmed
    assert wrong <= 24 * 0.05 + 3 * (24 * 0.05 * 0.95) ** 0.5


def test_what_is_kept_stays_small_and_bins_have_a_least_margin() -> None:
    guardrail = watched()
    wild = [
        GuardrailEvent(LATENCY, FIRST, PlacedDecision(UUID(int=n), b"x", n % 2 == 0, 0.5), 10.0 ** (n % 60 - 30))
        for n in range(600)
    ]
    stage = after(guardrail, wild).stages["100"]
    assert max(len(stage.candidate), len(stage.control)) <= 1_400
    with pytest.raises(DeclarationInvalid, match=r"margin must be at least 0\.02 for a quantile, got 0\.01"):
        Guardrail("latency-p99", margin=0.01)
    with pytest.raises(DeclarationInvalid, match="better must be 'lower'"):
        Guardrail("latency-p99", better="higher")
