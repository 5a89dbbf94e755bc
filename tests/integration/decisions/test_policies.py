"""Which policy decides: the one in force, whatever is on disk; a release of another text publishes that."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from andon import audit, decisions, policies, serving
from andon.decisions import Arm, AutomationInvalid
from andon.decisions.predicting import Ask
from andon.kernel.events import Events
from andon.kernel.identity import PLATFORM
from andon.policies import PolicyInvalid, PolicyNotFound, PolicyPutInForce
from andon.serving import Candidate
from automations import POLICY, an_automation
from lines import OWNER, Installation

from .in_force import STRICTER, STRICTEST, other_code, policy_of, publish, release, started, with_policy, worker


def in_force(installation: Installation) -> str | None:
    with installation.database.begin() as tx:
        found = policies.in_force(tx, "payments")
    return None if found is None else found.version


def test_the_first_process_publishes_what_is_on_disk(installation: Installation) -> None:
    with installation.database.begin() as tx:
        (setting,) = policies.history(tx, "payments")
        published = policies.get(tx, "payments", setting.version)
    assert published.text == POLICY
    assert (setting.version, setting.before, setting.set_by) == (
        policy_of(installation.deployment),
        None,
        PLATFORM.name,
    )


def test_a_published_policy_decides_after_a_refresh_and_its_history_is_kept(installation: Installation) -> None:
    before = policy_of(installation.deployment)
    published = publish(installation, STRICTER, reason="too many pass")
    installation.deployment.refresh()
    assert policy_of(installation.deployment) == published.version != before
    line = installation.deployment.lines["payments"]
    assert line.ref.arm == f"fraud-risk@1+{published.version}"
    with installation.database.begin() as tx:
        newest, _ = policies.history(tx, "payments")
        entry = audit.page(tx, action="policy.set", limit=1)[0]
    assert (newest.version, newest.before, newest.set_by, newest.reason) == (
        published.version,
        before,
        OWNER.name,
        "too many pass",
    )
    assert (entry.leaf.subject, entry.reason) == ("automation:payments", "too many pass")
    assert (entry.before, entry.after) == ({"version": before}, {"version": published.version})


def test_an_unchanged_file_on_disk_leaves_what_was_published_in_force(
    installation: Installation, tmp_path: Path
) -> None:
    published = publish(installation, STRICTER).version
    assert policy_of(started(installation, tmp_path, an_automation())) == published
    changed_code = started(installation, tmp_path, other_code())
    assert changed_code.lines["payments"].ref.automation_version == 2
    assert policy_of(changed_code) == in_force(installation) == published


def test_a_release_with_another_policy_on_disk_publishes_that_one(installation: Installation, tmp_path: Path) -> None:
    publish(installation, STRICTER)
    deployment = started(installation, tmp_path, with_policy(STRICTEST))
    own = policies.parse(STRICTEST, source="x").version
    assert policy_of(deployment) == in_force(installation) == own
    back = release(installation, 1)
    assert (back.version, back.before) == (1, 2)
    assert in_force(installation) == policies.parse(POLICY, source="x").version


def test_what_was_published_before_it_was_written_to_disk_is_not_published_twice(
    installation: Installation, tmp_path: Path
) -> None:
    published = publish(installation, STRICTER).version
    assert policy_of(started(installation, tmp_path, with_policy(f"# a comment\n{STRICTER}"))) == published
    with installation.database.begin() as tx:
        assert len(policies.history(tx, "payments")) == 2
        assert policies.get(tx, "payments", published).text == STRICTER


def test_what_does_not_fit_the_automation_is_refused_with_its_line(installation: Installation) -> None:
    wrong = POLICY.replace("input.country in", "input.land in")
    with pytest.raises(PolicyInvalid) as refused:
        publish(installation, wrong)
    (fault,) = refused.value.faults
    assert fault.where.startswith("policy:6:")
    assert "land" in fault.message
    with pytest.raises(AutomationInvalid, match="action 'pause' is for an outcome that policy does not have"):
        publish(installation, POLICY.replace("pause", "hold"))
    with installation.database.begin() as tx:
        assert len(policies.list_versions(tx, "payments")) == 1


def test_a_version_published_before_is_put_in_force_again(installation: Installation) -> None:
    first = in_force(installation)
    assert first is not None
    publish(installation, STRICTER)
    with installation.database.begin() as tx:
        now, events = installation.clock.now(), Events()
        decisions.use_policy(tx, an_automation(), first, actor=OWNER, reason="back", now=now, events=events)
        with pytest.raises(PolicyNotFound):
            decisions.use_policy(tx, an_automation(), "f" * 12, actor=OWNER, reason="x", now=now, events=events)
    installation.deployment.refresh()
    assert policy_of(installation.deployment) == first


def test_only_what_changes_the_policy_in_force_is_an_event(installation: Installation) -> None:
    events, heard = Events(), list[PolicyPutInForce]()
    events.subscribe(PolicyPutInForce, lambda _, event: heard.append(event))
    aside = publish(installation, STRICTER, events=events, in_force=False)
    assert heard == []
    publish(installation, STRICTER, events=events)
    publish(installation, STRICTER, events=events)
    assert [event.version for event in heard] == [aside.version]


def test_a_policy_kept_aside_answers_for_its_share_only(installation: Installation) -> None:
    aside, now = publish(installation, STRICTEST, in_force=False).version, installation.clock.now()
    candidate = Candidate(1, aside)
    with installation.database.begin() as tx:
        serving.set_split(
            tx,
            "payments",
            "fraud-risk",
            shares={candidate: 50.0},
            shadows=[],
            actor=OWNER,
            reason="compare",
            now=now,
            events=Events(),
        )
    installation.deployment.refresh()
    line = installation.deployment.lines["payments"]
    assert policy_of(installation.deployment, candidate) == aside != policy_of(installation.deployment)
    own = line.traffic.arms[candidate]
    given = line.contract.read(b'{"payment_id": "p", "account": "a", "amount": 5000.0}')
    seen = decisions.Seen({"round_amount": False, "amount_count_1h": 1.0, "amount_sum_1h": 5000.0})
    outcomes = {
        arm.ref.policy_version: line.judge.judge_now(
            arm, [given], [seen], decisions.UNCONTROLLED, now=now, ask=scoring(0.5)
        )[0].ruling.outcome
        for arm in (line.traffic.champion, own)
    }
    assert outcomes == {line.ref.policy_version: "review", aside: "pause"}


def scoring(score: float) -> Ask:
    async def ask(arm: Arm, rows: Sequence[Any], within: float) -> list[serving.Prediction]:
        return [serving.Prediction(score, "ok", 1 - score, {"ok": 1 - score, "fraud": score}) for _ in rows]

    return ask


def test_a_policy_that_only_the_old_code_can_read_keeps_the_new_code_from_being_released(
    installation: Installation, tmp_path: Path
) -> None:
    publish(installation, POLICY.replace("prediction.score < 0.3", "features.amount_sum_1h < 10.0"))
    without = an_automation(windows=False)
    started_anew = started(installation, tmp_path, without)
    assert "payments" not in started_anew.lines
    assert "amount_sum_1h" in str(started_anew.problems["payments"].faults)
    with installation.database.begin() as tx:
        holding = decisions.released(tx, "payments")
    assert holding is not None
    assert holding.version == 1
    with pytest.raises(AutomationInvalid, match=r"features\.amount_sum_1h"):
        release(installation, 2)


def test_a_policy_written_for_a_process_that_has_it_is_followed_by_all(
    installation: Installation, tmp_path: Path
) -> None:
    other = worker(installation, tmp_path, an_automation())
    published = publish(installation, STRICTER).version
    for deployment in (installation.deployment, other):
        deployment.refresh()
        assert policy_of(deployment) == published


@pytest.mark.parametrize("table", ["policy_versions", "policy_settings", "releases"])
def test_what_was_published_or_released_is_never_changed(installation: Installation, table: str) -> None:
    for statement in (f"UPDATE {table} SET reason = 'x'", f"DELETE FROM {table}", f"TRUNCATE {table} CASCADE"):
        with pytest.raises(IntegrityError, match="immutable"), installation.database.begin() as tx:
            tx.execute(text(statement))
