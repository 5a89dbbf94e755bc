"""The canonical record of a decision: the bytes that are stored, hashed and, years later, read again.

A record is one JSON object. The input is spliced in exactly as the caller sent it; everything else is written by us.
Its digest is SHA-256 over a random salt and the record, so that the audit chain, which keeps only the digest, says
nothing of the person once salt and record are erased.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

from andon.decisions.domain import Decision, LineRef, Risk
from andon.kernel.plain_json import to_json
from andon.policies import Ruling
from andon.serving import Assignment

SALT_BYTES = 16


def encode(decisions: Sequence[Decision]) -> list[bytes]:
    """The records of a batch as JSON bytes. What its decisions share (line, stages, assignment, ruling, risk) is written once."""
    shared: dict[int, bytes] = {}
    return [_encode(decision, shared) for decision in decisions]


def _encode(decision: Decision, shared: dict[int, bytes]) -> bytes:
    request, judgement = decision.request, decision.judgement
    ruling, prediction, fallback, risk = judgement.ruling, judgement.prediction, judgement.fallback, judgement.risk
    told: dict[str, Any] = {
        "id": str(request.id),
        "asked_at": request.asked_at,
        "happened_at": request.happened_at,
        "caller": request.caller,
        "correlation_id": request.correlation_id,
        "traceparent": request.traceparent,
        "idempotency_key": None if request.idempotency is None else request.idempotency.key,
        "features": decision.features,
        "prediction": None
        if prediction is None
        else {
            "score": prediction.score,
            "label": prediction.label,
            "confidence": prediction.confidence,
            "probabilities": prediction.probabilities,
        },
        "fallback": None if fallback is None else {"step": fallback.step, "because": fallback.because},
    }
    if request.arrived_at is not None:
        told["arrived_at"] = request.arrived_at
    own = to_json(told)
    line = shared.get(id(decision.line)) or _once(shared, decision.line, _line(decision.line))
    stages = shared.get(id(decision.stages_us)) or _once(shared, decision.stages_us, decision.stages_us)
    given = decision.assignment
    assignment = shared.get(id(given)) or _once(shared, given, _assignment(given))
    decided = shared.get(id(decision.decided_at)) or _once(shared, decision.decided_at, decision.decided_at)
    policy = shared.get(id(ruling)) or _once(shared, ruling, _policy(ruling))
    gate = shared.get(id(risk)) or _once(shared, risk, _risk(risk))
    return b"".join(
        (
            b'{"input":',
            request.raw,
            b",",
            own[1:-1],
            b',"risk":',
            gate,
            b',"policy":',
            policy,
            b',"decided_at":',
            decided,
            b',"line":',
            line,
            b',"assignment":',
            assignment,
            b',"stages_us":',
            stages,
            b"}",
        )
    )


def _once(shared: dict[int, bytes], part: object, values: object) -> bytes:
    """A part that several decisions of a batch have in common, as JSON; the batch holds it, so its identity names it."""
    encoded = shared[id(part)] = to_json(values)
    return encoded


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


def _risk(risk: Risk) -> Mapping[str, Any]:
    return {"certain": risk.certain, "threshold": risk.threshold, "target": risk.target}


def _policy(ruling: Ruling) -> Mapping[str, Any]:
    return {"outcome": ruling.outcome, "rule": ruling.rule, "reasons": ruling.reasons, "error": ruling.error}


def _assignment(given: Assignment) -> Mapping[str, Any]:
    return {
        "version": given.version,
        "chosen": given.chosen.value,
        "split": given.split,
        "bucket": given.bucket,
    }


def _line(line: LineRef) -> Mapping[str, Any]:
    return {
        "automation": line.automation,
        "version": line.automation_version,
        "model": {"name": line.model.name, "version": line.model.version, "digest": line.model.digest},
        "policy_version": line.policy_version,
    }
