"""Drills: a test alert reaches the snapshot of every running process, and changes no decision."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from alarming import a_guarded_automation, alerts_of
from andon import CordDrill, CordRule, alerts, audit, cord, live
from andon.alerts import AlertRoute, AlertState, Drill
from andon.alerts.chores import chores
from andon.decisions import DELIVER_ACTION
from andon.kernel import outbox
from andon.kernel.db import Database
from andon.kernel.events import Events
from andon.kernel.identity import Actor
from andon.live import Process, Status
from andon.monitors import Level
from automations import payment
from calls import DECIDE, call
from lines import CALLER, Installation, install

OTTO = Actor("otto")
ROUTE = AlertRoute("mail", Level.WARNING, "bank", "webhook")
IN_DRILLS = AlertRoute("drills", Level.WARNING, "bank", "webhook", drills=True)
SECONDS = timedelta(seconds=1)


def report(installation: Installation, process: UUID, now: datetime, *, part: str = "gateway") -> None:
    """Write the status of a process: the drills that its snapshot holds."""
    installation.deployment.refresh_controls()
    say(installation.database, process, now, installation.deployment.controls.drills, part)


def say(database: Database, process: UUID, now: datetime, drills: tuple[str, ...], part: str = "gateway") -> None:
    status = Status(seconds=60, serves={"payments": 1}, drills=drills)
    with database.begin() as tx:
        live.report(tx, Process(process, part, "host", 7, "0.7", now, now, status))


def begin(installation: Installation, events: Events, now: datetime) -> Drill:
    with installation.database.begin() as tx:
        return alerts.begin_drill(tx, "payments", actor=OTTO, reason="monthly", events=events, now=now)


def advance(installation: Installation, events: Events, now: datetime, drill: Drill) -> Drill:
    with installation.database.begin() as tx:
        alerts.advance_drills(tx, events=events, now=now)
        return alerts.get_drill(tx, drill.id)


def test_a_drill_passes_when_every_process_holds_its_cord_and_decisions_stay_as_they_are(
    installation: Installation, events: Events
) -> None:
    now, gateway, worker, database = installation.clock.now(), uuid4(), uuid4(), installation.database
    for process in (gateway, worker):
        say(database, process, now, ())
    drill = begin(installation, events, now)
    assert (drill.pulled_at, drill.passed) == (now, None)
    assert advance(installation, events, now + SECONDS, drill).passed is None
    report(installation, gateway, now + 2 * SECONDS)
    assert advance(installation, events, now + 2 * SECONDS, drill).passed is None
    report(installation, worker, now + 3 * SECONDS, part="worker")
    bank = installation.key("bank", CALLER)
    decided = call(installation, "POST", DECIDE, bank, json=payment()).json()
    assert (decided["rule"], decided["line_state"]) == ("safe", "automatic")
    ended = advance(installation, events, now + 3 * SECONDS, drill)
    assert (ended.passed, ended.followed_at) == (True, now + 3 * SECONDS)
    assert ended.result == "2 processes held the cord within 3.0 s"
    with database.begin() as tx:
        assert cord.in_force(tx, "payments") == []
        reasons = [change.reason for change in cord.history(tx, "payments")]
        acts = {entry.leaf.action for entry in audit.page(tx)}
    assert [reason.startswith("Drill") for reason in reasons] == [True, True]
    assert {"cord.drill", "cord.drill.end"} <= acts
    [alert] = alerts_of(database, AlertState.RESOLVED, drills=True)
    assert (alert.drill, alert.incident) == (drill.id, None)
    assert alerts_of(database) == []


def test_a_process_that_does_not_follow_makes_it_fail(installation: Installation, events: Events) -> None:
    now, deaf = installation.clock.now(), uuid4()
    drill = begin(installation, events, now)
    for second in range(0, 31, 10):
        say(installation.database, deaf, now + second * SECONDS, ())
    ended = advance(installation, events, now + 31 * SECONDS, drill)
    assert ended.passed is False
    assert ended.result == "After 30 s not every process held the cord: gateway host/7"
    with installation.database.begin() as tx:
        assert cord.in_force(tx, "payments") == []


def test_where_nothing_runs_it_fails(installation: Installation, events: Events) -> None:
    now = installation.clock.now()
    ended = advance(installation, events, now + 31 * SECONDS, begin(installation, events, now))
    assert ended.result == "No process that decides for this automation is running"


def test_without_a_rule_there_is_nothing_to_try(database: Database, tmp_path: Path, events: Events) -> None:
    automation = a_guarded_automation(CordRule("drift"))
    automation.cord = ()
    installation = install(database, tmp_path, automation)
    ended = begin(installation, events, installation.clock.now())
    assert (ended.passed, ended.result) == (False, "No rule of this automation pulled the cord")
    assert begin(installation, events, installation.clock.now()).id != ended.id


def test_one_drill_at_a_time(installation: Installation, events: Events) -> None:
    now = installation.clock.now()
    begin(installation, events, now)
    with pytest.raises(alerts.DrillUnderWay):
        begin(installation, events, now)


@pytest.mark.parametrize(("route", "messages"), [(ROUTE, 0), (IN_DRILLS, 1)])
def test_a_drill_is_sent_only_where_that_is_asked_for(
    installation: Installation, events: Events, route: AlertRoute, messages: int
) -> None:
    now, database = installation.clock.now(), installation.database
    begin(installation, events, now)
    with database.begin() as tx:
        alerts.send_due(tx, [route], console="", now=now + 10 * SECONDS)
        which = outbox.MessageSelection()
        found = outbox.page(tx, DELIVER_ACTION, outbox.MessageState.PENDING, which=which, limit=9)
    assert len(found) == messages
    for message in found:
        assert message.payload["event"]["data"]["alert"]["title"].startswith("DRILL, nothing is wrong")


def test_a_declared_drill_runs_when_it_is_due_and_something_decides(
    database: Database, tmp_path: Path, events: Events
) -> None:
    every = timedelta(days=30)
    installation = install(database, tmp_path, a_guarded_automation(drill=CordDrill(every=every)))
    now, process = installation.clock.now(), uuid4()
    work = {chore.name: chore.work for chore in chores([], events, console="", standing={})}

    def run(name: str, at: datetime) -> Any:
        with database.begin() as tx:
            return work[name](tx, at)

    def begun() -> int:
        with database.begin() as tx:
            return len(alerts.list_drills(tx, "payments"))

    run("begin_drills", now)
    assert begun() == 0
    for day, expected in ((0, 1), (29, 1), (30, 2)):
        at = now + timedelta(days=day)
        say(database, process, at, ())
        run("begin_drills", at)
        assert begun() == expected
        report(installation, process, at + SECONDS)
        run("send_alerts", at + SECONDS)
    with database.begin() as tx:
        assert [drill.passed for drill in alerts.list_drills(tx, "payments")] == [True, True]
        assert alerts.list_drills(tx, "payments")[0].asked_by == "andon"
