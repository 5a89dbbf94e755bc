"""Subscriptions to the events that raise, count and resolve alerts, in the transaction of their publication."""

from dataclasses import replace
from functools import partial

from andon import cord, decisions, features
from andon.actions import ActionsDied
from andon.alerts import bad_news, timeline
from andon.alerts.raising import hold, raise_alert, recover, resolved
from andon.alerts.store import alerts as store
from andon.cord import DRILL_FIELD, LineStateChanged
from andon.features import ExpectationBreached
from andon.gates import GateRevised
from andon.kernel.db import Tx
from andon.kernel.events import Events
from andon.kernel.identity import PLATFORM
from andon.models import QuarantineLifted, VersionQuarantined
from andon.monitors import MonitorBreached, MonitorRecovered
from andon.spending import BudgetChanged, BudgetNearlySpent, BudgetUsedUp


def subscribe(events: Events) -> None:
    """Turn bad news into alerts from now on."""
    events.subscribe(MonitorBreached, partial(_breached, events))
    events.subscribe(MonitorRecovered, partial(_recovered, events))
    events.subscribe(ActionsDied, partial(_died, events))
    events.subscribe(ExpectationBreached, partial(_unexpected, events))
    events.subscribe(BudgetNearlySpent, partial(_spent, events))
    events.subscribe(BudgetUsedUp, partial(_spent, events))
    events.subscribe(BudgetChanged, partial(_budget_changed, events))
    events.subscribe(GateRevised, partial(_gate_revised, events))
    events.subscribe(LineStateChanged, _line_changed)
    events.subscribe(VersionQuarantined, partial(_quarantined, events))
    events.subscribe(QuarantineLifted, partial(_lifted, events))


def _breached(events: Events, tx: Tx, breach: MonitorBreached) -> None:
    raise_alert(tx, bad_news.of_breach(breach), events=events, now=breach.at)


def _recovered(events: Events, tx: Tx, recovered: MonitorRecovered) -> None:
    key, series = bad_news.key_of_recovery(recovered), recovered.series
    recover(tx, key, series=series, message=recovered.message, events=events, now=recovered.at)


def _died(events: Events, tx: Tx, died: ActionsDied) -> None:
    raise_alert(tx, bad_news.of_deaths(died), events=events, now=died.at)


def _unexpected(events: Events, tx: Tx, breached: ExpectationBreached) -> None:
    found = features.breaches(tx, automations=[breached.automation], since=breached.at - bad_news.BREACHES_WITHIN)
    decisions = sum(one.decisions for one in found if one.name == breached.name)
    news = bad_news.of_expectation(breached, decisions)
    if news is not None:
        raise_alert(tx, news, events=events, now=breached.at)


def _spent(events: Events, tx: Tx, spent: BudgetNearlySpent | BudgetUsedUp) -> None:
    raise_alert(tx, bad_news.of_budget(spent), events=events, now=spent.at)


def _budget_changed(events: Events, tx: Tx, changed: BudgetChanged) -> None:
    hold(tx, [changed.automation])
    for alert in store.open_of(tx, changed.automation, bad_news.BUDGET):
        why = "The budget was changed; if the new one is spent too, that is another alert"
        resolved(tx, alert, by=PLATFORM.name, reason=why, events=events, now=changed.at)


def _gate_revised(events: Events, tx: Tx, revised: GateRevised) -> None:
    hold(tx, [revised.automation])
    key, news = bad_news.key_of_gate(revised), bad_news.of_gate(revised)
    timeline.follow_gate(tx, revised)
    known = store.find_open(tx, key)
    before = None if known is None else known.standing[0].expected
    if before is not None:
        if news is not None and news.expected is not None:
            news = replace(news, expected=min(news.expected, before))
        elif revised.threshold <= before:
            message = f"The gate is as wide as before, by revision {revised.revision}"
            recover(tx, key, message=message, events=events, now=revised.at)
    if news is not None:
        raise_alert(tx, news, events=events, now=revised.at)


def _line_changed(tx: Tx, change: LineStateChanged) -> None:
    standing = [one for one in cord.in_force(tx, change.automation) if DRILL_FIELD not in one.segment]
    timeline.follow_cord(tx, change, automatic=not standing, drill=DRILL_FIELD in change.segment)


def _quarantined(events: Events, tx: Tx, held: VersionQuarantined) -> None:
    users = _users(tx, held.model)
    hold(tx, users)
    for automation in users:
        raise_alert(tx, bad_news.of_quarantine(held, automation), events=events, now=held.at)


def _lifted(events: Events, tx: Tx, lifted: QuarantineLifted) -> None:
    users = _users(tx, lifted.model)
    hold(tx, users)
    for automation in users:
        key, message = bad_news.key_of_quarantine(lifted, automation), f"{lifted.by} released it: {lifted.reason}"
        recover(tx, key, message=message, events=events, now=lifted.at)


def _users(tx: Tx, model: str) -> list[str]:
    """List the automations whose newest version uses a model."""
    return [one.name for one in decisions.newest_versions(tx) if one.description.get("model") == model]
