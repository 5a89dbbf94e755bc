"""Committed decisions as readers of the feed get them, without a database."""

import struct
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from msgspec import convert

from andon.cord import LineState
from andon.decisions import FeedGroup, WholeRecord

AT = datetime(2026, 12, 1, 12, tzinfo=UTC)


def a_group(*confidences: float, **changes: Any) -> FeedGroup:
    """Return automatic decisions with these confidences; `changes` replace columns."""
    own = confidences or (0.95,)
    columns: dict[str, Any] = {
        "automation": "gated",
        "automation_version": 1,
        "arm": "m@1+p",
        "model": "m",
        "model_version": 1,
        "policy_version": "p",
        "outcome": "release",
        "rule": "safe",
        "label": "ok",
        "certain": True,
        "line_state": LineState.AUTOMATIC,
        "gate_revision": 3,
        "audit_probability": 0.0,
        "audit_drawn": False,
        "automatic": True,
        "starts_at": AT,
        "band": 0,
        "ids": b"".join(uuid4().bytes for _ in own),
        "confidences": struct.pack(f">{len(own)}d", *own),
    }
    return FeedGroup(**{**columns, **changes})


def a_whole_record(given: dict[str, Any], outcome: str = "release", at: datetime = AT) -> WholeRecord:
    """Return the record of a decision on an input."""
    record = {
        "input": given,
        "asked_at": at,
        "decided_at": at,
        "caller": "bank",
        "correlation_id": "c",
        "features": {},
        "prediction": None,
        "risk": {"certain": True, "threshold": 0.9, "target": 0.01},
        "policy": {"outcome": outcome, "rule": "safe", "reasons": []},
        "line": {
            "automation": "gated",
            "version": 1,
            "model": {"name": "m", "version": 1, "digest": "d"},
            "policy_version": "p",
        },
    }
    return convert(record, WholeRecord)
