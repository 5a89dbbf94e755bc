"""SQL about labels: the hours with new ones, and the label sums of an hour's decisions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from andon.kernel.db import Tx
from andon.kernel.plain_json import to_json
from andon.monitors.sums import Sums

_PUT_LABELS = text("""
INSERT INTO monitor_label_windows (automation, arm, starts_at, labels, body)
VALUES (:automation, :arm, :starts_at, :labels, CAST(:body AS json))
""")


@dataclass(frozen=True, slots=True)
class LabelWindow:
    """Label sums of the decisions that one arm made in an hour."""

    arm: str
    starts_at: datetime
    labels: int
    body: Sums


def note_label_changes(tx: Tx, automation: str, hours: Sequence[datetime]) -> None:
    """Note that labels of these hours changed."""
    rows = [{"automation": automation, "starts_at": hour} for hour in hours]
    if rows:
        tx.execute(
            text("INSERT INTO monitor_label_changes (automation, starts_at) VALUES (:automation, :starts_at)"), rows
        )


def take_label_changes(tx: Tx, limit: int) -> dict[tuple[str, datetime], int]:
    """Take hours whose labels changed, exclusively: all changes of the oldest noted hours."""
    query = text("""
        WITH hours AS (SELECT DISTINCT automation, starts_at FROM (
            SELECT automation, starts_at FROM monitor_label_changes ORDER BY id LIMIT :rows
        ) oldest LIMIT :limit)
        DELETE FROM monitor_label_changes c USING hours
        WHERE (c.automation, c.starts_at) = (hours.automation, hours.starts_at)
        RETURNING c.automation, c.starts_at
    """)
    found: dict[tuple[str, datetime], int] = {}
    for row in tx.execute(query, {"rows": limit * 100, "limit": limit}):
        found[row.automation, row.starts_at] = found.get((row.automation, row.starts_at), 0) + 1
    return found


def replace_labels(tx: Tx, automation: str, starts_at: datetime, windows: Sequence[LabelWindow]) -> None:
    """Replace the label sums of an hour."""
    hour = {"automation": automation, "starts_at": starts_at}
    tx.execute(
        text("DELETE FROM monitor_label_windows WHERE automation = :automation AND starts_at = :starts_at"), hour
    )
    rows = [{**hour, "arm": one.arm, "labels": one.labels, "body": to_json(one.body).decode()} for one in windows]
    if rows:
        tx.execute(_PUT_LABELS, rows)


def label_windows(tx: Tx, automation: str, since: datetime, until: datetime) -> list[LabelWindow]:
    """Return the label sums of the hours between two moments, oldest first."""
    query = text("""
        SELECT arm, starts_at, labels, body FROM monitor_label_windows
        WHERE automation = :automation AND starts_at >= :since AND starts_at < :until ORDER BY starts_at, arm
    """)
    found = tx.execute(query, {"automation": automation, "since": since, "until": until})
    return [LabelWindow(*row) for row in found]


def first_label(tx: Tx, automation: str) -> datetime | None:
    """Return the first hour of an automation with labels; None if there is none."""
    query = text("SELECT min(starts_at) FROM monitor_label_windows WHERE automation = :automation")
    found: datetime | None = tx.execute(query, {"automation": automation}).scalar_one()
    return found
