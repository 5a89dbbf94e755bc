"""Evidence of a gate: since when it counts, and with which probability somebody looked."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from andon.authoring import Truth
from andon.cord import LineState
from andon.decisions import DecisionRow
from andon.kernel.ids import uuid7
from andon.labels import Label, LabelSource
from andon.proofs.domain import GateEvidence
from andon.proofs.evidence import Floors, NotYet, concerns_gate, evidence_of, segment_in

NOW = datetime(2026, 12, 1, tzinfo=UTC)
MONTH = timedelta(days=30)
SAYS = Truth({"pause": "fraud", "release": "ok"}, matures=MONTH)
SILENT = replace(SAYS, unreported="ok")


def a_row(**changes: Any) -> DecisionRow:
    values: dict[str, Any] = dict.fromkeys(DecisionRow.__dataclass_fields__)
    values |= {
        "id": uuid7(NOW),
        "automation": "gated",
        "arm": "m@1+p",
        "decided_at": NOW,
        "outcome": "release",
        "label": "ok",
        "confidence": 0.97,
        "certain": True,
        "line_state": LineState.AUTOMATIC,
        "gate_revision": 1,
    }
    return DecisionRow(**(values | changes))


def a_label(row: DecisionRow, source: LabelSource, value: str = "ok", probability: float = 1.0) -> Label:
    return Label(uuid7(NOW), row.id, "gated", value, value, source, probability, "olga", NOW, NOW)


def found(
    row: DecisionRow,
    *given: Label,
    truth: Truth = SAYS,
    at: datetime = NOW,
    floor: float | None = 0.05,
    swept: bool = False,
) -> GateEvidence | NotYet | None:
    return evidence_of(row, given, truth, {}, lambda _: Floors(floor, floor), now=at, swept=swept)


def test_a_blind_audit_counts_at_once_with_its_probability() -> None:
    row = a_row()
    one = found(row, a_label(row, LabelSource.BLIND_AUDIT, "fraud", 0.05))
    assert isinstance(one, GateEvidence)
    assert (one.predicted, one.actual, one.propensity, one.floor) == ("ok", "fraud", 0.05, 0.05)
    assert (one.automatic, one.audited) == (True, True)


def test_a_review_outside_the_region_weighs_as_little_as_it_was_likelier_to_be_looked_at() -> None:
    row = a_row(certain=False, outcome="review", confidence=0.6)
    one = found(row, a_label(row, LabelSource.REVIEW))
    assert isinstance(one, GateEvidence)
    assert (one.propensity, one.floor, one.automatic) == (1.0, 0.05, False)


def test_where_a_part_of_the_line_is_never_looked_at_reviews_prove_nothing() -> None:
    row = a_row(certain=False, outcome="review", confidence=0.6)
    assert found(row, a_label(row, LabelSource.REVIEW), floor=None) is None


def test_a_report_counts_when_it_is_mature() -> None:
    row = a_row()
    given = a_label(row, LabelSource.EVENT, "fraud")
    assert found(row, given) == NotYet(NOW + MONTH)
    one = found(row, given, at=NOW + MONTH)
    assert isinstance(one, GateEvidence)
    assert one.actual == "fraud"


def test_a_report_that_contradicts_an_audit_counts_at_once_in_its_place() -> None:
    row = a_row()
    one = found(row, a_label(row, LabelSource.BLIND_AUDIT, "ok", 0.05), a_label(row, LabelSource.EVENT, "fraud"))
    assert isinstance(one, GateEvidence)
    assert (one.actual, one.propensity) == ("fraud", 0.05)


def test_silence_counts_only_among_decisions_that_were_all_looked_at() -> None:
    row = a_row()
    assert found(row, truth=SILENT, at=NOW + MONTH) is None
    one = found(row, truth=SILENT, at=NOW + MONTH, swept=True, floor=1.0)
    assert isinstance(one, GateEvidence)
    assert (one.actual, one.propensity) == ("ok", 1.0)
    fraud = a_label(row, LabelSource.EVENT, "fraud")
    assert found(row, fraud, truth=SILENT, at=NOW + MONTH) is None


def test_silence_says_nothing_of_what_was_paused() -> None:
    row = a_row(outcome="pause", label="fraud")
    assert found(row, truth=SILENT, at=NOW + MONTH, swept=True) is None
    assert found(row, a_label(row, LabelSource.EVENT, "ok"), truth=SILENT, at=NOW + MONTH, swept=True) is None


@pytest.mark.parametrize(
    ("changes", "concerns"),
    [
        ({}, True),
        ({"certain": False, "outcome": "review"}, True),
        ({"outcome": "review"}, False),
        ({"outcome": "review", "line_state": LineState.SUPERVISED}, True),
        ({"line_state": LineState.STOPPED}, False),
        ({"label": None, "confidence": None}, False),
    ],
    ids=["automatic", "uncertain", "asked by the policy", "supervised", "stopped", "unpredicted"],
)
def test_which_decisions_the_gate_has_to_do_with(changes: dict[str, Any], concerns: bool) -> None:
    assert concerns_gate(a_row(**changes)) is concerns


CONTRACT = {
    "properties": {
        "country": {"type": "string", "default": "DE"},
        "size": {"type": "integer"},
        "tags": {"type": "array"},
    }
}


@pytest.mark.parametrize(
    ("given", "field", "segment"),
    [
        ({"country": "FR"}, "country", {"country": "FR"}),
        ({}, "country", {"country": "DE"}),
        ({}, None, {}),
        ({"size": "5"}, "size", {"size": 5}),
        ({}, "size", {}),
        ({"size": "many"}, "size", {}),
        ({"tags": []}, "tags", {}),
    ],
)
def test_the_segment_of_an_input_is_what_the_contract_makes_of_it(
    given: dict[str, Any], field: str | None, segment: dict[str, Any]
) -> None:
    assert segment_in(given, field, CONTRACT) == segment
