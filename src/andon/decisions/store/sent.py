"""SQL about the deliveries that decisions set off, as `andon audit verify` reads them. Never commits."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text

from andon.decisions.domain import DELIVER_ACTION
from andon.kernel.db import Tx, fetch_binary

_SET_OFF = (
    f"m.topic = '{DELIVER_ACTION}' AND m.id <> m.subject AND m.payload -> 'event' IS NULL "
    "AND m.payload -> 'decision' IS NULL AND m.payload -> 'verdict' IS NULL"
)
"""Selects the messages that records of decisions name. Later messages, and those about events, differ in payload."""

_STANDING = """
SELECT id, scope, subject, payload::text, correlation_id, traceparent,
    CASE WHEN isfinite(created_at) THEN (extract(epoch FROM created_at) * 1000000)::bigint END
FROM outbox WHERE id = ANY(%(ids)s::uuid[])
"""


class SetOff(NamedTuple):
    """A delivery that a decision set off, with the record of the decision if that exists."""

    id: UUID
    record: bytes | None


def standing(tx: Tx, ids: Sequence[str]) -> dict[str, tuple[Any, ...]]:
    """Return those of these messages that exist, as the values that a digest covers, by id."""
    return {str(row[0]): row for row in fetch_binary(tx, _STANDING, {"ids": list(ids)})}


def count_set_off(tx: Tx) -> int:
    """Count the deliveries that decisions set off."""
    return int(tx.execute(text(f"SELECT count(*) FROM outbox AS m WHERE {_SET_OFF}")).scalar_one())


def set_off(tx: Tx) -> Iterator[SetOff]:
    """Yield the deliveries that decisions set off, from a server-side cursor."""
    query = text(
        f"SELECT m.id, d.record FROM outbox AS m LEFT JOIN decisions AS d ON d.id = m.subject WHERE {_SET_OFF}"
    )
    for identifier, record in tx.execute(query, execution_options={"stream_results": True, "yield_per": 1000}):
        yield SetOff(identifier, None if record is None else bytes(record))
