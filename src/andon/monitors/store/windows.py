"""SQL about windows of decisions and the slots of service levels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text

from andon.kernel.db import Tx
from andon.kernel.plain_json import to_json
from andon.monitors.sums import Sums

_LOCKED = text("""
SELECT w.automation, w.arm, w.starts_at, w.body FROM monitor_windows w
JOIN unnest(CAST(:automations AS text[]), CAST(:arms AS text[]), CAST(:starts AS timestamptz[]))
    AS k (automation, arm, starts_at)
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
SELECT * FROM unnest(
    CAST(:automations AS text[]), CAST(:starts AS timestamptz[]), CAST(:decisions AS bigint[]), CAST(:met AS bigint[])
)
ON CONFLICT (automation, starts_at) DO UPDATE SET decisions = s.decisions + excluded.decisions,
    met = s.met + excluded.met
""")

_FIRST = text("""
SELECT w.automation, w.arm, w.starts_at, w.span_hours, w.model, w.version, w.decisions, w.body
FROM unnest(CAST(:arms AS text[])) AS a (arm)
CROSS JOIN LATERAL (
    SELECT min(starts_at) AS starts_at FROM monitor_windows WHERE automation = :automation AND arm = a.arm
) began
JOIN monitor_windows w ON w.automation = :automation AND w.arm = a.arm AND w.starts_at < :before
    AND w.starts_at < began.starts_at + CAST(:reach AS interval)
ORDER BY w.starts_at
""")


_SLOT = timedelta(minutes=5)


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
    """Return the sums of these windows, locked until the transaction ends."""
    if not keys:
        return {}
    automations, arms, starts = (list(column) for column in zip(*keys, strict=True))
    found = tx.execute(_LOCKED, {"automations": automations, "arms": arms, "starts": starts})
    return {(row.automation, row.arm, row.starts_at): row.body for row in found}


def write(tx: Tx, windows: Sequence[StoredWindow]) -> None:
    """Write windows, replacing existing rows."""
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


def first_starts(tx: Tx, automations: Sequence[str]) -> dict[str, datetime]:
    """Return when the first window of each automation began, for those that have one."""
    query = text("""
        SELECT a.name, began.starts_at FROM unnest(CAST(:automations AS text[])) AS a (name)
        CROSS JOIN LATERAL (SELECT min(starts_at) AS starts_at FROM monitor_windows WHERE automation = a.name) began
        WHERE began.starts_at IS NOT NULL
    """)
    return {row.name: row.starts_at for row in tx.execute(query, {"automations": list(automations)})}


def slot_counts(tx: Tx, automations: Sequence[str], first: datetime, last: datetime) -> dict[tuple[str, datetime], int]:
    """Return the decisions counted in each slot between two moments, both included."""
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


def burns(tx: Tx, spans: Sequence[timedelta], until: datetime) -> dict[str, dict[timedelta, tuple[int, int]]]:
    """Return, for each automation and span up to a moment, the decisions and those that kept the service level.

    A span reaches back to the beginning of its first slot, so that it is never shorter than its length.
    """
    columns: list[str] = []
    values: dict[str, Any] = {"until": until, "first": until - max(spans) - _SLOT}
    for at, span in enumerate(spans):
        of = f"FILTER (WHERE starts_at > CAST(:until AS timestamptz) - CAST(:span{at} AS interval))"
        columns.append(f"coalesce(sum(decisions) {of}, 0)::bigint, coalesce(sum(met) {of}, 0)::bigint")
        values[f"span{at}"] = span + _SLOT
    query = text(f"""
        SELECT automation, {", ".join(columns)} FROM monitor_slots
        WHERE starts_at > :first AND starts_at < :until GROUP BY automation ORDER BY automation
    """)
    found = {}
    for automation, *counts in tx.execute(query, values):
        pairs = zip(counts[::2], counts[1::2], strict=True)
        found[automation] = dict(zip(spans, pairs, strict=True))
    return found


def first_windows(
    tx: Tx, automation: str, arms: Sequence[str], reach: timedelta, before: datetime
) -> dict[str, list[StoredWindow]]:
    """Return the first windows of each arm, as far as they reach, all of them before a moment."""
    wanted = {"automation": automation, "arms": list(arms), "reach": reach, "before": before}
    found: dict[str, list[StoredWindow]] = {}
    for row in tx.execute(_FIRST, wanted):
        found.setdefault(row.arm, []).append(StoredWindow(*row))
    return found


def old_hours(tx: Tx, before: datetime, limit: int) -> list[StoredWindow]:
    """Return the hours of whole days before a moment, to be summed; they are locked meanwhile.

    The first days of an arm stay as they are: they show its natural variance from window to window.
    """
    query = text("""
        SELECT w.automation, w.arm, w.starts_at, w.span_hours, w.model, w.version, w.decisions, w.body
        FROM monitor_windows w
        JOIN (
            SELECT h.automation, h.arm, date_trunc('day', h.starts_at, 'UTC') AS day FROM monitor_windows h
            WHERE h.starts_at < :before AND h.span_hours = 1 AND h.starts_at >= (
                SELECT min(f.starts_at) + interval '15 days' FROM monitor_windows f
                WHERE f.automation = h.automation AND f.arm = h.arm
            )
            ORDER BY h.starts_at LIMIT :limit
        ) old ON (w.automation, w.arm) = (old.automation, old.arm) AND date_trunc('day', w.starts_at, 'UTC') = old.day
        ORDER BY w.automation, w.starts_at, w.arm FOR UPDATE OF w
    """)
    found = {row[:3]: StoredWindow(*row) for row in tx.execute(query, {"before": before, "limit": limit})}
    return list(found.values())


def delete(tx: Tx, windows: Sequence[StoredWindow]) -> None:
    """Delete windows that were added to others."""
    rows = [{"automation": one.automation, "arm": one.arm, "starts_at": one.starts_at} for one in windows]
    if rows:
        tx.execute(
            text(
                "DELETE FROM monitor_windows WHERE automation = :automation AND arm = :arm AND starts_at = :starts_at"
            ),
            rows,
        )


def forget_slots(tx: Tx, before: datetime) -> None:
    """Delete slots that no burn rate needs any more."""
    tx.execute(text("DELETE FROM monitor_slots WHERE starts_at < :before"), {"before": before})


def slots(tx: Tx, automation: str, since: datetime) -> list[tuple[datetime, int, int]]:
    """Return an automation's slots from a moment on: beginning, decisions, and decisions within the service level."""
    query = text("""
        SELECT starts_at, decisions, met FROM monitor_slots
        WHERE automation = :automation AND starts_at >= :since ORDER BY starts_at
    """)
    return [
        (row.starts_at, row.decisions, row.met) for row in tx.execute(query, {"automation": automation, "since": since})
    ]
