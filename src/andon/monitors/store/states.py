"""SQL about the state of each series, and the time until which an automation was judged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import text

from andon.kernel.db import Tx
from andon.kernel.plain_json import to_json
from andon.monitors.domain import MonitorState, SeriesKey

_COLUMNS = "automation, monitor, series, arm, segment, state, provisional, reason, since, judged_at, figures"


@dataclass(frozen=True, slots=True)
class StateRow:
    """The present state of a series. `segment` is JSON with sorted names, `figures` are all computed values."""

    automation: str
    monitor: str
    series: str
    arm: str
    segment: str
    state: MonitorState
    provisional: bool
    reason: str
    since: datetime
    judged_at: datetime
    figures: Mapping[str, Any]

    @property
    def key(self) -> SeriesKey:
        """The identity of the series within its automation."""
        return self.monitor, self.series, self.arm, self.segment


def lock(tx: Tx, automation: str) -> None:
    """Lock the states of an automation until the transaction ends."""
    tx.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": f"andon.monitors/{automation}"}
    )


def of(tx: Tx, automation: str) -> list[StateRow]:
    """Return all series of an automation."""
    query = text(
        f"SELECT {_COLUMNS} FROM monitor_states WHERE automation = :automation ORDER BY monitor, series, arm, segment"
    )
    return [_row(row) for row in tx.execute(query, {"automation": automation})]


def put(tx: Tx, rows: Sequence[StateRow]) -> None:
    """Write series, replacing existing rows."""
    statement = text(f"""
        INSERT INTO monitor_states ({_COLUMNS})
        VALUES (
            :automation, :monitor, :series, :arm, :segment, :state, :provisional, :reason, :since, :judged_at,
            CAST(:figures AS json)
        )
        ON CONFLICT (automation, monitor, series, arm, segment) DO UPDATE SET state = excluded.state,
            provisional = excluded.provisional, reason = excluded.reason, since = excluded.since,
            judged_at = excluded.judged_at, figures = excluded.figures
    """)
    values = [
        {
            "automation": one.automation,
            "monitor": one.monitor,
            "series": one.series,
            "segment": one.segment,
            "arm": one.arm,
            "state": one.state.value,
            "provisional": one.provisional,
            "reason": one.reason,
            "since": one.since,
            "judged_at": one.judged_at,
            "figures": to_json(one.figures).decode(),
        }
        for one in rows
    ]
    if values:
        tx.execute(statement, values)


def drop(tx: Tx, rows: Sequence[StateRow]) -> None:
    """Delete series that are no longer watched."""
    statement = text("""
        DELETE FROM monitor_states
        WHERE automation = :automation
            AND (monitor, series, arm, segment) = (:monitor, :series, :arm, :segment)
    """)
    values = [
        {"automation": one.automation, **dict(zip(("monitor", "series", "arm", "segment"), one.key, strict=True))}
        for one in rows
    ]
    if values:
        tx.execute(statement, values)


def counts(tx: Tx) -> list[tuple[str, str, str, int]]:
    """Return the number of series by automation, monitor and state."""
    query = text("SELECT automation, monitor, state, count(*) FROM monitor_states GROUP BY 1, 2, 3 ORDER BY 1, 2, 3")
    return [(row[0], row[1], row[2], row[3]) for row in tx.execute(query)]


def judged_until(tx: Tx) -> dict[str, datetime]:
    """Return until when the windows of each automation were judged."""
    query = text("SELECT automation, judged_until FROM monitor_progress WHERE judged_until IS NOT NULL")
    return {row.automation: row.judged_until for row in tx.execute(query)}


def set_judged(tx: Tx, automation: str, until: datetime) -> None:
    """Record until when the windows of an automation were judged."""
    statement = text("""
        INSERT INTO monitor_progress (automation, judged_until) VALUES (:automation, :until)
        ON CONFLICT (automation) DO UPDATE SET judged_until = excluded.judged_until
    """)
    tx.execute(statement, {"automation": automation, "until": until})


def matured_until(tx: Tx, automation: str) -> datetime | None:
    """Return until when the labels of an automation's hours were counted as mature."""
    query = text("SELECT matured_until FROM monitor_progress WHERE automation = :automation")
    return tx.execute(query, {"automation": automation}).scalar_one_or_none()


def set_matured(tx: Tx, automation: str, until: datetime) -> None:
    """Record until when the labels of an automation's hours were counted as mature."""
    statement = text("""
        INSERT INTO monitor_progress (automation, matured_until) VALUES (:automation, :until)
        ON CONFLICT (automation) DO UPDATE SET matured_until = excluded.matured_until
    """)
    tx.execute(statement, {"automation": automation, "until": until})


def _row(row: Any) -> StateRow:
    found = StateRow(*row)
    return replace(found, state=MonitorState(found.state))
