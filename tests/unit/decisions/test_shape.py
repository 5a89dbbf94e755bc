"""What is declared of a field holds for real decisions: its type, its column, its place in the record and in JSON."""

import json
from typing import Any
from uuid import UUID

import msgspec
import pytest
from msgspec.structs import replace

from andon.cord import LineState
from andon.decisions import FIELDS, Decision, Draw, Fallback, Field, Risk, Shown, shown
from andon.decisions.record import decode, encode
from andon.decisions.shape import COLUMNS, RECORD_SHAPE, ColumnForm
from andon.decisions.shaping import columns_of_record, json_of_recorded, values_of
from andon.gateway.answers import answer_of, answer_of_record
from andon.testing import decide
from automations import an_automation, payment
from recorded import recorded_of

SUBJECT = bytes(range(16))


def a_decision(*, predicted: bool = True) -> Decision:
    (decision,) = decide(an_automation(), [payment()], model=lambda _: 0.9)
    judgement = replace(decision.judgement, risk=Risk(True, 0.5, 0.01, revision=7), state=LineState.SUPERVISED)
    if not predicted:
        judgement = replace(judgement, prediction=None, fallback=Fallback("review", "PREDICTION_FAILED"))
    return replace(decision, judgement=judgement, draw=Draw(0.25, drawn=True), subject=SUBJECT)


def at(values: Any, path: str) -> Any:
    for key in path.split("."):
        values = values[key]
    return values


@pytest.mark.parametrize("predicted", [True, False])
@pytest.mark.parametrize(
    "field", [field for field in FIELDS.values() if field.of or field.record], ids=lambda f: f.name
)
def test_a_decision_has_the_field_in_the_type_that_is_declared(field: Field, predicted: bool) -> None:
    (value,) = values_of([field])(a_decision(predicted=predicted), 10**19)
    if value is not msgspec.UNSET:
        assert msgspec.convert(value, field.type, from_attributes=True, strict=True) == value


@pytest.mark.parametrize("predicted", [True, False])
def test_the_columns_follow_from_the_record(predicted: bool) -> None:
    decision = a_decision(predicted=predicted)
    expected = {name: field for name, field in COLUMNS.items() if field.record}
    columns = dict(zip(expected, values_of(expected.values())(decision), strict=True))
    assert columns_of_record()(decode(*encode([decision]))) == columns
    assert set(COLUMNS) - set(expected) == {"latency_us"}


def test_the_record_has_each_field_at_its_path_and_no_other() -> None:
    decision = a_decision()
    record = json.loads(*encode([decision], {decision.request.id: {"a": "digest"}}))
    declared = {field.record for field in FIELDS.values() if field.record}
    for path in declared - {"arrived_at"}:
        at(record, path)
    assert set(record) == {path.partition(".")[0] for path in declared - {"arrived_at"}} | {"shape"}
    assert record["shape"] == RECORD_SHAPE
    assert record["deliveries"] == {"a": "digest"}
    assert "deliveries" not in json.loads(*encode([decision])), "only what decisions with deliveries need is written"


def test_an_answer_and_the_same_from_the_ledger_have_the_declared_fields() -> None:
    decision = a_decision()
    answer, again = json.loads(answer_of(decision)), json.loads(answer_of_record(recorded_of(decision)))
    assert list(answer) == [field.path for field in shown(Shown.ANSWER)]
    assert answer | {"latency_ms": 0} == again | {"latency_ms": 0}
    assert (answer["arm"], answer["gate_revision"], answer["line_state"]) == (decision.line.arm, 7, "supervised")
    assert "audit_drawn" not in answer, "who asks must not see that it is audited blindly"


def test_bytes_are_shown_as_hexadecimal_digits() -> None:
    recorded = recorded_of(a_decision())
    assert json_of_recorded(shown(Shown.LIST))(recorded.row, {})["subject_hash"] == SUBJECT.hex()
    assert recorded.record["subject"] == SUBJECT.hex()


def test_a_column_that_is_shared_has_a_value_that_can_be_hashed() -> None:
    shared = [field for field in COLUMNS.values() if field.column is ColumnForm.SHARED]
    assert isinstance(hash(values_of(shared)(a_decision())), int)


def test_an_arm_is_named_by_model_version_and_policy_version() -> None:
    line = a_decision().line
    assert line.arm == f"{line.model.name}@{line.model.version}+{line.policy_version[:12]}"
    assert replace(line, policy_version="0123456789abcdef").arm.endswith("+0123456789ab")
    assert replace(line, arm=f"{line.arm}~0.93").arm == f"{line.arm}~0.93"
    assert replace(line, arm="other@9+0123456789ab~0.93").arm == line.arm


def test_a_field_is_declared_with_a_meaning_in_a_sentence() -> None:
    for field in FIELDS.values():
        assert field.meaning[0].isupper(), field.name
        assert field.meaning.endswith("."), field.name


def test_an_id_is_a_uuid_of_version_7() -> None:
    (value,) = values_of([FIELDS["id"]])(a_decision())
    assert isinstance(value, UUID)
    assert value.version == 7
