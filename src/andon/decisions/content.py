"""The content that is sent outside about a decision: read from the ledger when it is sent, never kept in a queue.

Each message of DELIVER_ACTION names its decision by `subject`. Its payload says how to read it: with `verdict` the
outcome is the one that a person chose, with `answer` the receiver waits for the whole answer. A payload with an object
under `decision` has content of its own instead: a procedure's delivery, a request that failed, or a message from an
older version that copied decisions.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import asyncpg

from andon.decisions.domain import DecisionRecord
from andon.decisions.shape import Shown, shown
from andon.decisions.shaping import json_of_recorded
from andon.decisions.store import reading
from andon.kernel.outbox import Message


def content_of(record: DecisionRecord, verdict: str | None = None) -> dict[str, Any]:
    """Return the part of a decision that is sent outside. `verdict` is the outcome that a person chose instead."""
    content = _shown_outside(record.row, record.record)
    return content if verdict is None else {**content, "outcome": verdict, "decided_by": "review"}


_shown_outside = json_of_recorded(shown(Shown.OUTSIDE))


def answer_content_of(record: DecisionRecord) -> dict[str, Any]:
    """Return the answer to an accepted request: the decision, and the fact that it was made."""
    return {**content_of(record), "status": "decided"}


def own_content_of(message: Message) -> Mapping[str, Any] | None:
    """Return a message's own content, such as that of an event; None if the content is its decision."""
    event = message.payload.get("event")
    content = event["data"] if isinstance(event, Mapping) else message.payload.get("decision")
    return content if isinstance(content, Mapping) else None


async def contents_of(connection: asyncpg.Connection, messages: Sequence[Message]) -> dict[UUID, Mapping[str, Any]]:
    """Return the content of each of these messages by the message's id, read in one query.

    A message whose decision cannot be read is left out.
    """
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
