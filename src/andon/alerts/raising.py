"""Raising and ending alerts, in one transaction with the cause and with the cord that a rule pulls.

Every transaction that changes alerts takes its locks in one order: the cords of its automations, by name; their alerts,
by name; then rows of incidents, alerts and groups; the audit log last. `hold` takes the first two. A transaction that
audits for one automation must hold all that it needs later, and one that only sends never needs a cord.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from andon import cord
from andon.alerts import pulling, timeline
from andon.alerts.domain import (
    Alert,
    AlertGroup,
    AlertKey,
    BadNews,
    due_at,
    first_seen,
    rises,
    seen_again,
)
from andon.alerts.incidents import NoteKind
from andon.alerts.published import AlertRaised, AlertResolved
from andon.alerts.store import alerts as store
from andon.kernel.db import Tx
from andon.kernel.events import Events
from andon.kernel.identity import PLATFORM
from andon.kernel.ids import uuid7
from andon.monitors import Level


def hold(tx: Tx, automations: Iterable[str]) -> None:
    """Keep others from changing the cords and the alerts of these automations until the transaction ends."""
    names = sorted(set(automations))
    for name in names:
        cord.hold(tx, name)
    for name in names:
        store.lock(tx, name)


def raise_alert(tx: Tx, news: BadNews, *, events: Events, now: datetime) -> Alert:
    """Raise an alert, or count a repeat. A new one, or one whose level rises, pulls the cord as the rules demand."""
    hold(tx, [news.automation])
    known = store.find_open(tx, news.key)
    before = None if known is None else known.level
    news_to_people = rises(before, news.level)
    if known is None:
        group = _joined(tx, news, now)
        alert = first_seen(news, uuid7(now), group.id, now)
    else:
        alert = seen_again(known, news, now)
        group = store.find_group(tx, known.alert_group)
    if news_to_people:
        alert = replace(alert, incident=timeline.incident_for(tx, alert, now))
        alert = replace(alert, done=(*alert.done, *pulling.pull_by_rules(tx, alert, events=events, now=now)))
    if known is None:
        store.add(tx, alert)
    else:
        store.save_sighting(tx, alert)
    if news_to_people:
        store.change_group(tx, group.id, due_at=due_at(group, now, urgent=alert.level is Level.CRITICAL))
        kind = NoteKind.RAISED if known is None else NoteKind.ROSE
        timeline.note(tx, kind, f"{alert.level}: {alert.message}", PLATFORM.name, now, alert=alert)
        events.publish(tx, _raised(alert, before, now))
    return alert


def recover(tx: Tx, key: AlertKey, *, message: str, events: Events, now: datetime) -> Alert | None:
    """Resolve the open alert of a key, whose cause has recovered; return None if there is no such alert."""
    hold(tx, [key.automation])
    known = store.find_open(tx, key)
    return None if known is None else resolved(tx, known, by=PLATFORM.name, reason=message, events=events, now=now)


def resolved(tx: Tx, known: Alert, *, by: str, reason: str, events: Events, now: datetime) -> Alert:
    """End an open alert; hold its automation first. The end is sent if the alert was."""
    end: dict[str, Any] = {"resolved_by": by, "resolved_at": now, "resolution": reason, "ends_at": None}
    alert = replace(known, **end, changed=known.sent_at is not None)
    store.change(tx, [alert.id], **end, changed=alert.changed)
    if alert.changed:
        group = store.find_group(tx, alert.alert_group)
        store.change_group(tx, group.id, due_at=due_at(group, now, urgent=False))
    timeline.note(tx, NoteKind.RESOLVED, reason, by, now, alert=alert)
    published = AlertResolved(
        alert.id,
        alert.automation,
        alert.monitor,
        alert.series,
        alert.segment,
        by,
        reason,
        alert.drill is not None,
        at=now,
    )
    events.publish(tx, published)
    return alert


def _joined(tx: Tx, news: BadNews, now: datetime) -> AlertGroup:
    """Return the group that a new alert joins; a new group if the automation's last one is too old."""
    newest = store.newest_group(tx, news.automation, news.drill)
    if newest is not None and newest.takes(news, now):
        store.change_group(tx, newest.id, joined_at=now)
        return newest
    group = AlertGroup(uuid7(now), news.automation, now, now, news.drill)
    store.add_group(tx, group)
    return group


def _raised(alert: Alert, before: Level | None, now: datetime) -> AlertRaised:
    return AlertRaised(
        alert.id,
        alert.automation,
        alert.monitor,
        alert.series,
        alert.segment,
        alert.level,
        before,
        alert.since,
        alert.message,
        alert.false_alarm,
        alert.done,
        alert.drill is not None,
        at=now,
    )
