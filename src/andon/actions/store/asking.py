"""SQL that finds dead letters with an unknown outcome that nobody was asked about."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from andon.actions.domain import UNKNOWN
from andon.decisions import DELIVER_ACTION
from andon.kernel.db import Tx

_TAKE_UNASKED = text(f"""
UPDATE outbox SET asked_at = :now WHERE id IN (
    SELECT id FROM outbox
    WHERE state = 'dead' AND topic = '{DELIVER_ACTION}' AND last_error LIKE '{UNKNOWN}%' AND asked_at IS NULL
    ORDER BY id LIMIT :limit FOR UPDATE SKIP LOCKED
)
RETURNING id
""")
"""Reads the partial index `outbox_unasked`, whose condition is the same, and nothing else of the outbox."""


def take_unasked(tx: Tx, *, now: datetime, limit: int) -> list[UUID]:
    """Note the oldest dead letters with an unknown outcome as asked about, each once. Return their ids in order."""
    return sorted(tx.execute(_TAKE_UNASKED, {"now": now, "limit": limit}).scalars())
