"""Which code decides: the released version; what another release superseded for a while; anything else not at all."""

from datetime import timedelta
from pathlib import Path

import pytest

from andon import audit, decisions
from andon.decisions import AutomationReleased, NotReleased, ReleaseRefused, Releasing
from andon.kernel.events import Events
from andon.kernel.identity import Actor
from andon.testing import FakeClock
from automations import an_automation
from lines import Installation

from .in_force import ALICE, other_code, release, started, worker

LATER = timedelta(minutes=5)


def versions_of(installation: Installation) -> list[tuple[int, int | None, str]]:
    with installation.database.begin() as tx:
        return [(one.version, one.before, one.released_by) for one in decisions.list_releases(tx, "payments")]


def test_a_gateway_releases_what_it_is_started_with_and_the_one_before_goes_on_for_a_while(
    installation: Installation, tmp_path: Path
) -> None:
    clock = FakeClock(installation.clock.now())
    before = started(installation, tmp_path, an_automation(), clock=clock, hand_over=LATER)
    assert before.hands_over_until is None
    after = started(installation, tmp_path, other_code(), clock=clock, actor=ALICE)
    assert versions_of(installation) == [(2, 1, "cli:alice"), (1, None, "andon")]
    before.refresh()
    assert before.lines["payments"].ref.automation_version == 1
    assert before.hands_over_until == clock.now() + LATER
    clock.set(clock.now() + LATER)
    before.refresh()
    after.refresh()
    assert "payments" not in before.lines
    assert before.hands_over_until is None
    with pytest.raises(NotReleased, match="here is version 1, but version 2 is released"):
        before.line("payments")
    assert before.loaded == []
    assert after.lines["payments"].ref.automation_version == 2


def test_two_processes_with_other_code_do_not_take_turns(installation: Installation, tmp_path: Path) -> None:
    first, second = installation.deployment, started(installation, tmp_path, other_code())
    for _ in range(3):
        first.refresh()
        second.refresh()
    assert [version for version, _, _ in versions_of(installation)] == [2, 1]


def test_nothing_is_released_before_the_process_is_ready(installation: Installation, tmp_path: Path) -> None:
    held = started(installation, tmp_path, other_code(), held=True)
    held.refresh()
    assert held.lines["payments"].ref.automation_version == 2
    assert [version for version, _, _ in versions_of(installation)] == [1]
    held.release_here()
    assert [version for version, _, _ in versions_of(installation)] == [2, 1]
    assert held.problems == {}


def test_a_worker_decides_with_nothing_but_what_a_gateway_released(installation: Installation, tmp_path: Path) -> None:
    waiting = worker(installation, tmp_path, other_code())
    assert waiting.lines == {}
    assert "`andon release payments --reason ...`" in str(waiting.problems["payments"])
    started(installation, tmp_path, other_code())
    waiting.refresh()
    assert waiting.lines["payments"].ref.automation_version == 2
    assert waiting.problems == {}


def test_where_it_takes_an_approval_nothing_decides_before(installation: Installation, tmp_path: Path) -> None:
    waiting = started(installation, tmp_path, other_code(), releases=Releasing.NOTHING, actor=ALICE)
    assert waiting.lines == {}
    release(installation, 2, author_may_approve=False)
    waiting.refresh()
    assert waiting.lines["payments"].ref.automation_version == 2
    another = started(installation, tmp_path, an_automation("refunds"), releases=Releasing.NOTHING)
    assert "nothing is released" in str(another.problems["refunds"])


@pytest.mark.parametrize("name", ["cli:alice", "alice"])
def test_who_brought_a_version_does_not_release_it_where_that_takes_somebody_else(
    installation: Installation, tmp_path: Path, name: str
) -> None:
    started(installation, tmp_path, other_code(), releases=Releasing.NOTHING, actor=ALICE)
    with pytest.raises(ReleaseRefused, match="cli:alice deployed version 2 of payments"):
        release(installation, 2, actor=Actor(name), author_may_approve=False)
    assert [version for version, _, _ in versions_of(installation)] == [1]
    assert release(installation, 2, actor=Actor(name)).version == 2


def test_a_release_is_audited_and_an_event_and_the_same_again_nothing(
    installation: Installation, tmp_path: Path
) -> None:
    events, heard = Events(), list[AutomationReleased]()
    events.subscribe(AutomationReleased, lambda _, event: heard.append(event))
    started(installation, tmp_path, other_code(), releases=Releasing.NOTHING)
    done = release(installation, 2, events=events)
    assert release(installation, 2, events=events) == done
    assert [(one.version, one.before, one.by, one.reason) for one in heard] == [
        (done.version, 1, done.released_by, "test")
    ]
    with installation.database.begin() as tx:
        entry = audit.page(tx, action="automation.release", limit=1)[0]
        deployed = decisions.version(tx, "payments", 2)
    assert (entry.leaf.subject, entry.reason) == ("automation:payments", "test")
    assert (entry.before, entry.after) == ({"version": 1}, {"version": 2, "digest": deployed.digest})


def test_what_a_process_has_decided_with_counts_and_not_what_is_on_disk_meanwhile(
    installation: Installation, tmp_path: Path
) -> None:
    automation = an_automation()
    deployment = started(installation, tmp_path, automation)
    automation.fallback = ("rules",)  # as if its file had changed
    deployment.refresh()
    assert deployment.lines["payments"].ref.automation_version == 1
    assert [version for version, _, _ in versions_of(installation)] == [1]
