"""The content of what is sent outside about a decision. It is read from the ledger when it is sent, never kept in a queue.

Each message of DELIVER_ACTION names its decision by `subject`. Its payload says how to read it: with `verdict` the outcome is
the one that a person chose, with `answer` the receiver waits for the whole answer. A payload with an object under `decision` has
content of its own instead: a procedure's delivery, a request that failed, or a message of a version that copied decisions.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import asyncpg

from andon.decisions.domain import DecisionRecord
from andon.decisions.store import reading
from andon.kernel.outbox import Message


def content_of(record: DecisionRecord, verdict: str | None = None) -> dict[str, Any]:
    """What the outside receives of a decision, in this order. `verdict` is the outcome that a person chose instead."""
    row, whole = record.row, record.record
    prediction = whole["prediction"] or {}
    return {
        "id": str(row.id),
        "automation": row.automation,
        "automation_version": row.automation_version,
        "outcome": row.outcome if verdict is None else verdict,
        "rule": row.rule,
        "reasons": whole["policy"]["reasons"],
        "score": prediction.get("score"),
        "confidence": prediction.get("confidence"),
        "model": {"name": row.model, "version": row.model_version},
        "policy_version": row.policy_version,
        "decided_at": row.decided_at.isoformat(),
        "decided_by": "policy" if verdict is None else "review",
        "correlation_id": row.correlation_id,
        "input": whole["input"],
    }


def answer_content_of(record: DecisionRecord) -> dict[str, Any]:
    """What the one who waits for an accepted request receives: the decision, and what an answer to a call says besides."""
    prediction = record.record["prediction"]
    return {
        **content_of(record),
        "status": "decided",
        "label": None if prediction is None else prediction["label"],
        "certain": record.row.certain,
    }


def own_content_of(message: Message) -> Mapping[str, Any] | None:
    """What a message sends if it has content of its own; None if that is its decision."""
    content = message.payload.get("decision")
    return content if isinstance(content, Mapping) else None


async def contents_of(connection: asyncpg.Connection, messages: Sequence[Message]) -> dict[UUID, Mapping[str, Any]]:
    """What each of these messages sends, by its id, read in one query. One whose decision cannot be read is left out."""
    contents = {message.id: own for message in messages if (own := own_content_of(message)) is not None}
    referring = [message for message in messages if message.id not in contents]
    records = await reading.fetch_all(connection, {message.subject for message in referring})
    found = {
        message.id: _read(message, records[message.subject]) for message in referring if message.subject in records
    }
    return contents | found


def _read(message: Message, record: DecisionRecord) -> dict[str, Any]:
    payload = message.payload
    return answer_content_of(record) if payload.get("answer") else content_of(record, payload.get("verdict"))
