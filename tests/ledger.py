"""Decisions as stored in the ledger, for tests that begin after deciding."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from andon.decisions import Decision, DecisionRecord, DecisionRow
from andon.decisions.record import decode, encode
from andon.kernel import outbox
from andon.kernel.db import Tx
from andon.kernel.ids import time_of

INPUT = {
    "payment_id": "p-1",
    "amount": 20.0,
    "name": 'Zoë "Z" \\ \u2028',
    "big": 2**70,
    "nested": {"b": [1, None], "a": 1e-9},
}

_MODEL = {"name": "fraud-risk", "version": 8, "digest": "d8"}

_WRITE = text("""
INSERT INTO decisions (
    id, automation, automation_version, decided_at, outcome, rule, score, confidence, certain, model, model_version,
    policy_version, caller, correlation_id, latency_us, writer, seq, salt, record)
VALUES (
    :id, :automation, 3, :at, :outcome, 'safe', :score, 0.97, true, 'fraud-risk', 8, 'abc', 'bank', :correlation_id,
    900,
    gen_random_uuid(), 1, :salt, :record)
ON CONFLICT DO NOTHING
""")


def record(
    tx: Tx,
    messages: Sequence[outbox.Message],
    *,
    outcome: str = "release",
    score: float = 0.03,
    written: bytes | None = None,
) -> None:
    """Write the decisions that messages are about, each once; `written` in place of their records."""
    rows = [_row(message, outcome, score) for message in messages]
    if rows:
        tx.execute(_WRITE, rows if written is None else [{**row, "record": written} for row in rows])


def content(message: outbox.Message, **changes: Any) -> dict[str, Any]:
    """Return what a message's receiver gets of a decision that `record` wrote, field by field and in order."""
    values = {
        "id": str(message.subject),
        "automation": message.scope,
        "automation_version": 3,
        "decided_at": _decided_at(message.subject).isoformat(),
        "outcome": "release",
        "rule": "safe",
        "score": 0.03,
        "label": "fraud",
        "confidence": 0.97,
        "certain": True,
        "gate_revision": 0,
        "line_state": "automatic",
        "model": {"name": "fraud-risk", "version": 8},
        "policy_version": "abc",
        "arm": "fraud-risk@8+abc",
        "correlation_id": message.correlation_id,
        "input": INPUT,
        "reasons": ["KNOWN"],
        "decided_by": "policy",
    }
    return {**values, **changes}


def as_recorded(decision: Decision) -> DecisionRecord:
    """Return a decision as the ledger gives it back."""
    request, line, prediction = decision.request, decision.line, decision.prediction
    listed = {
        "line_state": decision.judgement.state,
        "gate_revision": decision.judgement.risk.revision,
        "label": prediction and prediction.label,
        "arm": line.arm,
        "id": request.id,
        "automation": line.automation,
        "automation_version": line.automation_version,
        "decided_at": decision.decided_at,
        "outcome": decision.outcome,
        "rule": decision.rule,
        "score": prediction and prediction.score,
        "confidence": prediction and prediction.confidence,
        "certain": decision.judgement.risk.certain,
        "model": line.model.name,
        "model_version": line.model.version,
        "policy_version": line.policy_version,
        "caller": request.caller,
        "correlation_id": request.correlation_id,
        "latency_us": 0,
    }
    row = DecisionRow(**{name: listed.get(name) for name in DecisionRow.__dataclass_fields__})  # type: ignore[arg-type]
    return DecisionRecord(row, UUID(int=0), 1, b"", decode(encode([decision])[0]), "")


def _row(message: outbox.Message, outcome: str, score: float) -> Mapping[str, Any]:
    written = {
        "input": INPUT,
        "prediction": {"score": score, "label": "fraud", "confidence": 0.97, "probabilities": {"fraud": score}},
        "policy": {"outcome": outcome, "rule": "safe", "reasons": ["KNOWN"], "error": None},
        "line": {"automation": message.scope, "version": 3, "model": _MODEL, "policy_version": "abc"},
        "assignment": {"version": 8, "chosen": "split", "split": 0, "bucket": None},
        "risk": {"certain": True, "threshold": 0.9, "target": 0.01},
    }
    return {
        "id": message.subject,
        "automation": message.scope,
        "at": _decided_at(message.subject),
        "outcome": outcome,
        "score": score,
        "correlation_id": message.correlation_id,
        "salt": bytes(16),
        "record": json.dumps(written).encode(),
    }


def _decided_at(decision_id: UUID) -> datetime:
    return time_of(decision_id)
