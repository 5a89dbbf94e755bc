"""One alert of many sightings, and one group of many alerts: held to what may be said of any series of sightings."""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from tests.unit.alerts.sightings import MINUTE, NOON, an_id, bad_news

from andon.alerts import Alert, AlertGroup
from andon.alerts.domain import (
    AGAIN_WAIT,
    FIRST_WAIT,
    GATHERED,
    LONGEST_GROUP,
    due_at,
    raised,
    seen,
    severity,
    sighted,
)
from andon.monitors import Level

LEVELS = st.sampled_from(Level)
SPANS = st.integers(0, 3600).map(lambda seconds: timedelta(seconds=seconds))
SIGHTINGS = st.lists(st.tuples(SPANS, SPANS, LEVELS), min_size=1, max_size=30)
"""For each: how long after the one before, how long the change began earlier, and its level."""


def folded(sightings: list[tuple[timedelta, timedelta, Level]]) -> tuple[Alert, list[datetime], list[Level]]:
    alert, at, moments, levels = None, NOON, list[datetime](), list[Level]()
    for wait, earlier, level in sightings:
        at += wait
        moments.append(at)
        levels.append(level)
        news = bad_news(at, level=level, since=at - earlier, message=f"number {len(moments)}")
        finding = seen(None if alert is None else alert.finding(news.series), news, at)
        alert = raised(finding, news, an_id(1), an_id(2), at) if alert is None else sighted(alert, finding, news)
    assert alert is not None
    return alert, moments, levels


@given(SIGHTINGS)
def test_sightings_under_one_key_are_one_alert_that_counts_them(
    sightings: list[tuple[timedelta, timedelta, Level]],
) -> None:
    alert, moments, levels = folded(sightings)
    assert alert.count == len(sightings)
    assert (alert.raised_at, alert.last_seen_at) == (moments[0], moments[-1])
    assert alert.message == f"number {len(sightings)}"
    assert severity(alert.level) == max(severity(level) for level in levels)
    assert alert.since == min(at - earlier for at, (_, earlier, _) in zip(moments, sightings, strict=True))


@given(st.lists(SPANS, min_size=1, max_size=40))
def test_a_group_holds_neighbours_only_and_never_lasts_longer_than_an_hour_and_a_gap(waits: list[timedelta]) -> None:
    at, groups = NOON, list[AlertGroup]()
    for wait in waits:
        at += wait
        if groups and groups[-1].takes(bad_news(at), at):
            assert wait <= GATHERED
            groups[-1] = replace(groups[-1], joined_at=at)
        else:
            groups.append(AlertGroup(an_id(len(groups)), "payments", at, at))
    assert all(group.joined_at - group.opened_at <= LONGEST_GROUP for group in groups)
    for before, after in pairwise(groups):
        far = after.opened_at - before.joined_at > GATHERED
        assert far or after.opened_at - before.opened_at > LONGEST_GROUP


def test_a_group_takes_alerts_of_its_automation_only_and_a_drill_is_a_group_of_its_own() -> None:
    group = AlertGroup(an_id(1), "payments", NOON, NOON)
    assert group.takes(bad_news(monitor="latency"), NOON)
    assert not group.takes(bad_news(automation="credit"), NOON)
    assert not group.takes(bad_news(drill=an_id(9)), NOON)


@given(st.lists(st.tuples(SPANS, st.booleans()), min_size=1, max_size=40))
def test_every_change_is_sent_soon_and_those_that_can_wait_no_oftener_than_every_five_minutes(
    changes: list[tuple[timedelta, bool]],
) -> None:
    group, at, urgent_since = AlertGroup(an_id(1), "payments", NOON, NOON), NOON, None
    for wait, urgent in changes:
        at += wait
        if group.due_at is not None and group.due_at <= at:  # the chore has sent it meanwhile
            early = group.sent_at is not None and group.due_at - group.sent_at < AGAIN_WAIT
            assert not early or urgent_since is not None
            group, urgent_since = replace(group, sent_at=group.due_at, due_at=None), None
        due = due_at(group, at, urgent=urgent)
        assert due <= at + (FIRST_WAIT if urgent else AGAIN_WAIT + FIRST_WAIT)
        group, urgent_since = replace(group, due_at=due), at if urgent else urgent_since


def test_a_first_message_waits_a_moment_for_others() -> None:
    group = AlertGroup(an_id(1), "payments", NOON, NOON)
    assert due_at(group, NOON, urgent=False) == NOON + FIRST_WAIT
    sent = replace(group, sent_at=NOON)
    assert due_at(sent, NOON + MINUTE, urgent=True) == NOON + MINUTE + FIRST_WAIT
    assert due_at(sent, NOON + MINUTE, urgent=False) == NOON + AGAIN_WAIT


def test_one_event_is_no_events() -> None:
    finding = seen(None, bad_news(unit="events"), NOON)
    assert (finding.unit_of(1.0), finding.unit_of(2.0), finding.unit_of(None)) == ("event", "events", "events")
