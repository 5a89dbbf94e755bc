"""Findings of monitors become alerts in their own transaction: once, with the cord that a rule pulls."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from alarming import a_breach, alerts_of, breached, recovered
from andon import alerts, audit, cord
from andon.alerts import AlertRaised, AlertResolved, AlertState
from andon.cord import LineState
from andon.kernel.db import Database, DatabaseUnavailable
from andon.kernel.events import DomainEvent, Events
from andon.kernel.identity import Actor
from andon.monitors import Level
from lines import Installation

SEGMENT = {"country": "AT"}
OLGA = Actor("olga")


def states(database: Database) -> list[tuple[dict[str, object], LineState, str]]:
    with database.begin() as tx:
        return [(dict(one.segment), one.after, one.by) for one in cord.in_force(tx, "payments")]


def noted(events: Events) -> list[DomainEvent]:
    published = list[DomainEvent]()
    for kind in (AlertRaised, AlertResolved):
        events.subscribe(kind, lambda _, event: published.append(event))
    return published


def test_a_finding_is_an_alert_that_says_what_since_when_and_how_sure(
    installation: Installation, events: Events
) -> None:
    published, now = noted(events), installation.clock.now()
    alert = breached(installation.database, events, now)
    assert (alert.automation, alert.monitor, alert.series, alert.level) == ("payments", "drift", "", "warning")
    assert (alert.since, alert.raised_at) == (now - timedelta(hours=2), now)
    with installation.database.begin() as tx:
        [found] = alerts.get(tx, alert.id).findings
    assert (found.series, found.found_at, found.false_alarm) == ("amount", now, 0.0005)
    assert (found.expected, found.observed, found.detail["current"]) == (50.0, 81.5, [20, 30, 50])
    assert (alert.state, alert.incident, alert.done) == (AlertState.OPEN, None, ())
    [event] = published
    assert isinstance(event, AlertRaised)
    assert (event.id, event.level_before, event.drill) == (alert.id, None, False)
    assert states(installation.database) == []


def test_a_repeat_is_counted_and_a_higher_level_is_news(installation: Installation, events: Events) -> None:
    published, now, database = noted(events), installation.clock.now(), installation.database
    breached(database, events, now)
    again = breached(database, events, now + timedelta(minutes=1), message="it moved on")
    assert (again.count, again.last_seen_at, again.message) == (2, now + timedelta(minutes=1), "it moved on")
    assert len(published) == 1
    higher = breached(database, events, now + timedelta(minutes=2), level=Level.CRITICAL)
    assert (higher.id, higher.count, higher.level) == (again.id, 3, "critical")
    assert [getattr(event, "level_before", "") for event in published] == [None, "warning"]
    assert higher.incident is not None
    lower = breached(database, events, now + timedelta(minutes=3))
    assert (lower.count, lower.level, len(published)) == (4, "critical", 2)


def test_other_monitors_arms_and_segments_are_other_alerts_of_one_group(
    installation: Installation, events: Events
) -> None:
    now, database = installation.clock.now(), installation.database
    for minute, given in enumerate(({}, {"arm": "fraud-risk@2"}, {"segment": SEGMENT}, {"monitor": "missing"})):
        breached(database, events, now + timedelta(minutes=minute), **given)
    breached(database, events, now + timedelta(minutes=30), monitor="latency")
    found = alerts_of(database)
    assert len(found) == 5
    assert len({alert.alert_group for alert in found}) == 2


def test_what_a_monitor_finds_in_one_place_is_one_alert_that_ends_when_all_of_it_recovered(
    installation: Installation, events: Events
) -> None:
    published, now, database = noted(events), installation.clock.now(), installation.database
    with database.begin() as tx:
        for series in ("age", "amount", "country", "hour", "purpose"):
            events.publish(tx, a_breach(now, series=series, message=f"{series} has moved"))
    [alert] = alerts_of(database)
    assert (alert.title, alert.count) == ("drift of age, amount, country and 2 more: payments", 1)
    assert alert.message == "age has moved; amount has moved; country has moved and 2 more"
    for series in ("age", "amount", "country", "hour"):
        recovered(database, events, now + timedelta(minutes=1), series=series)
    [alert] = alerts_of(database, AlertState.OPEN)
    assert [one.series for one in alert.standing] == ["purpose"]
    again = breached(database, events, now + timedelta(minutes=2), series="hour")
    assert (again.id, again.finding("hour").count) == (alert.id, 2)  # type: ignore[union-attr]
    for series in ("purpose", "hour", "hour"):
        recovered(database, events, now + timedelta(minutes=3), series=series)
    [over] = alerts_of(database, AlertState.RESOLVED)
    assert [type(event) for event in published] == [AlertRaised, AlertResolved]
    with database.begin() as tx:
        kinds = [note.kind for note in alerts.notes_of(tx, over.id)]
    assert kinds == ["raised", *["found"] * 4, *["recovered"] * 5, "resolved"]


def test_an_alert_of_one_arm_is_neither_repeated_nor_ended_by_another(
    installation: Installation, events: Events
) -> None:
    now, database = installation.clock.now(), installation.database
    first = breached(database, events, now, arm="fraud-risk@1")
    recovered(database, events, now, arm="fraud-risk@2")
    second = breached(database, events, now + timedelta(minutes=1), arm="fraud-risk@2")
    recovered(database, events, now + timedelta(minutes=2), arm="fraud-risk@2")
    [standing] = alerts_of(database, AlertState.OPEN)
    assert (standing.id, standing.arm, standing.count) == (first.id, "fraud-risk@1", 1)
    assert second.id != first.id


def test_a_further_finding_is_news_and_pulls_what_a_person_released(installation: Installation, events: Events) -> None:
    now, database = installation.clock.now(), installation.database
    alert = breached(database, events, now, level=Level.CRITICAL, segment=SEGMENT)
    with database.begin() as tx:
        alerts.acknowledge(tx, alert.id, actor=OLGA, events=events, now=now)
        given = {"actor": OLGA, "events": events, "now": now, "done": ["cause found", "owner informed"]}
        alerts.release(tx, "payments", segment=SEGMENT, reason="known", anyway=True, **given)
    assert breached(database, events, now, segment=SEGMENT).state is AlertState.ACKNOWLEDGED
    further = breached(database, events, now, level=Level.CRITICAL, segment=SEGMENT, series="country")
    assert (further.id, further.state) == (alert.id, AlertState.OPEN)
    assert states(database) == [(SEGMENT, LineState.STOPPED, "andon")]


def test_what_is_provisional_is_shown_and_nothing_more_until_it_is_confirmed(
    installation: Installation, events: Events
) -> None:
    published, now, database = noted(events), installation.clock.now(), installation.database
    given = {"level": Level.CRITICAL, "segment": SEGMENT}
    alert = breached(database, events, now, provisional=True, **given)
    assert (alert.level, alert.provisional, alert.changed, alert.incident) == ("warning", True, False, None)
    assert (states(database), getattr(published[0], "provisional", None)) == ([], True)
    with database.begin() as tx:
        assert not alerts.send_due(tx, [], console="", now=now + timedelta(hours=1))
        assert alerts.count_open(tx, None, now) == 1
    confirmed = breached(database, events, now + timedelta(minutes=1), **given)
    assert (confirmed.id, confirmed.level, confirmed.provisional, confirmed.changed) == (
        alert.id,
        "critical",
        False,
        True,
    )
    assert confirmed.incident is not None
    assert states(database) == [(SEGMENT, LineState.STOPPED, "andon")]
    provisional = breached(database, events, now + timedelta(minutes=2), provisional=True, series="country", **given)
    assert (provisional.id, provisional.provisional, provisional.sent_at) == (alert.id, False, None)
    recovered(database, events, now + timedelta(minutes=3), segment=SEGMENT)
    assert alerts_of(database)[0].provisional


def test_a_rule_pulls_the_cord_of_the_segment_in_the_findings_transaction(
    installation: Installation, events: Events
) -> None:
    now, database = installation.clock.now(), installation.database
    alert = breached(database, events, now, level=Level.CRITICAL, segment=SEGMENT)
    assert states(database) == [(SEGMENT, LineState.STOPPED, "andon")]
    [done] = alert.done
    assert done.startswith("The cord was pulled: country=AT is stopped")
    with database.begin() as tx:
        [change] = cord.history(tx, "payments")
        assert "drift at critical" in change.reason
        assert alert.message in change.reason
        [pull] = alerts.pulls_of(tx, "payments")
        assert (pull.alert, pull.number) == (alert.id, change.number)
        assert audit.page(tx, action="line.state")[0].leaf.actor == "andon"


def test_what_undoes_the_finding_undoes_alert_and_cord(installation: Installation, events: Events) -> None:
    events.subscribe(AlertRaised, lambda *_: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        breached(installation.database, events, installation.clock.now(), level=Level.CRITICAL, segment=SEGMENT)
    assert alerts_of(installation.database) == []
    assert states(installation.database) == []


def test_a_rule_makes_nothing_less_careful(installation: Installation, events: Events) -> None:
    now, database = installation.clock.now(), installation.database
    with database.begin() as tx:
        cord.pull(
            tx,
            "payments",
            state=LineState.STOPPED,
            segment={},
            actor=OLGA,
            reason="by hand",
            events=events,
            now=now,
        )
    alert = breached(database, events, now, monitor="latency", series="")
    assert states(database) == [({}, LineState.STOPPED, "olga")]
    assert alert.done == (
        (
            "Nothing had to be done: the line was stopped already (rule: latency at warning makes the whole line "
            "supervised)"
        ),
    )


def test_a_segment_that_the_contract_does_not_know_holds_the_whole_line(
    installation: Installation, events: Events
) -> None:
    breached(installation.database, events, installation.clock.now(), level=Level.CRITICAL, segment={"region": "north"})
    assert states(installation.database) == [({}, LineState.STOPPED, "andon")]


def test_a_repeat_does_not_pull_again_what_a_person_released(installation: Installation, events: Events) -> None:
    now, database = installation.clock.now(), installation.database
    breached(database, events, now, level=Level.CRITICAL, segment=SEGMENT)
    with database.begin() as tx:
        alerts.release(
            tx,
            "payments",
            segment=SEGMENT,
            actor=OLGA,
            reason="known, a new partner",
            events=events,
            now=now,
            done=["cause found", "Owner informed"],
            anyway=True,
        )
    breached(database, events, now + timedelta(minutes=1), level=Level.CRITICAL, segment=SEGMENT)
    assert states(database) == []


def test_a_recovery_resolves_its_alert_and_leaves_the_cord_to_people(
    installation: Installation, events: Events
) -> None:
    published, now, database = noted(events), installation.clock.now(), installation.database
    breached(database, events, now, level=Level.CRITICAL, segment=SEGMENT)
    breached(database, events, now, series="country")
    recovered(database, events, now + timedelta(hours=1), segment=SEGMENT)
    [over] = alerts_of(database, AlertState.RESOLVED)
    assert (over.segment, over.resolved_by, over.resolution) == (SEGMENT, "andon", "amount is as expected again")
    assert isinstance(published[-1], AlertResolved)
    assert states(database) == [(SEGMENT, LineState.STOPPED, "andon")]
    recovered(database, events, now, series="nothing was wrong with it")
    again = breached(database, events, now + timedelta(hours=2), segment=SEGMENT)
    assert again.id != over.id
    with database.begin() as tx:
        kinds = [note.kind for note in alerts.notes_of(tx, over.id)]
    assert kinds == ["raised", "resolved"]


def test_two_workers_that_find_the_same_make_one_alert_and_pull_once(
    installation: Installation, events: Events
) -> None:
    now, database, together = installation.clock.now(), installation.database, Barrier(4)

    def find(number: int) -> None:
        together.wait()
        with database.begin() as tx:
            at = now + timedelta(seconds=number)
            events.publish(tx, a_breach(at, level=Level.CRITICAL, segment=SEGMENT))

    with ThreadPoolExecutor(4) as workers:
        list(workers.map(find, range(4)))
    [alert] = alerts_of(database)
    assert alert.count == 4
    with database.begin() as tx:
        assert len(cord.history(tx, "payments")) == 1


def test_a_connection_that_dies_before_the_commit_leaves_neither_alert_nor_cord(
    installation: Installation, events: Events
) -> None:
    database, now = installation.database, installation.clock.now()

    def die() -> None:
        with database.begin() as tx:
            events.publish(tx, a_breach(now, level=Level.CRITICAL, segment=SEGMENT))
            own = tx.execute(text("SELECT pg_backend_pid()")).scalar_one()
            with database.begin() as other:
                other.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": own})

    with pytest.raises(DatabaseUnavailable):
        die()
    assert (alerts_of(database), states(database)) == ([], [])
    breached(database, events, now, level=Level.CRITICAL, segment=SEGMENT)
    assert states(database) == [(SEGMENT, LineState.STOPPED, "andon")]


def test_notes_of_a_timeline_cannot_be_changed(installation: Installation, events: Events) -> None:
    breached(installation.database, events, installation.clock.now())
    for change in ("UPDATE alert_notes SET message = ''", "DELETE FROM alert_notes"):
        with pytest.raises(DBAPIError, match="immutable"), installation.database.begin() as tx:
            tx.execute(text(change))


def test_people_at_the_cord_and_findings_at_once_wait_for_each_other_and_never_for_ever(
    installation: Installation, events: Events
) -> None:
    database, now = installation.database, installation.clock.now()

    def find(number: int) -> None:
        with database.begin() as tx:
            for segment in (SEGMENT, {"country": f"C{number}"}):
                events.publish(tx, a_breach(now, level=Level.CRITICAL, segment=segment))

    def pull(number: int) -> None:
        with database.begin() as tx:
            cord.pull(
                tx,
                "payments",
                state=LineState.SUPERVISED,
                segment={"account": f"a{number}"},
                actor=OLGA,
                reason="by hand",
                events=events,
                now=now,
            )

    def acknowledge(_: int) -> None:
        for alert in alerts_of(database, AlertState.OPEN):
            with database.begin() as tx:
                alerts.acknowledge(tx, alert.id, actor=OLGA, events=Events(), now=now)

    with ThreadPoolExecutor(6) as people:
        doing = [people.submit(act, number) for number in range(5) for act in (find, pull, acknowledge)]
        for one in doing:
            one.result(timeout=60)
    with database.begin() as tx:
        held = {tuple(change.segment.items()) for change in cord.in_force(tx, "payments")}
    assert len(held) == 11
    assert len(alerts_of(database)) == 6
