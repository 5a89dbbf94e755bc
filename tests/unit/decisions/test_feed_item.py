"""What readers of the feed get of a record: the declared fields, typed, of records of any shape and with any input."""

import json
from datetime import timedelta
from typing import get_type_hints
from uuid import UUID

import pytest
from msgspec import structs

from andon.cord import LineState
from andon.decisions import FIELDS, Decision, Draw, FeedItem, FeedRecord
from andon.decisions.record import encode
from andon.testing import decide
from automations import an_automation, payment

WRITER = UUID(int=1)


def an_item(record: bytes) -> FeedItem:
    return FeedItem(UUID(int=7).bytes, WRITER, 3, 1500, record)


def a_decision() -> Decision:
    (decision,) = decide(an_automation(), [payment()], model=lambda _: 0.9)
    request = structs.replace(decision.request, happened_at=decision.decided_at - timedelta(hours=1))
    judgement = structs.replace(
        decision.judgement, state=LineState.SUPERVISED, risk=structs.replace(decision.judgement.risk, revision=4)
    )
    return structs.replace(
        decision, request=request, judgement=judgement, draw=Draw(0.25, drawn=True), subject=b"\1" * 16
    )


def test_an_item_reads_as_what_was_decided() -> None:
    decision = a_decision()
    item = an_item(*encode([decision]))
    request, judgement = decision.request, decision.judgement
    assert item.id == UUID(int=7)
    assert item.input() == payment()
    assert item.read() == FeedRecord(
        asked_at=request.asked_at,
        decided_at=decision.decided_at,
        caller=request.caller,
        correlation_id=request.correlation_id,
        features=decision.features,
        prediction=judgement.prediction,
        risk=judgement.risk,
        policy=judgement.ruling,
        line=decision.line,
        assignment=decision.assignment,
        happened_at=request.happened_at,
        line_state=LineState.SUPERVISED,
        draw=Draw(0.25, drawn=True),
        subject="01" * 16,
    )


def test_the_fields_are_those_of_the_record_as_they_are_declared() -> None:
    declared = {field.record: field for field in FIELDS.values() if field.record}
    for name, kind in get_type_hints(FeedRecord).items():
        field = declared[name]
        if field.type == bytes | None:
            assert kind == str | None, "bytes are written as hexadecimal digits"
        else:
            assert kind in (field.type, field.type | None)
        default = next(one for one in structs.fields(FeedRecord) if one.name == name)
        assert field.since == 1 or not default.required, f"{name} is missing in older records"


def test_an_older_record_reads_with_what_held_then() -> None:
    record = json.loads(encode([a_decision()])[0])
    for name in ("shape", "line_state", "draw", "subject"):
        del record[name]
    del record["line"]["arm"], record["risk"]["revision"]
    read = an_item(json.dumps(record).encode()).read()
    assert (read.line_state, read.draw, read.subject, read.risk.revision) == (LineState.AUTOMATIC, Draw(), None, 0)
    assert read.line == a_decision().line


@pytest.mark.parametrize("given", ["[" * 400 + "]" * 400, "NaN"])
def test_an_input_that_is_hard_to_pass_over_keeps_nobody_from_the_rest(given: str) -> None:
    decision = a_decision()
    record = encode([structs.replace(decision, request=structs.replace(decision.request, raw=given.encode()))])[0]
    assert an_item(record).read().policy == decision.judgement.ruling
