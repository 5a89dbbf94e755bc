"""The inbox: events that arrived by HTTP, until they are decided."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import String, cast, delete, select, text

from andon.kernel.db import Tx
from andon.streams.tables import event_inbox, stream_partitions

_p = stream_partitions.c


_PUT = text("""
INSERT INTO event_inbox (automation, shelf, source, event_id, key, headers, data, caller, received_at)
SELECT automation, shelf, source, event_id, key, headers, data, :caller, :now
FROM unnest(
    CAST(:automation AS text[]), CAST(:shelf AS int[]), CAST(:source AS text[]), CAST(:event_id AS text[]),
    CAST(:key AS text[]),
    CAST(:headers AS jsonb[]), CAST(:data AS bytea[]))
    WITH ORDINALITY AS n(automation, shelf, source, event_id, key, headers, data, number)
ORDER BY number
ON CONFLICT DO NOTHING
RETURNING automation, source, event_id
""")


def put(
    tx: Tx, rows: Sequence[Mapping[str, Any]], caller: str, now: datetime
) -> set[tuple[str, str | None, str | None]]:
    """Keep events that arrived by HTTP, in this order; return automation, source and id of the new ones."""
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    return {tuple(row) for row in tx.execute(_PUT, {**columns, "caller": caller, "now": now})}


def forget(tx: Tx, before: datetime) -> int:
    """Delete decided events that arrived before a moment; return how many."""
    behind = (
        select(_p.partition)
        .where(
            _p.automation == event_inbox.c.automation,
            _p.partition == cast(event_inbox.c.shelf, String),
            _p.stream.startswith("http:"),
            _p.position <= event_inbox.c.position,
        )
        .exists()
    )
    return tx.execute(delete(event_inbox).where(event_inbox.c.received_at < before, ~behind)).rowcount
