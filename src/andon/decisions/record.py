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

from msgspec import UNSET, Struct, UnsetType
from pydantic_core import from_json

from andon.decisions.domain import Decision, Fallback, LineRef, Risk
from andon.kernel.plain_json import to_json
from andon.policies import Ruling
from andon.serving import Assignment, Prediction

SALT_BYTES = 16


class _Own(Struct, frozen=True, gc=False):
    """What each decision has for itself. Of an event it is told when it arrived."""

    id: str
    asked_at: datetime
    happened_at: datetime | None
    caller: str
    correlation_id: str
    traceparent: str | None
    idempotency_key: str | None
    features: Mapping[str, Any]
    prediction: Prediction | None
    fallback: Fallback | None
    arrived_at: datetime | UnsetType


def encode(decisions: Sequence[Decision]) -> list[bytes]:
    """The records of a batch as JSON bytes. What its decisions share (ruling, risk, line, assignment, stages) is written once."""
    shared: dict[tuple[int, ...], bytes] = {}
    return [_encode(decision, shared) for decision in decisions]


def _encode(decision: Decision, shared: dict[tuple[int, ...], bytes]) -> bytes:
    """The batch holds what its decisions share, so that its identity names it."""
    request, judgement, line, at = decision.request, decision.judgement, decision.line, decision.decided_at
    ruling, risk, given, stages = judgement.ruling, judgement.risk, decision.assignment, decision.stages_us
    own = to_json(
        _Own(
            str(request.id),
            request.asked_at,
            request.happened_at,
            request.caller,
            request.correlation_id,
            request.traceparent,
            None if request.idempotency is None else request.idempotency.key,
            decision.features,
            judgement.prediction,
            judgement.fallback,
            UNSET if request.arrived_at is None else request.arrived_at,
        )
    )
    of = (id(ruling), id(risk), id(line), id(given), id(stages), id(at))
    rest = shared.get(of)
    if rest is None:
        rest = shared[of] = to_json(
            {
                "risk": _risk(risk),
                "policy": _policy(ruling),
                "decided_at": at,
                "line": _line(line),
                "assignment": _assignment(given),
                "stages_us": stages,
            }
        )[1:]
    return b"".join((b'{"input":', request.raw, b",", own[1:-1], b",", rest))


def decode(record: bytes) -> dict[str, Any]:
    """A record as values."""
    values: dict[str, Any]
    try:
        values = from_json(record, cache_strings="keys")  # in a third of the time
    except ValueError:  # an input that was nested as deep as this reads is one level deeper here
        values = json.loads(record)
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
