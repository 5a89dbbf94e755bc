"""Raising and ending alerts, in one transaction with the cause and with the cord that a rule pulls.

Every transaction that changes alerts takes its locks in one order: the gates of its automations that it revises; their
cords, by name; their alerts, by name; then rows of incidents, alerts and groups; the audit log last. `hold` takes cords
and alerts. A transaction that audits must hold all that it needs later, and one that only sends never needs a cord.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from andon import cord
from andon.alerts import pulling, timeline
from andon.alerts.domain import Alert, AlertGroup, AlertKey, BadNews, due_at, raised, rises, seen, sighted
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
    """Raise an alert, add a finding to it, or count a repeat.

    A new finding, a higher level and a confirmation are news: they are sent, cancel an acknowledgement, and pull the
    cord as the rules demand. What is provisional is only shown.
    """
    hold(tx, [news.automation])
    known = store.find_open(tx, news.key)
    before = None if known is None else known.standing_level
    of_series = None if known is None else known.finding(news.series)
    finding = seen(of_series, news, now)
    if known is None:
        group = _joined(tx, news, now)
        alert = raised(finding, news, uuid7(now), group.id, now)
        store.add(tx, alert)
    else:
        group = store.find_group(tx, known.alert_group)
        alert = sighted(known, finding, news)
    rose = not news.provisional and (rises(before, news.level) or (of_series is not None and of_series.provisional))
    if not news.provisional and (rose or of_series is None):
        alert = replace(alert, changed=True, acknowledged_by=None, acknowledged_at=None)
        alert = replace(alert, incident=timeline.incident_for(tx, alert, now))
        pulls = pulling.pull_by_rules(tx, alert, news, joined=known is not None and not rose, events=events, now=now)
        done = (*news.done, *pulls)
        alert = replace(alert, done=(*alert.done, *(text for text in done if text not in alert.done)))
        store.change_group(tx, group.id, due_at=due_at(group, now, urgent=news.level is Level.CRITICAL))
    store.save_sighting(tx, alert, finding)
    if of_series is None or rose:
        kind = NoteKind.RAISED if known is None else NoteKind.ROSE if rose else NoteKind.FOUND
        level = "provisional" if news.provisional else news.level
        timeline.note(tx, kind, f"{level}: {news.message}", PLATFORM.name, now, alert=alert)
    if known is None or rose:
        events.publish(tx, _raised(alert, news, before, now))
    return alert


def recover(
    tx: Tx, key: AlertKey, *, message: str, events: Events, now: datetime, series: str | None = None
) -> Alert | None:
    """Resolve the open alert of a key, whose cause has recovered; return None if there is no such alert.

    With a series only its finding recovers, and the alert is resolved with the last one.
    """
    hold(tx, [key.automation])
    known = store.find_open(tx, key)
    finding = None if known is None or series is None else known.finding(series)
    if known is None or (series is not None and (finding is None or finding.ended_at is not None)):
        return None
    if finding is not None:
        store.end_finding(tx, known.id, finding.series, now)
        if len(known.standing) > 1:
            timeline.note(tx, NoteKind.RECOVERED, message, PLATFORM.name, now, alert=known)
            return store.find(tx, known.id)
    return resolved(tx, known, by=PLATFORM.name, reason=message, events=events, now=now)


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
        alert.arm,
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


def _raised(alert: Alert, news: BadNews, before: Level | None, now: datetime) -> AlertRaised:
    return AlertRaised(
        alert.id,
        alert.automation,
        alert.monitor,
        news.series,
        alert.arm,
        alert.segment,
        news.level,
        before,
        news.provisional,
        news.since,
        news.message,
        news.false_alarm,
        alert.done,
        alert.drill is not None,
        at=now,
    )
