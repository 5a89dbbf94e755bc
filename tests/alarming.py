"""An installation whose monitors find what a test plans, for tests of alerts."""

from datetime import datetime, timedelta
from typing import Any

from andon import Automation, CordDrill, CordRule, Monitors, Policy, Review, alerts
from andon.alerts import Alert, AlertSelection, AlertState
from andon.bootstrap.project import build_events
from andon.kernel.config import Settings
from andon.kernel.db import Database
from andon.kernel.events import Events
from andon.monitors import Level, MonitorBreached, MonitorRecovered
from automations import POLICY, Payment

HISTOGRAMS = {
    "labels": ["below 100", "100 to 200", "200 and more"],
    "reference": [600, 300, 100],
    "current": [20, 30, 50],
}


def a_guarded_automation(
    *rules: CordRule, checklist: tuple[str, ...] = (), drill: CordDrill | None = None
) -> Automation:
    """Payments with rules that pull the cord; without any, the usual ones."""
    return Automation(
        "payments",
        contract=Payment,
        model="fraud-risk",
        policy=Policy.yaml(POLICY),
        review=Review(queue="fraud"),
        monitors=Monitors(levels={"drift": "critical"}),
        cord=rules or None,
        checklist=checklist,
        drill=drill,
    )


def all_events() -> Events:
    """Return the subscribers of a process."""
    return build_events(Settings())


def a_breach(at: datetime, **given: Any) -> MonitorBreached:
    """Return a breach: the amounts of payments have moved."""
    values: dict[str, Any] = {
        "automation": "payments",
        "monitor": "drift",
        "series": "amount",
        "segment": {},
        "arm": "",
        "level": Level.WARNING,
        "since": at - timedelta(hours=2),
        "message": "amount has moved by 0.4 standard deviations",
        "expected": 50.0,
        "observed": 81.5,
        "unit": "EUR",
        "false_alarm": 0.0005,
        "decisions": 1000,
        "detail": HISTOGRAMS,
    }
    return MonitorBreached(**values | given, at=at)


def a_recovery(at: datetime, **given: Any) -> MonitorRecovered:
    """They are as they were."""
    values: dict[str, Any] = {
        "automation": "payments",
        "monitor": "drift",
        "series": "amount",
        "segment": {},
        "arm": "",
        "message": "amount is as expected again",
    }
    return MonitorRecovered(**values | given, at=at)


def breached(database: Database, events: Events, at: datetime, **given: Any) -> Alert:
    """Publish a finding; the alert that it made or repeated."""
    with database.begin() as tx:
        events.publish(tx, a_breach(at, **given))
    return newest(database)


def recovered(database: Database, events: Events, at: datetime, **given: Any) -> None:
    """Publish a recovery."""
    with database.begin() as tx:
        events.publish(tx, a_recovery(at, **given))


def alerts_of(database: Database, *states: AlertState, drills: bool = False) -> list[Alert]:
    """Every alert, newest first; in these states, if any are named."""
    with database.begin() as tx:
        return list(alerts.page(tx, AlertSelection(states=states or None, drills=drills)))


def newest(database: Database) -> Alert:
    """Return the alert that was seen last."""
    return max(alerts_of(database), key=lambda alert: (alert.last_seen_at, alert.id))
