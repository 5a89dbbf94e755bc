"""Chores of workers for alerts: send due groups, resolve ended ones, and advance drills."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from andon import actions
from andon.actions import ActionSelection, ActionState
from andon.alerts import bad_news, drilling, raising, sending
from andon.alerts.domain import Alert, AlertState
from andon.alerts.sending import AlertRoute
from andon.alerts.store import alerts as store
from andon.alerts.store.alerts import AlertSelection
from andon.kernel.chores import Chore
from andon.kernel.db import Tx
from andon.kernel.events import Events
from andon.kernel.identity import PLATFORM
from andon.kernel.lookout import REST_SECONDS

Standing = Callable[[Tx, Alert], bool]
"""A check whether the cause of an alert persists, for alerts that no event ends."""

SEND = "send_alerts"
SEND_EVERY = timedelta(seconds=REST_SECONDS)
SETTLE_EVERY = timedelta(seconds=30)
DRILLS_EVERY = timedelta(minutes=5)
_LOOKED_AT = 200
"""The most alerts whose cause is checked each time."""


def chores(
    routes: Sequence[AlertRoute], events: Events, *, console: str, standing: Mapping[str, Standing]
) -> list[Chore]:
    """Return the automatic work on alerts. `standing` checks causes by monitor, in addition to those known here."""
    causes = {bad_news.DELIVERIES: _has_dead_letters, **standing}

    def send(tx: Tx, now: datetime) -> bool:
        """Send due alerts, and advance drills under way."""
        if drilling.advance_drills(tx, events=events, now=now):
            return True
        return sending.send_due(tx, routes, console=console, now=now)

    def settle(tx: Tx, now: datetime) -> bool:
        _resolve_ended(tx, causes, events, now)
        return sending.send_again(tx, routes, console=console, now=now)

    def drill(tx: Tx, now: datetime) -> bool:
        return drilling.begin_due_drills(tx, events=events, now=now)

    lease = timedelta(seconds=10)
    return [
        Chore(SEND, SEND_EVERY, send),
        Chore("settle_alerts", SETTLE_EVERY, settle, lease=lease),
        Chore("begin_drills", DRILLS_EVERY, drill, lease=lease),
    ]


def _resolve_ended(tx: Tx, causes: Mapping[str, Standing], events: Events, now: datetime) -> None:
    """Resolve the alerts that have ended by themselves, and those whose cause is gone."""

    def end_of(alert: Alert) -> str | None:
        if alert.ends_at is not None and alert.ends_at <= now:
            return f"not seen since {alert.last_seen_at:%Y-%m-%d %H:%M} UTC"
        gone = alert.monitor in causes and not causes[alert.monitor](tx, alert)
        return "Its cause is gone" if gone else None

    standing = AlertSelection(states=(AlertState.OPEN, AlertState.ACKNOWLEDGED), monitors=tuple(causes))
    found = [*store.ended(tx, now), *store.page(tx, standing, limit=_LOOKED_AT)]
    over = {alert.id: alert.automation for alert in found if end_of(alert) is not None}
    raising.hold(tx, over.values())
    for alert_id in over:
        known = store.find(tx, alert_id)
        reason = None if known is None or known.resolved_at is not None else end_of(known)
        if known is not None and reason is not None:
            raising.resolved(tx, known, by=PLATFORM.name, reason=reason, events=events, now=now)


def _has_dead_letters(tx: Tx, alert: Alert) -> bool:
    which = ActionSelection(automations=[alert.automation], destination=alert.series)
    return actions.count(tx, ActionState.DEAD, which=which) > 0
