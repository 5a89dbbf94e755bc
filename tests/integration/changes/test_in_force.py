"""What decided at a moment: every part with who made it so, when and why, and the acts around it."""

from datetime import timedelta
from typing import Any

import pytest

from andon import changes
from andon.changes import ActKind, LineMoment, MomentNotYet
from andon.decisions import AutomationNotFound
from andon.kernel.db import Database
from changing import MODEL, NAME, ChangingLine, policy_version
from integration.changes.march import ARM_1, ARM_2, on, write_march

NOW = on(31)


@pytest.fixture(scope="module")
def line(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> ChangingLine:
    line = ChangingLine(module_database, tmp_path_factory.mktemp("packages"))
    write_march(line)
    return line


def at(line: ChangingLine, moment: Any) -> LineMoment:
    with line.database.begin() as tx:
        return changes.moment_of_line(tx, NAME, moment, now=NOW)


def test_what_decided_on_3_march_at_14(line: ChangingLine) -> None:
    found = at(line, on(3, 14)).line
    assert found.release is not None
    assert (found.release.what, found.release.by, found.release.reason) == ("version 1", "olga", "go live")
    assert found.policy is not None
    assert (found.policy.what, found.policy.at) == (policy_version(1), on(2))
    assert found.champion is not None
    assert (found.champion.what, found.champion.reason, found.champion.at) == (f"{MODEL} 1", "the first", on(1, 10))
    assert found.shares == {"1": 90, "2": 10}
    assert found.shadows == [f"1+{policy_version(2)}"]
    assert found.split is not None
    assert (found.split.number, found.split.reason, found.split.at) == (1, "try version 2", on(3, 9))
    gates = [(one.arm, one.threshold, one.by) for one in found.gates]
    assert gates == [(ARM_1, 0.9, "andon"), (ARM_2, 0.85, "olga")]
    assert found.state == "automatic"
    assert [(one.segment, one.state) for one in found.held] == [({"country": "AT"}, "supervised")]
    assert (found.audit_share, found.audit_change) == (0.02, None)


def test_each_part_holds_from_its_own_moment_on(line: ChangingLine) -> None:
    before, then = at(line, on(3, 13, 29)).line, at(line, on(3, 13, 30)).line
    assert [one.threshold for one in before.gates] == [0.9, 0.8]
    assert [one.threshold for one in then.gates] == [0.9, 0.85]
    assert at(line, on(3, 15)).line.held == []
    promoted = at(line, on(5)).line
    assert promoted.champion is not None
    assert (promoted.champion.what, promoted.champion.reason) == (f"{MODEL} 2", "better on fresh labels")
    assert at(line, on(5, 13)).line.arms == [ARM_2]
    policies = [found.policy and found.policy.what for found in (at(line, one).line for one in (on(6), on(6, 18)))]
    assert policies == [policy_version(2), policy_version(1)]


def test_the_last_day_has_what_came_last(line: ChangingLine) -> None:
    found = at(line, NOW).line
    assert found.release is not None
    assert (found.release.what, found.state) == ("version 2", "stopped")
    assert found.audit_share == 0.05
    assert found.audit_change is not None
    assert (found.audit_change.by, found.audit_change.reason) == ("olga", "look closer")


def test_before_the_first_release_nothing_decided(line: ChangingLine) -> None:
    found = at(line, on(1, 11))
    assert (found.line.release, found.line.shares, found.line.gates) == (None, {}, [])
    assert [one.kind for one in found.before] == [ActKind.PROMOTION]
    assert at(line, on(1) - timedelta(days=400_000)).before == []


def test_the_acts_around_a_moment_are_all_that_was_done(line: ChangingLine) -> None:
    found = at(line, on(6))
    assert [one.at for one in found.before] == sorted(one.at for one in found.before)
    assert found.before[-1].what.startswith(f"policy {policy_version(2)} in force")
    assert found.after[0].what == f"policy {policy_version(1)} in force, before: {policy_version(2)}"
    assert (found.after[0].by, found.after[0].reason) == ("andon", "errors doubled")
    kinds = {one.kind for one in (*found.before, *found.after)}
    assert kinds == {*ActKind} - {ActKind.ROLLOUT}
    assert f"{MODEL} 2 is champion, before: 1" in [one.what for one in found.before]


def test_the_future_and_other_automations_are_refused(line: ChangingLine) -> None:
    with pytest.raises(MomentNotYet):
        at(line, NOW + timedelta(seconds=1))
    with line.database.begin() as tx, pytest.raises(AutomationNotFound):
        changes.moment_of_line(tx, "nobody", NOW, now=NOW)
