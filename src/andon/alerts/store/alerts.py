"""SQL about alerts and their groups."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, func, insert, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from andon.alerts.domain import Alert, AlertFinding, AlertGroup, AlertKey, AlertState
from andon.alerts.tables import alert_findings, alert_groups, alerts
from andon.kernel.db import Tx
from andon.monitors import Level

WAITING = (
    "(EXISTS (SELECT FROM alert_groups WHERE due_at <= now()) "
    "OR EXISTS (SELECT FROM cord_drills WHERE ended_at IS NULL))"
)
"""An SQL expression: whether there is something to send or a drill under way."""

_LOCK = 0x616C7274
"""First key of the advisory lock on an automation's alerts."""

_CANDIDATES = 20
"""The most due groups that one transaction tries to lock."""


@dataclass(frozen=True, slots=True)
class AlertSelection:
    """A selection of alerts; None means any. `automations` are those that the caller may see."""

    automations: tuple[str, ...] | None = None
    automation: str | None = None
    states: tuple[AlertState, ...] | None = None
    level: Level | None = None
    monitors: tuple[str, ...] | None = None
    drills: bool = False
    incident: UUID | None = None


def lock(tx: Tx, automation: str) -> None:
    """Let one transaction at a time change the alerts, groups and incidents of this automation."""
    tx.execute(text("SELECT pg_advisory_xact_lock(:key, hashtext(:name))"), {"key": _LOCK, "name": automation})


def try_lock(tx: Tx, automation: str) -> bool:
    """Lock as `lock` does, or return False if another transaction holds it."""
    query = text("SELECT pg_try_advisory_xact_lock(:key, hashtext(:name))")
    return bool(tx.execute(query, {"key": _LOCK, "name": automation}).scalar_one())


def find_open(tx: Tx, key: AlertKey) -> Alert | None:
    """Return the open alert of a key; lock the automation first."""
    c = alerts.c
    query = select(alerts).where(
        c.automation == key.automation,
        c.monitor == key.monitor,
        c.series == key.series,
        c.segment == dict(key.segment),
        c.drill.is_not_distinct_from(key.drill),
        c.resolved_at.is_(None),
    )
    return _one(tx, query if key.arm is None else query.where(c.arm == key.arm))


def find(tx: Tx, alert_id: UUID) -> Alert | None:
    """Return one alert, or None."""
    return _one(tx, select(alerts).where(alerts.c.id == alert_id))


def add(tx: Tx, alert: Alert) -> None:
    """Write a new alert; `save_sighting` writes its finding."""
    tx.execute(insert(alerts).values({column.name: getattr(alert, column.name) for column in alerts.columns}))


def save_sighting(tx: Tx, alert: Alert, finding: AlertFinding) -> None:
    """Write what a sighting changes of an alert, and the finding itself; lock the automation first."""
    names = ("level", "done", "ends_at", "incident", "changed", "acknowledged_by", "acknowledged_at")
    change(tx, [alert.id], **{name: getattr(alert, name) for name in names})
    values = {field.name: getattr(finding, field.name) for field in fields(finding)}
    writing = upsert(alert_findings).values(alert=alert.id, **values)
    tx.execute(writing.on_conflict_do_update(index_elements=["alert", "series"], set_=values))


def end_finding(tx: Tx, alert: UUID, series: str, now: datetime) -> None:
    """Write that a finding recovered."""
    c = alert_findings.c
    tx.execute(update(alert_findings).where(c.alert == alert, c.series == series).values(ended_at=now))


def change(tx: Tx, which: Sequence[UUID], **values: Any) -> None:
    """Change some columns of alerts; lock the automation first."""
    tx.execute(update(alerts).where(alerts.c.id.in_(which)).values(values))


def page(tx: Tx, which: AlertSelection, *, limit: int | None, before: UUID | None = None) -> list[Alert]:
    """Return alerts, newest first; their findings without details."""
    query = select(alerts).where(*_conditions(which))
    if before is not None:
        query = query.where(alerts.c.id < before)
    return _all(tx, query.order_by(alerts.c.id.desc()).limit(limit))


def count(tx: Tx, which: AlertSelection) -> int:
    """Count the selected alerts."""
    return int(tx.execute(select(func.count()).select_from(alerts).where(*_conditions(which))).scalar_one())


def of_group(tx: Tx, group: UUID) -> list[Alert]:
    """Return the alerts of a group, oldest first."""
    return _all(tx, select(alerts).where(alerts.c.alert_group == group).order_by(alerts.c.id))


def open_of(tx: Tx, automation: str, monitor: str) -> list[Alert]:
    """Return the open alerts of one monitor, without drills."""
    c = alerts.c
    query = select(alerts).where(
        c.automation == automation, c.monitor == monitor, c.resolved_at.is_(None), c.drill.is_(None)
    )
    return _all(tx, query)


def at_moment(tx: Tx, automation: str, moment: datetime) -> list[Alert]:
    """Return the alerts of an automation whose breach was current at a moment, without drills, newest first.

    At most 50 are returned.
    """
    c = alerts.c
    began = select(alert_findings.c.alert).where(alert_findings.c.alert == c.id, alert_findings.c.since <= moment)
    query = select(alerts).where(
        c.automation == automation,
        began.exists(),
        or_(c.resolved_at.is_(None), c.resolved_at >= moment),
        c.drill.is_(None),
    )
    return _all(tx, query.order_by(c.id.desc()).limit(50))


def ended(tx: Tx, now: datetime) -> list[Alert]:
    """Return open alerts that have ended by themselves."""
    c = alerts.c
    query = select(alerts).where(c.resolved_at.is_(None), c.ends_at <= now)
    return _all(tx, query.order_by(c.ends_at).limit(100))


