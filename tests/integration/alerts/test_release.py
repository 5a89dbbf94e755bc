"""A cord that a rule pulled is released with the checklist done and its alert over; a person's, without."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from alarming import breached, recovered
from andon import alerts, audit, cord
from andon.alerts import ChecklistOpen
from andon.cord import CordInvalid, LineState, LineStateChange
from andon.kernel.events import Events
from andon.kernel.identity import Actor
from andon.monitors import Level
from lines import Installation

OLGA = Actor("olga")
SEGMENT = {"country": "AT"}
ALL_DONE = ("Cause found", " owner informed ")
LATER = timedelta(hours=1)


def release(installation: Installation, events: Events, now: datetime, **given: Any) -> LineStateChange:
    values: dict[str, Any] = {"segment": SEGMENT, "reason": "a new partner, known by now"}
    with installation.database.begin() as tx:
        return alerts.release(tx, "payments", actor=OLGA, events=events, now=now, **values | given)


def pulled(installation: Installation, events: Events) -> datetime:
    now = installation.clock.now()
    breached(installation.database, events, now, level=Level.CRITICAL, segment=SEGMENT)
    return now


def test_every_item_is_ticked_and_the_alert_is_over(installation: Installation, events: Events) -> None:
    now = pulled(installation, events)
    with pytest.raises(ChecklistOpen) as refused:
        release(installation, events, now)
    assert [(fault.where, fault.message.partition(":")[0]) for fault in refused.value.faults] == [
        ("done", "Not ticked"),
        ("done", "Not ticked"),
        ("anyway", "The alert is still open"),
    ]
    recovered(installation.database, events, now + LATER, segment=SEGMENT)
    with pytest.raises(ChecklistOpen) as refused:
        release(installation, events, now + LATER, done=["cause found"])
    assert [fault.message for fault in refused.value.faults] == ["Not ticked: owner informed"]
    assert release(installation, events, now + LATER, done=ALL_DONE).after is LineState.AUTOMATIC
    with installation.database.begin() as tx:
        assert cord.in_force(tx, "payments") == []
        assert alerts.pulls_of(tx, "payments") == []
        [entry] = audit.page(tx, action="cord.release")
    assert entry.after is not None
    assert (entry.after["done"], entry.after["anyway"]) == (["cause found", "owner informed"], False)


def test_anyway_is_audited_with_the_alert_that_is_open(installation: Installation, events: Events) -> None:
    now = pulled(installation, events)
    with pytest.raises(ChecklistOpen):
        release(installation, events, now, anyway=True)
    release(installation, events, now, done=ALL_DONE, anyway=True)
    with installation.database.begin() as tx:
        [entry] = audit.page(tx, action="cord.release")
    assert entry.after is not None
    assert entry.after["anyway"] is True
    assert "amount has moved" in entry.after["open_alerts"][0]
    assert entry.reason == "a new partner, known by now"


def test_another_segment_that_is_still_bad_keeps_nobody_waiting(installation: Installation, events: Events) -> None:
    now = pulled(installation, events)
    breached(installation.database, events, now, level=Level.CRITICAL, segment={"country": "DE"})
    breached(installation.database, events, now, level=Level.WARNING, segment=SEGMENT, series="account")
    recovered(installation.database, events, now + LATER, segment=SEGMENT)
    release(installation, events, now + LATER, done=ALL_DONE)


def test_another_series_of_the_monitor_in_the_segment_says_that_the_cause_is_there(
    installation: Installation, events: Events
) -> None:
    now = pulled(installation, events)
    breached(installation.database, events, now, level=Level.CRITICAL, segment=SEGMENT, series="account")
    recovered(installation.database, events, now + LATER, segment=SEGMENT)
    with pytest.raises(ChecklistOpen) as refused:
        release(installation, events, now + LATER, done=ALL_DONE)
    assert "drift of account: payments (country=AT)" in refused.value.faults[0].message


def test_what_a_person_pulled_needs_a_reason_only(installation: Installation, events: Events) -> None:
    now = installation.clock.now()
    with installation.database.begin() as tx:
        cord.pull(
            tx,
            "payments",
            state=LineState.SUPERVISED,
            segment=SEGMENT,
            actor=OLGA,
            reason="by hand",
            events=events,
            now=now,
        )
    with pytest.raises(CordInvalid):
        release(installation, events, now, reason=" ")
    release(installation, events, now)
    with installation.database.begin() as tx:
        assert audit.page(tx, action="cord.release") == []


def test_a_rule_added_by_a_person_pulls_until_it_is_removed(installation: Installation, events: Events) -> None:
    now, database = installation.clock.now(), installation.database
    with database.begin() as tx:
        rule = alerts.add_rule(
            tx,
            "payments",
            monitor="calibration",
            level="warning",
            state="supervised",
            segment=True,
            actor=OLGA,
            reason="after the incident of May",
            now=now,
        )
    breached(database, events, now, monitor="calibration", series="", segment=SEGMENT)
    with database.begin() as tx:
        assert [one.after for one in cord.in_force(tx, "payments")] == [LineState.SUPERVISED]
        alerts.remove_rule(tx, "payments", rule.id, actor=OLGA, reason="not needed", now=now)
    breached(database, events, now, monitor="calibration", series="", segment={"country": "DE"})
    with database.begin() as tx:
        assert len(cord.in_force(tx, "payments")) == 1
        acts = [entry.leaf.action for entry in audit.page(tx) if entry.leaf.action.startswith("cord.rule")]
        assert acts == ["cord.rule.remove", "cord.rule.add"]
        with pytest.raises(alerts.CordRuleNotFound):
            alerts.remove_rule(tx, "payments", rule.id, actor=OLGA, reason="again", now=now)
