"""A record holds the input as it was sent, and its digest says nothing without the salt."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from andon.decisions import Decision
from andon.decisions.record import decode, digest_of, encode
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


def test_equal_records_have_unequal_digests_under_unequal_salts() -> None:
    (record,) = encode([a_decision(payment(), 0.5)])
    assert digest_of(b"0" * 16, record) != digest_of(b"1" * 16, record)
    assert digest_of(b"0" * 16, record) == digest_of(b"0" * 16, record)