def newest_group(tx: Tx, automation: str, drill: UUID | None) -> AlertGroup | None:
    """Return the group of an automation that most recently took an alert; lock the automation first."""
    c = alert_groups.c
    query = select(alert_groups).where(c.automation == automation, c.drill.is_not_distinct_from(drill))
    row = tx.execute(query.order_by(c.joined_at.desc()).limit(1)).one_or_none()
    return None if row is None else AlertGroup(**row._mapping)


def find_group(tx: Tx, group: UUID) -> AlertGroup:
    """Return one group."""
    return AlertGroup(**tx.execute(select(alert_groups).where(alert_groups.c.id == group)).one()._mapping)


def add_group(tx: Tx, group: AlertGroup) -> None:
    """Write a new group."""
    tx.execute(insert(alert_groups).values({field.name: getattr(group, field.name) for field in fields(group)}))


def change_group(tx: Tx, group: UUID, **values: Any) -> None:
    """Change some columns of a group."""
    tx.execute(update(alert_groups).where(alert_groups.c.id == group).values(values))


def wake_groups(tx: Tx, automation: str | None, now: datetime) -> None:
    """Make the groups with unsent changes due, of one automation or of all; lock their automations in order."""
    unsent = (alerts.c.changed, alerts.c.resolved_at.is_(None))
    of_one = () if automation is None else (alerts.c.automation == automation,)
    for name in sorted(tx.scalars(select(alerts.c.automation).where(*unsent, *of_one).distinct())):
        lock(tx, name)
        waiting = select(alerts.c.alert_group).where(*unsent, alerts.c.automation == name)
        tx.execute(update(alert_groups).where(alert_groups.c.id.in_(waiting)).values(due_at=now))


def claim_due_group(tx: Tx, now: datetime) -> AlertGroup | None:
    """Return a due group whose automation is now locked; None if none is due, or others hold all of them."""
    c = alert_groups.c
    return _claim(tx, select(alert_groups).where(c.due_at <= now).order_by(c.due_at))


def claim_stale_group(tx: Tx, sent_before: datetime) -> AlertGroup | None:
    """Return a group with an open alert that was sent before a moment and not since; its automation is now locked."""
    c = alert_groups.c
    living = select(alerts.c.alert_group).where(alerts.c.resolved_at.is_(None), alerts.c.sent_at.is_not(None))
    return _claim(tx, select(alert_groups).where(c.sent_at <= sent_before, c.id.in_(living)).order_by(c.sent_at))


def _claim(tx: Tx, query: Select[Any]) -> AlertGroup | None:
    """Return the first group of a query whose automation no other transaction holds, as it is once that is locked."""
    tried: dict[str, bool] = {}
    for found in tx.execute(query.limit(_CANDIDATES)).all():
        if found.automation not in tried:
            tried[found.automation] = try_lock(tx, found.automation)
        if tried[found.automation]:
            row = tx.execute(query.where(alert_groups.c.id == found.id)).one_or_none()
            if row is not None:
                return AlertGroup(**row._mapping)
    return None


def _conditions(which: AlertSelection) -> list[ColumnElement[bool]]:
    c, conditions = alerts.c, list[ColumnElement[bool]]()
    if which.automations is not None:
        conditions.append(c.automation.in_(which.automations))
    if which.monitors is not None:
        conditions.append(c.monitor.in_(which.monitors))
    for name in ("automation", "level", "incident"):
        value = getattr(which, name)
        if value is not None:
            conditions.append(c[name] == value)
    if not which.drills:
        conditions.append(c.drill.is_(None))
    if which.states is not None:
        conditions.append(_any([_IN_STATE[state]() for state in which.states]))
    return conditions


def _any(conditions: Sequence[ColumnElement[bool]]) -> ColumnElement[bool]:
    first, *others = conditions
    for other in others:
        first |= other
    return first


_IN_STATE: Mapping[AlertState, Callable[[], ColumnElement[bool]]] = {
    AlertState.OPEN: lambda: alerts.c.resolved_at.is_(None) & alerts.c.acknowledged_at.is_(None),
    AlertState.ACKNOWLEDGED: lambda: alerts.c.resolved_at.is_(None) & alerts.c.acknowledged_at.is_not(None),
    AlertState.RESOLVED: lambda: alerts.c.resolved_at.is_not(None),
}


def _one(tx: Tx, query: Select[Any]) -> Alert | None:
    """Return the alert of a query, with all details."""
    row = tx.execute(query).one_or_none()
    return None if row is None else _alert(row, tx.execute(_findings([row.id])).all())


def _all(tx: Tx, query: Select[Any]) -> list[Alert]:
    """Return the alerts of a query. Their findings have no details, which may be large."""
    rows, found = tx.execute(query).all(), defaultdict[UUID, list[Row[Any]]](list)
    columns = [c for c in alert_findings.columns if c.name != "detail"]
    for one in tx.execute(_findings([row.id for row in rows]).with_only_columns(*columns)) if rows else ():
        found[one.alert].append(one)
    return [_alert(row, found[row.id]) for row in rows]


def _findings(of: Sequence[UUID]) -> Select[Any]:
    c = alert_findings.c
    return select(alert_findings).where(c.alert.in_(of)).order_by(c.found_at, c.series)


def _alert(row: Row[Any], findings: Sequence[Row[Any]]) -> Alert:
    values: dict[str, Any] = dict(row._mapping)
    found = tuple(map(_finding, findings))
    return Alert(**values | {"level": Level(row.level), "done": tuple(row.done), "findings": found})


def _finding(row: Row[Any]) -> AlertFinding:
    values = {name: value for name, value in row._mapping.items() if name != "alert"}
    return AlertFinding(**{"detail": {}, **values, "level": Level(row.level)})
