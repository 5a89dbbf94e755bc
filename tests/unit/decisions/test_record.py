"""A record holds the input as it was sent, and its digest says nothing without the salt."""

import json
from copy import copy
from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from pydantic_core import from_json

from andon.cord import LineState
from andon.decisions import FIELDS, Decision, Draw, Stages
from andon.decisions.record import decode, digest_of, encode, read, shape_of
from andon.testing import decide
from automations import an_automation, payment

names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=30)


def a_decision(row: Any, score: float) -> Decision:
    (decision,) = decide(an_automation(), [row], model=lambda _: score)
    return decision


@given(names, st.floats(0.01, 1e9), st.floats(0, 1))
def test_a_record_is_json_that_reads_back_to_the_same_numbers(name: str, amount: float, score: float) -> None:
    row = payment(account=name, amount=amount)
    decision = a_decision(row, score)
    record = decode(*encode([decision]))
    assert record["input"] == row
    assert record["prediction"]["score"] == score
    assert record["features"] == json.loads(json.dumps(decision.features))
    assert record["policy"]["outcome"] == decision.outcome


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | names,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4),
    max_leaves=20,
)


ONCE = [name for name, field in FIELDS.items() if field.once]


@given(st.lists(st.tuples(*[st.integers(0, 1)] * len(ONCE)), min_size=1, max_size=12))
def test_in_a_batch_each_record_says_of_its_own_decision_what_it_would_say_alone(chosen: list[tuple[int, ...]]) -> None:
    first, second = a_decision(payment(), 0.1), a_decision(payment(country="KP"), 0.9)
    judgement, line = first.judgement, first.line
    of: dict[str, tuple[Any, Any]] = {
        "decided_at": (first.decided_at, first.decided_at + timedelta(seconds=1)),
        "line": (line, structs.replace(line, policy_version="another")),
        "assignment": (first.assignment, structs.replace(first.assignment, version=7)),
        "stages_us": (Stages(features=1), Stages(features=2)),
        "draw": (Draw(), Draw(0.1, drawn=True)),
        "risk": (judgement.risk, structs.replace(judgement.risk, target=0.5)),
        "policy": (judgement.ruling, second.judgement.ruling),
        "line_state": (LineState.AUTOMATIC, LineState.STOPPED),
    }
    decisions = []
    for which in chosen:
        had = {name: copy(of[name][at]) for name, at in zip(ONCE, which, strict=True)}
        judged = structs.replace(judgement, risk=had.pop("risk"), ruling=had.pop("policy"), state=had.pop("line_state"))
        decisions.append(structs.replace(first, judgement=judged, **had))
    assert encode(decisions) == [encode([decision])[0] for decision in decisions]


def test_a_record_made_before_the_fields_of_today_reads_with_what_held_then() -> None:
    (written,) = encode([a_decision(payment(), 0.9)])
    today = json.loads(written)
    before = {**today, "line": {**today["line"]}, "risk": {**today["risk"]}}
    for part, name in ((before, "shape"), (before, "line_state"), (before, "draw"), (before, "subject")):
        del part[name]
    del before["line"]["arm"], before["risk"]["revision"]
    old = read(json.dumps(before).encode())
    assert shape_of(old) == 1
    assert old == {name: value for name, value in today.items() if name != "shape"}


def types_in(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: types_in(inner) for name, inner in value.items()}
    return [types_in(inner) for inner in value] if isinstance(value, list) else type(value)


@given(st.dictionaries(names, values, max_size=4), st.booleans(), st.sampled_from([None, 1]))
def test_a_record_reads_as_any_json_parser_reads_it(given: dict[str, Any], escaped: bool, indent: int | None) -> None:
    text = json.dumps({"input": given}, ensure_ascii=escaped, indent=indent)
    read = decode(text.encode())
    assert read == json.loads(text)
    assert types_in(read) == types_in(json.loads(text))


def test_an_input_that_is_nested_as_deep_as_a_contract_reads_can_be_read_again() -> None:
    deepest = max(depth for depth in range(1, 400) if can_be_read(nested(depth)))
    assert not can_be_read(b'{"input":%b}' % nested(deepest)), "a record is one level deeper"
    inner = decode(b'{"input":%b}' % nested(deepest))["input"]
    for _ in range(deepest - 1):
        (inner,) = inner
    assert inner == []


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


def can_be_read(text: bytes) -> bool:
    try:
        from_json(text)
    except ValueError:
        return False
    return True


def test_equal_records_have_unequal_digests_under_unequal_salts() -> None:
    (record,) = encode([a_decision(payment(), 0.5)])
    assert digest_of(b"0" * 16, record) != digest_of(b"1" * 16, record)
    assert digest_of(b"0" * 16, record) == digest_of(b"0" * 16, record)
