"""The deliveries that the record of a decision names: their ids, and digests of their content. Pure.

A digest is the SHA-256 of a JSON array without spaces: id, scope, subject, payload (the text of the column),
correlation_id, traceparent, created_at (microseconds since 1970).
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

import msgspec

from andon.decisions.domain import DELIVER_ACTION
from andon.kernel.outbox import Message

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_encode = msgspec.json.Encoder().encode


def digests_of(messages: Sequence[Message], payloads: Sequence[str]) -> dict[UUID, dict[str, str]]:
    """Return the digests of the deliveries in a batch's messages, by decision; `payloads` are their JSON texts."""
    found: dict[UUID, dict[str, str]] = {}
    for message, payload in zip(messages, payloads, strict=True):
        if message.topic == DELIVER_ACTION:
            at = (message.created_at - _EPOCH) // _MICROSECOND
            digest = digest_of(
                message.id, message.scope, message.subject, payload, message.correlation_id, message.traceparent, at
            )
            found.setdefault(message.subject, {})[str(message.id)] = digest
    return found


def digest_of(*values: Any) -> str:
    """Return the digest of a delivery's values, in hexadecimal digits."""
    return sha256(_encode(values)).hexdigest()
