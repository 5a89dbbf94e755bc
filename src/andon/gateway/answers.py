"""What a caller is told at once when it asks for a decision; what is known of it later is in `decisions.py`."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from time import perf_counter_ns
from typing import Any, Literal
from uuid import UUID

from fastapi import Response
from msgspec import Struct
from pydantic import BaseModel

from andon.decisions import Decision, DecisionRecord, DecisionRow, ModelRef
from andon.kernel.plain_json import to_json


class ModelUsed(BaseModel):
    """Which model version predicted."""

    name: str
    version: int
    digest: str


class AnswerOut(BaseModel):
    """The answer to a decide request."""

    id: UUID
    automation: str
    automation_version: int
    outcome: str
    rule: str
    reasons: list[str]
    score: float | None
    label: str | None
    confidence: float | None
    certain: bool
    model: ModelUsed
    policy_version: str
    correlation_id: str
    decided_at: datetime
    latency_ms: float


class PendingOut(BaseModel):
    """A request that was accepted and waits to be decided."""

    id: UUID
    status: Literal["pending"]
    location: str


class BadRowOut(BaseModel):
    """What stands in a batch's answer for a row that could not be decided: its number, from 0, and the problem document."""

    row: int
    error: dict[str, Any]


class _Answer(Struct, frozen=True, gc=False):
    """AnswerOut as it is written, but for its end: the latency is known only when somebody is told."""

    id: str
    automation: str
    automation_version: int
    outcome: str
    rule: str
    reasons: Sequence[str]
    score: float | None
    label: str | None
    confidence: float | None
    certain: bool
    model: ModelRef
    policy_version: str
    correlation_id: str
    decided_at: datetime


def as_json(shape: BaseModel, *, status: int, headers: Mapping[str, str]) -> Response:
    """An answer of another shape than the usual one of its route."""
    return Response(shape.model_dump_json(), status_code=status, headers=headers, media_type="application/json")


def answer_of(decision: Decision, draft: bytes | None = None) -> bytes:
    """The answer at once, in the shape of AnswerOut; `draft` is what `draft_of` made of this decision before."""
    milliseconds = (perf_counter_ns() - decision.request.began_ns) / 1e6
    return b'%b,"latency_ms":%.3f}' % (draft_of(decision) if draft is None else draft, milliseconds)


def draft_of(decision: Decision) -> bytes:
    """The answer without its latency and its last brace. Written by hand from the decision: this runs for every request."""
    request, line, judgement = decision.request, decision.line, decision.judgement
    prediction, ruling = judgement.prediction, judgement.ruling
    score, label, confidence = (
        (None, None, None) if prediction is None else (prediction.score, prediction.label, prediction.confidence)
    )
    return to_json(
        _Answer(
            str(request.id),
            line.automation,
            line.automation_version,
            ruling.outcome,
            ruling.rule,
            ruling.reasons,
            score,
            label,
            confidence,
            judgement.risk.certain,
            line.model,
            line.policy_version,
            request.correlation_id,
            decision.decided_at,
        )
    )[:-1]


def answer_of_record(record: DecisionRecord) -> bytes:
    """The answer again, from the ledger."""
    row, told = record.row, record.record
    return to_json(
        {
            **shared(row),
            "reasons": told["policy"]["reasons"],
            "label": None if told["prediction"] is None else told["prediction"]["label"],
            "model": told["line"]["model"],
        }
    )


def shared(row: DecisionRow) -> dict[str, Any]:
    """What every telling of a recorded decision holds."""
    return {
        "id": row.id,
        "automation": row.automation,
        "automation_version": row.automation_version,
        "outcome": row.outcome,
        "rule": row.rule,
        "score": row.score,
        "confidence": row.confidence,
        "certain": row.certain,
        "policy_version": row.policy_version,
        "correlation_id": row.correlation_id,
        "decided_at": row.decided_at,
        "latency_ms": row.latency_us / 1000,
    }
