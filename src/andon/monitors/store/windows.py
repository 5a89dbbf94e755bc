"""SQL about windows of decisions and the slots of service levels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import text

from andon.kernel.db import Tx
from andon.kernel.plain_json import to_json
from andon.monitors.sums import Sums

_LOCKED = text("""
SELECT w.automation, w.arm, w.starts_at, w.body FROM monitor_windows w
JOIN unnest(CAST(:automations AS text[]), CAST(:arms AS text[]), CAST(:starts AS timestamptz[])) AS k (automation, arm, starts_at)
    ON (w.automation, w.arm, w.starts_at) = (k.automation, k.arm, k.starts_at)
ORDER BY w.automation, w.starts_at, w.arm FOR UPDATE OF w
""")

_WRITE = text("""
INSERT INTO monitor_windows (automation, arm, starts_at, span_hours, model, version, decisions, body)
VALUES (:automation, :arm, :starts_at, :span_hours, :model, :version, :decisions, CAST(:body AS json))
ON CONFLICT (automation, starts_at, arm) DO UPDATE SET decisions = excluded.decisions, body = excluded.body,
    span_hours = greatest(monitor_windows.span_hours, excluded.span_hours)
""")

_ADD_SLOTS = text("""
INSERT INTO monitor_slots AS s (automation, starts_at, decisions, met)
SELECT * FROM unnest(CAST(:automations AS text[]), CAST(:starts AS timestamptz[]), CAST(:decisions AS bigint[]), CAST(:met AS bigint[]))
ON CONFLICT (automation, starts_at) DO UPDATE SET decisions = s.decisions + excluded.decisions, met = s.met + excluded.met
""")

_BURN = text("""
SELECT span.minutes, coalesce(sum(s.decisions), 0)::bigint AS decisions, coalesce(sum(s.met), 0)::bigint AS met
FROM unnest(CAST(:minutes AS int[])) AS span (minutes)
LEFT JOIN monitor_slots s ON s.automation = :automation AND s.starts_at < :until
    AND s.starts_at >= CAST(:until AS timestamptz) - span.minutes * interval '1 minute'
GROUP BY span.minutes
""")

@dataclass(frozen=True, slots=True)
class StoredWindow:
    """The sums of one arm from `starts_at` on, for an hour or a day."""

    automation: str
    arm: str
    starts_at: datetime
    span_hours: int
    model: str
    version: int
    decisions: int
    body: Sums


def locked(tx: Tx, keys: Sequence[tuple[str, str, datetime]]) -> dict[tuple[str, str, datetime], Sums]:
    """Return the sums of these windows, and let nobody else change them until the transaction ends."""
    if not keys:
        return {}
    automations, arms, starts = (list(column) for column in zip(*keys, strict=True))
    found = tx.execute(_LOCKED, {"automations": automations, "arms": arms, "starts": starts})
    return {(row.automation, row.arm, row.starts_at): row.body for row in found}


def write(tx: Tx, windows: Sequence[StoredWindow]) -> None:
    """Write windows in place of what stands there."""
    rows = [
        {
            "automation": one.automation,
            "arm": one.arm,
            "starts_at": one.starts_at,
            "span_hours": one.span_hours,
            "model": one.model,
            "version": one.version,
            "decisions": one.decisions,
            "body": to_json(one.body).decode(),
        }
        for one in sorted(windows, key=lambda one: (one.automation, one.starts_at, one.arm))
    ]
    if rows:
        tx.execute(_WRITE, rows)


def windows(tx: Tx, automation: str, since: datetime, until: datetime) -> list[StoredWindow]:
    """Return the windows of an automation that begin between two moments, oldest first."""
    query = text("""
        SELECT automation, arm, starts_at, span_hours, model, version, decisions, body FROM monitor_windows
        WHERE automation = :automation AND starts_at >= :since AND starts_at < :until ORDER BY starts_at, arm
    """)
    found = tx.execute(query, {"automation": automation, "since": since, "until": until})
    return [StoredWindow(*row) for row in found]


def first_start(tx: Tx, automation: str) -> datetime | None:
    """Return when the first window of an automation began; None if it has none."""
    query = text("SELECT min(starts_at) FROM monitor_windows WHERE automation = :automation")
    found: datetime | None = tx.execute(query, {"automation": automation}).scalar_one()
    return found


def slot_counts(tx: Tx, automations: Sequence[str], first: datetime, last: datetime) -> dict[tuple[str, datetime], int]:
    """Return the decisions counted so far in each slot between two moments, both included."""
    query = text("""
        SELECT automation, starts_at, decisions FROM monitor_slots
        WHERE automation = ANY(:automations) AND starts_at BETWEEN :first AND :last
    """)
    found = tx.execute(query, {"automations": list(automations), "first": first, "last": last})
    return {(row.automation, row.starts_at): row.decisions for row in found}


def add_slots(tx: Tx, slots: Mapping[tuple[str, datetime], tuple[int, int]]) -> None:
    """Add decisions, and those that kept the service level, to slots; always in the same order."""
    if not slots:
        return
    keys = sorted(slots)
    values = {
        "automations": [automation for automation, _ in keys],
        "starts": [starts_at for _, starts_at in keys],
        "decisions": [slots[key][0] for key in keys],
        "met": [slots[key][1] for key in keys],
    }
    tx.execute(_ADD_SLOTS, values)


def burn(tx: Tx, automation: str, spans: Sequence[timedelta], until: datetime) -> dict[timedelta, tuple[int, int]]:
    """Return the decisions of each span that ends at a moment, and those that kept the service level."""
    minutes = [int(span.total_seconds() // 60) for span in spans]
    found = tx.execute(_BURN, {"automation": automation, "minutes": minutes, "until": until})
    return {timedelta(minutes=row.minutes): (row.decisions, row.met) for row in found}


def old_hours(tx: Tx, before: datetime, limit: int) -> list[StoredWindow]:
    """Return hours of one day that began before a moment, to be added up; nobody else changes them meanwhile."""
    query = text("""
        SELECT w.automation, w.arm, w.starts_at, w.span_hours, w.model, w.version, w.decisions, w.body FROM monitor_windows w
        JOIN (
            SELECT automation, arm, date_trunc('day', starts_at, 'UTC') AS day FROM monitor_windows
            WHERE starts_at < :before AND span_hours = 1 ORDER BY starts_at LIMIT :limit
        ) old ON (w.automation, w.arm) = (old.automation, old.arm) AND date_trunc('day', w.starts_at, 'UTC') = old.day
        ORDER BY w.automation, w.starts_at, w.arm FOR UPDATE OF w
    """)
    found = {row[:3]: StoredWindow(*row) for row in tx.execute(query, {"before": before, "limit": limit})}
    return list(found.values())


def delete(tx: Tx, windows: Sequence[StoredWindow]) -> None:
    """Delete windows that were added to another."""
    rows = [{"automation": one.automation, "arm": one.arm, "starts_at": one.starts_at} for one in windows]
    if rows:
        tx.execute(
            text("DELETE FROM monitor_windows WHERE automation = :automation AND arm = :arm AND starts_at = :starts_at"),
            rows,
        )


def forget_slots(tx: Tx, before: datetime) -> None:
    """Delete slots that no burn rate looks at any more."""
    tx.execute(text("DELETE FROM monitor_slots WHERE starts_at < :before"), {"before": before})
