"""Two hundred changes, made by the services, against counts that plain loops make of what the story noted."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from statistics import median

import pytest

from andon import changes
from andon.changes import ChangeAccount
from andon.cord import LineState
from andon.kernel.db import Database
from andon.kernel.identity import PLATFORM
from changing import NAME, ChangingLine
from integration.changes.story import Held, Noted, Story

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]  # a thousand small transactions

WEEK = timedelta(days=7)


@pytest.fixture(scope="module")
def story(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Story:
    story = Story(
        ChangingLine(module_database, tmp_path_factory.mktemp("packages")), datetime(2024, 5, 6, 7, tzinfo=UTC)
    )
    story.write(200)
    return story


@pytest.fixture(scope="module")
def found(story: Story) -> ChangeAccount:
    with story.line.database.begin() as tx:
        return changes.account_of(tx, NAME, since=datetime(2000, 1, 1, tzinfo=UTC), now=story.now)


def over(story: Story, trouble: Held) -> datetime | None:
    """When a trouble was over; an incident in which the cord was held lasts until nothing is held any more."""
    if trouble.what != "incident":
        return trouble.until
    end = trouble.until or story.now
    cords = [one for one in story.troubles if one.what != "incident"]
    met = [one for one in cords if one.at <= end and (one.until is None or one.until > trouble.at)]
    if not met:
        return trouble.until
    moment = max([trouble.at, *(one.at for one in met)])
    while True:  # nothing is held once no cord that was pulled before lasts
        lasting = [one for one in cords if one.at <= moment and (one.until is None or one.until > moment)]
        if not lasting:
            return moment
        ends = [one.until for one in lasting if one.until is not None]
        if len(ends) < len(lasting):
            return None
        moment = max(ends)


def blamed(story: Story) -> dict[int, list[Held]]:
    """Return the troubles that each change is to blame for, by its place."""
    result: dict[int, list[Held]] = {}
    for trouble in story.troubles:
        newest = None
        for place, one in enumerate(story.changes):
            stands = one.undone_at is None or one.undone_at >= trouble.at
            if one.kind != "gate" and one.at <= trouble.at and stands:
                newest = place
        if newest is not None and trouble.at - story.changes[newest].at <= WEEK:
            result.setdefault(newest, []).append(trouble)
    return result


def recoveries(story: Story) -> list[timedelta | None]:
    """Return the recovery time of each failed change; None of those that are not over."""
    times: list[timedelta | None] = []
    blame = blamed(story)
    for place, one in enumerate(story.changes):
        troubles = blame.get(place, [])
        if one.undone_at is None and not troubles:
            continue
        began = min((trouble.at for trouble in troubles), default=one.at)
        ends = [over(story, trouble) for trouble in troubles]
        if one.undone_at is not None:
            ends.append(one.undone_at)
        times.append(None if None in ends else max(end for end in ends if end is not None) - began)
    return times


def is_rework(story: Story, one: Noted) -> bool:
    for trouble in story.troubles:
        end = over(story, trouble)
        if trouble.at < one.at and (end is None or end > one.at):
            return True
    return False


def test_the_story_has_something_of_everything(story: Story) -> None:
    assert len(story.changes) >= 200
    assert set(Counter(one.kind for one in story.changes)) == {"release", "policy", "split", "promotion", "gate"}
    assert 30 < len(recoveries(story)) < 150
    assert {one.name for one in story.rollbacks} == {"andon", "olga"}
    assert {one.what for one in story.troubles} == {"line", "part", "incident"}


def test_changes_are_counted_by_kind_and_by_week(story: Story, found: ChangeAccount) -> None:
    assert dict(found.figures.kinds) == Counter(one.kind for one in story.changes)
    assert [one.at for one in found.changes] == [one.at for one in reversed(story.changes)]
    for week in found.weeks:
        inside = [one for one in story.changes if week.starts_at <= one.at < week.starts_at + WEEK]
        assert week.changes == len(inside)
    assert story.began is not None
    assert found.figures.frequency.per_week == pytest.approx(len(story.changes) / ((story.now - story.began) / WEEK))


def test_lead_times_are_those_of_the_story(story: Story, found: ChangeAccount) -> None:
    assert [one.lead_time for one in reversed(found.changes)] == [one.lead for one in story.changes]
    known = [one.lead for one in story.changes if one.lead is not None]
    assert found.figures.lead_time.median == median(known)


def test_failures_and_recoveries_are_those_of_the_story(story: Story, found: ChangeAccount) -> None:
    blame = blamed(story)
    failed = [place for place, one in enumerate(story.changes) if one.undone_at is not None or place in blame]
    assert [place for place, one in enumerate(reversed(found.changes)) if one.failed] == failed
    figures, times = found.figures, recoveries(story)
    assert (figures.failures.some, figures.failures.all) == (len(failed), len(story.changes))
    assert [one.recovery_time for one in reversed(found.changes) if one.failed] == times
    mended = [one for one in times if one is not None]
    assert figures.recovery_time.median == median(mended)
    assert (figures.recovery_time.count, figures.unrecovered) == (len(mended), len(times) - len(mended))


def test_rollbacks_and_rework_are_those_of_the_story(story: Story, found: ChangeAccount) -> None:
    by_andon = sum(one == PLATFORM for one in story.rollbacks)
    shares = found.figures.automatic_rollbacks
    assert (shares.some, shares.all) == (by_andon, len(story.rollbacks))
    assert found.figures.rework.some == sum(is_rework(story, one) for one in story.changes)


def test_the_times_in_each_state_are_those_of_the_story(story: Story, found: ChangeAccount) -> None:
    expected = dict.fromkeys(LineState, timedelta())
    for one in story.troubles:
        if one.what == "line":
            expected[one.state] += (one.until or story.now) - one.at
    assert story.began is not None
    expected[LineState.AUTOMATIC] = story.now - story.began - sum(expected.values(), timedelta())
    assert dict(found.figures.states.times) == expected
