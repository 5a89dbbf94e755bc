"""The draw for blind audits: the declared share, the same for a repeat, and nothing that is not automatic."""

import hmac
import json
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from scipy.stats import binom, kstest

from andon import Automation, BlindAudit
from andon.authoring import DeclarationInvalid
from andon.decisions import AuditDraws, Decision, Draw, Judgement, Risk, describe, is_automatic
from andon.policies import Ruling
from andon.testing import decide
from automations import an_automation, payment

DRAWS = AuditDraws(b"p" * 32)
RELEASE = Ruling("release", "safe", ())
INPUTS = [json.dumps(payment(number, amount=number / 7)).encode() for number in range(1, 4001)]

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def audited(audit: BlindAudit | None) -> Automation:
    automation = an_automation(windows=False)
    automation.audit = audit
    return automation


def decided(
    raw: bytes = INPUTS[0], *, certain: bool = True, predicted: bool = True, outcome: str = "release"
) -> Decision:
    (decision,) = decide(an_automation(windows=False), [payment()], model=lambda _: 0.1)
    judgement = Judgement(
        decision.prediction if predicted else None, Risk(certain, 0.9, 0.01), Ruling(outcome, "safe", ())
    )
    return replace(decision, judgement=judgement, request=replace(decision.request, raw=raw))


def drawn(share: float, raws: list[bytes], changed: float | None = None, **bounds: float) -> list[Draw]:
    one = decided()
    decisions = [replace(one, request=replace(one.request, raw=raw)) for raw in raws]
    return [one.draw for one in DRAWS.draw(audited(BlindAudit(share, **bounds)), decisions, changed)]


@pytest.mark.parametrize("share", [0.005, 0.02, 0.2, 0.5])
def test_about_the_declared_share_is_drawn_and_its_probability_kept(share: float) -> None:
    draws = drawn(share, INPUTS)
    low, high = binom.ppf([1e-6, 1 - 1e-6], len(INPUTS), share)
    assert low <= sum(draw.drawn for draw in draws) <= high
    assert {draw.probability for draw in draws} == {share}


def test_the_places_of_inputs_are_spread_evenly() -> None:
    places = [DRAWS.place_of("payments", raw) for raw in INPUTS]
    assert all(0 <= place < 1 for place in places)
    assert kstest(places, "uniform").pvalue > 1e-6


@given(values, st.integers(0, 8), st.randoms())
def test_a_repeat_draws_the_same_however_it_is_written(value: Any, indent: int, random: Any) -> None:
    given = {"a": value, "b": 1, "c": [{"z": 1.0, "y": value}]}
    shuffled = list(given.items())
    random.shuffle(shuffled)
    again = json.dumps({**dict(shuffled), "b": 1.0}, indent=indent, ensure_ascii=False)
    places = {
        DRAWS.place_of("payments", text.encode("utf-8", "surrogatepass"))
        for text in (json.dumps(given, separators=(",", ":"), ensure_ascii=False), again)
    }
    assert len(places) == 1


@given(st.binary(max_size=60))
def test_no_input_whatsoever_is_without_a_place(raw: bytes) -> None:
    assert 0 <= DRAWS.place_of("payments", raw) < 1


def test_a_larger_share_draws_all_that_a_smaller_one_did() -> None:
    few, many = drawn(0.05, INPUTS), drawn(0.1, INPUTS)
    assert all(more.drawn for less, more in zip(few, many, strict=True) if less.drawn)
    assert sum(draw.drawn for draw in few) < sum(draw.drawn for draw in many)


def test_another_pepper_or_automation_draws_others() -> None:
    places = [DRAWS.place_of("payments", raw) for raw in INPUTS[:20]]
    assert places != [AuditDraws(b"q" * 32).place_of("payments", raw) for raw in INPUTS[:20]]
    assert places != [DRAWS.place_of("refunds", raw) for raw in INPUTS[:20]]


def test_the_place_is_a_keyed_hash_under_a_key_that_follows_from_the_pepper() -> None:
    key = hmac.digest(b"p" * 32, b"andon: the draw for a blind audit", "sha256")
    digest = blake2b(b'payments\n{"a":1,"b":"x"}', digest_size=8, key=key).digest()
    assert DRAWS.place_of("payments", b'{ "b":"x", "a":1.0 }') == (int.from_bytes(digest, "big") >> 11) / 2**53


@pytest.mark.parametrize(
    ("changes", "automatic"),
    [
        ({}, True),
        ({"certain": False}, False),
        ({"predicted": False}, False),
        ({"outcome": "review"}, False),
        ({"outcome": "pause"}, True),
    ],
)
def test_only_what_the_gate_answers_for_is_drawn(changes: Mapping[str, Any], automatic: bool) -> None:
    decision = decided(**changes)
    assert is_automatic(decision.judgement) is automatic
    (after,) = DRAWS.draw(audited(BlindAudit(1.0)), [decision], None)
    assert after.draw == (Draw(1.0, drawn=True) if automatic else Draw())


@pytest.mark.parametrize(("changed", "share"), [(None, 0.02), (0.1, 0.1), (0.9, 0.2), (0.001, 0.005), (0.02, 0.02)])
def test_a_changed_share_holds_within_the_declared_bounds(changed: float | None, share: float) -> None:
    assert {draw.probability for draw in drawn(0.02, INPUTS[:3], changed, least=0.005, most=0.2)} == {share}
    assert {draw.probability for draw in drawn(0.02, INPUTS[:3], changed)} == {0.02}


def test_nothing_is_drawn_where_no_audits_are_declared_or_there_is_no_key() -> None:
    decision = decided()
    assert DRAWS.draw(audited(None), [decision], 0.5) == [decision]
    (in_memory,) = decide(audited(BlindAudit(1.0)), [payment()], model=lambda _: 0.1)
    assert in_memory.draw == Draw()


def test_audits_are_part_of_a_version_only_where_they_are_declared() -> None:
    assert "audit" not in describe(audited(None))
    assert describe(audited(BlindAudit(0.02, most=0.2)))["audit"] == {
        "share": 0.02,
        "least": 0.02,
        "most": 0.2,
        "queue": None,
        "due_seconds": 172_800.0,
    }


@pytest.mark.parametrize(
    ("share", "bounds"),
    [
        (0.0, {}),
        (1.5, {}),
        (True, {}),
        ("2%", {}),
        (0.02, {"least": 0.0}),
        (0.02, {"least": 0.03}),
        (0.02, {"most": 0.01}),
        (0.02, {"most": 2.0}),
        (0.02, {"queue": ""}),
        (0.02, {"due": 3}),
    ],
)
def test_a_declaration_that_cannot_hold_is_refused(share: Any, bounds: Mapping[str, Any]) -> None:
    with pytest.raises(DeclarationInvalid, match="BlindAudit"):
        BlindAudit(share, **bounds)
