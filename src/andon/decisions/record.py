"""The canonical record of a decision: the bytes that are stored, hashed and, years later, read again.

A record is one JSON object. The input is spliced in exactly as the caller sent it; everything else is written by us.
Its digest is SHA-256 over a random salt and the record, so that the audit chain, which keeps only the digest, says
nothing of the person once salt and record are erased.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any

from pydantic_core import to_json

from andon.decisions.domain import Decision, LineRef

SALT_BYTES = 16


def encode(decision: Decision) -> bytes:
    """The record of a decision as JSON bytes."""
    request, judgement = decision.request, decision.judgement
    ruling, prediction, fallback = judgement.ruling, judgement.prediction, judgement.fallback
    assignment = decision.assignment
    written = to_json(
        {
            "id": request.id,
            "asked_at": request.asked_at,
            "decided_at": decision.decided_at,
            "caller": request.caller,
            "correlation_id": request.correlation_id,
            "traceparent": request.traceparent,
            "idempotency_key": None if request.idempotency is None else request.idempotency.key,
            "line": _line(decision.line),
            "features": decision.features,
            "prediction": None
            if prediction is None
            else {
                "score": prediction.score,
                "label": prediction.label,
                "confidence": prediction.confidence,
                "probabilities": prediction.probabilities,
            },
            "risk": {
                "certain": judgement.risk.certain,
                "threshold": judgement.risk.threshold,
                "target": judgement.risk.target,
            },
            "policy": {
                "outcome": ruling.outcome,
                "rule": ruling.rule,
                "reasons": ruling.reasons,
                "error": ruling.error,
            },
            "assignment": {
                "version": assignment.version,
                "chosen": assignment.chosen,
                "split": assignment.split,
                "bucket": assignment.bucket,
            },
            "fallback": None if fallback is None else {"step": fallback.step, "because": fallback.because},
            "stages_us": decision.stages_us,
        }
    )
    return b'{"input":' + request.raw + b"," + written[1:]


def decode(record: bytes) -> dict[str, Any]:
    """A record as values."""
    values: dict[str, Any] = json.loads(record)
    return values


def digest_of(salt: bytes, record: bytes) -> bytes:
    """What the audit chain keeps of a record: 32 bytes."""
    return sha256(salt + record).digest()


def moment(text: str) -> datetime:
    """A moment as a record writes it."""
    return datetime.fromisoformat(text)


def _line(line: LineRef) -> Mapping[str, Any]:
    return {
        "automation": line.automation,
        "version": line.automation_version,
        "model": {"name": line.model.name, "version": line.model.version, "digest": line.model.digest},
        "policy_version": line.policy_version,
    }
