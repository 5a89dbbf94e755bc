"""Alerts sent to other systems: one message in the outbox per change of a group and route that takes it.

Messages are delivered like actions: retried under one key, and finally a dead letter. A silenced alert is held back
until the silence ends; if it is resolved by then, it is not sent.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from andon.alerts import timeline
from andon.alerts.bad_news import DELIVERIES
from andon.alerts.domain import Alert, AlertGroup, severity
from andon.alerts.incidents import NoteKind
from andon.alerts.messages import REPEATED, for_alertmanager, for_people
from andon.alerts.silences import silence_of
from andon.alerts.store import alerts as store
from andon.alerts.store import silences as silence_store
from andon.decisions import DELIVER_ACTION
from andon.kernel import outbox
from andon.kernel.db import Tx
from andon.kernel.identity import PLATFORM
from andon.kernel.ids import uuid7
from andon.kernel.outbox import Message
from andon.monitors import Level

TYPE = "andon.alerts.changed"
"""The CloudEvents type of a message about a group."""


@dataclass(frozen=True, slots=True)
class AlertRoute:
    """A destination for alerts of at least a level. `alertmanager`: messages have the form of Alertmanager's API."""

    name: str
    level: Level
    destination: str
    connector: str
    options: Mapping[str, Any] = field(default_factory=dict)
    alertmanager: bool = False
    drills: bool = False

    def takes(self, alert: Alert) -> bool:
        """Return whether an alert is sent here. A destination's own failures are not sent to it."""
        if alert.monitor == DELIVERIES and alert.series == self.destination:
            return False
        return severity(alert.level) >= severity(self.level) and (alert.drill is None or self.drills)


def waiting_sql() -> str:
    """Return an SQL expression: whether there is something to send or a drill under way."""
    return store.WAITING


def send_due(tx: Tx, routes: Sequence[AlertRoute], *, console: str, now: datetime) -> bool:
    """Send one group that is due; return whether there may be more."""
    group = store.claim_due_group(tx, now)
    if group is None:
        return False
    alerts, silences = store.of_group(tx, group.id), silence_store.in_force(tx, now)
    changed = [alert for alert in alerts if alert.changed]
    silenced = {
        one.id: silence for one in changed if (silence := silence_of(one, silences, now, unsent=True)) is not None
    }
    ready = [one for one in changed if one.id not in silenced]
    _send(tx, group, alerts, ready, routes, console=console, now=now)
    over = [alert.id for alert in changed if alert.id in silenced and alert.resolved_at is not None]
    store.change(tx, [alert.id for alert in ready], changed=False, sent_at=now)
    store.change(tx, over, changed=False)
    later = [silence.ends_at for one, silence in silenced.items() if _is_open(alerts, one)]
    store.change_group(tx, group.id, due_at=min(later, default=None), sent_at=now if ready else group.sent_at)
    return True


def send_again(tx: Tx, routes: Sequence[AlertRoute], *, console: str, now: datetime) -> bool:
    """Repeat a group's open alerts to receivers that forget them, as Alertmanager does.

    Return whether there may be more.
    """
    forgetful = [route for route in routes if route.alertmanager]
    group = store.claim_stale_group(tx, now - REPEATED) if forgetful else None
    if group is None:
        return False
    alerts, silences = store.of_group(tx, group.id), silence_store.in_force(tx, now)
    open_ones = [a for a in alerts if a.resolved_at is None and a.sent_at and silence_of(a, silences, now) is None]
    for route in forgetful:
        taken = [alert for alert in open_ones if route.takes(alert)]
        if taken:
            outbox.add(tx, [_message(route, group, for_alertmanager(taken, console, now), now)])
    store.change_group(tx, group.id, sent_at=now)
    return True


def _send(
    tx: Tx,
    group: AlertGroup,
    alerts: Sequence[Alert],
    ready: Sequence[Alert],
    routes: Sequence[AlertRoute],
    *,
    console: str,
    now: datetime,
) -> None:
    """Write the messages of a group, and note for each alert where it was sent."""
    sent: dict[Any, list[str]] = {}
    for route in routes:
        news = [alert for alert in ready if route.takes(alert)]
        if not news:
            continue
        others = [one for one in alerts if route.takes(one) and one not in news and one.sent_at is not None]
        data = (
            for_alertmanager(news, console, now)
            if route.alertmanager
            else for_people(group, news, others, console=console, now=now)
        )
        outbox.add(tx, [_message(route, group, data, now)])
        for alert in news:
            sent.setdefault(alert.id, []).append(route.name)
    for alert in ready:
        if alert.id in sent:
            message = f"{alert.state} sent to {', '.join(sent[alert.id])}"
            timeline.note(tx, NoteKind.SENT, message, PLATFORM.name, now, alert=alert)


def _is_open(alerts: Sequence[Alert], identifier: Any) -> bool:
    return any(alert.id == identifier and alert.resolved_at is None for alert in alerts)


def _message(route: AlertRoute, group: AlertGroup, data: Mapping[str, Any], now: datetime) -> Message:
    identifier = uuid7(now)
    return Message(
        id=identifier,
        topic=DELIVER_ACTION,
        scope="",
        subject=identifier,
        payload={
            "action": TYPE,
            "connector": route.connector,
            "destination": route.destination,
            "options": dict(route.options),
            "event": {"type": TYPE, "subject": f"alert-group:{group.id}", "data": data},
        },
        correlation_id=str(group.id),
        created_at=now,
        due_at=now,
    )
