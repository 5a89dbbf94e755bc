"""`andon plan` and `andon apply`: what a configuration changes, refused where the state moved, done once."""

import json
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from alarming import all_events
from andon import alerts, audit, cord, plans, policies, serving
from andon.bootstrap.installation import settings_here
from andon.bootstrap.planning import apply_here, configured, plan_here
from andon.cord import LineState
from andon.kernel.db import Database
from andon.kernel.events import Events
from andon.kernel.identity import Actor
from andon.plans import PlannedAct, StateMoved
from meanwhile import transactions_beside
from planned import NOW, POLICY, STRICTER, configure, run

WHOLE = """
champions: {fraud-risk: 2}
automations:
  payments:
    release: true
    policy: other.yaml
    traffic:
      shares:
        - {version: 3, percent: 10}
        - {version: 1, policy: policy.yaml, percent: 2.5}
      shadows: [{version: 1}]
    gates:
      - {at_least: 1.5}
      - {at_least: 1.9, version: 1}
    cord_rules:
      - {monitor: errors, level: warning, state: stopped, holds: line}
    audit_share: 0.05
"""


def test_everything_that_can_be_named_is_planned_applied_and_then_in_force(project: Path, database: Database) -> None:
    (project / "other.yaml").write_text(other := POLICY.replace("0.5", "0.45"))
    configure(project, WHOLE)
    planned = json.loads(run("plan", "config", "--json").stdout)
    places = [change["place"].removeprefix("automations.payments.") for change in planned["changes"]]
    assert places == [
        "policy",
        "champions.fraud-risk",
        "traffic",
        "gates.1",
        "gates.champion",
        "cord_rules",
        "audit_share",
    ]
    before = run("policy", "list", "payments", "--json").stdout
    said = run("apply", "config", "--reason", "pull request 214", "--yes").stdout
    assert said.endswith("Applied: 7 changes\n")
    assert run("policy", "list", "payments", "--json").stdout != before
    assert run("policy", "show", "payments").stdout == other
    split = json.loads(run("split", "show", "payments", "--json").stdout)
    assert (split["champion"], split["shadows"]) == (2, ["1"])
    assert sorted(split["split"]["shares"].values()) == [2.5, 10.0]
    with database.begin() as tx:
        (added,) = alerts.added_rules(tx, "payments")
    assert alerts.shown_rule(added.rule) == "errors at warning makes the whole line stopped"
    assert json.loads(run("audits", "show", "payments", "--json").stdout)["share"] == 0.05
    in_force = [
        one for one in json.loads(run("gates", "list", "payments", "--json").stdout) if one["origin"] == "person"
    ]
    assert sorted(one["threshold"] for one in in_force) == [1.5, 1.9]
    with database.begin() as tx:
        entries = audit.page(tx, limit=50)
    assert {entry.reason for entry in entries if entry.leaf.action == "policy.set"} >= {"pull request 214"}
    with database.begin() as tx:
        count = len(audit.page(tx, limit=200))
    assert run("apply", "config", "--reason", "again", "--yes").stdout == "Nothing to do\n"
    assert run("plan", "config", "--exit-code").stdout == "Nothing to do\n"
    with database.begin() as tx:
        assert len(audit.page(tx, limit=200)) == count, "a plan, or a second apply, has left something"


def test_a_plan_says_who_is_affected_what_flips_and_what_it_takes(project: Path) -> None:
    rows = [f"{amount},DE" for amount in range(20, 820, 20)]
    (project / "rows.csv").write_text("\n".join(["amount,country", *rows]) + "\n")
    run("decide", "rows.csv")
    recorded = run("replay").stdout
    assert "40 decisions of payments decided again: 40 identical" in recorded
    configure(project, "champions: {fraud-risk: 2}\nautomations: {payments: {policy: stricter.yaml}}")
    planned = json.loads(run("plan", "config", "--json").stdout)
    (affected,), (flipped,) = planned["affected"], planned["flipped"]
    assert (affected["automation"], affected["decisions"], affected["endpoint"]) == ("payments", 40, "fraud-risk")
    assert (flipped["decisions"], flipped["undecidable"]) == (40, 0)
    assert 0 < affected["automatic"] < 40
    assert flipped["flips"] == {"release → review": affected["automatic"]}
    assert flipped["same"] == 40 - affected["automatic"]
    said = run("plan", "config", "--exit-code", status=1).stdout
    assert "-  - {id: safe, when: 'prediction.score < 0.5'" in said
    assert "+  - {id: safe, when: 'prediction.score < 0.001'" in said
    assert "payments: 40 decisions in the last 7 days" in said
    assert "publish policies or put them in force, within payments (owner, admin)" in said
    assert "2 changes. Nothing is changed yet" in said


def test_a_plan_whose_state_moved_is_not_applied_and_the_difference_is_shown(project: Path) -> None:
    configure(project, "champions: {fraud-risk: 2}\nautomations: {payments: {audit_share: 0.1}}")
    run("plan", "config", "--out", "plan.json")
    run("audits", "set", "payments", "--share", "0.15", "--reason", "meanwhile")
    said = run("apply", "config", "--plan", "plan.json", "--reason", "x", "--yes", status=5).output
    assert "automations.payments.audit_share: was 0.02, is 0.15" in said
    assert json.loads(run("split", "show", "payments", "--json").stdout)["champion"] == 1
    run("plan", "config", "--out", "plan.json")
    assert "Applied: 2 changes" in run("apply", "config", "--plan", "plan.json", "--reason", "x", "--yes").stdout
    assert run("apply", "config", "--plan", "plan.json", "--reason", "x", "--yes").stdout == "Nothing to do\n"


def test_what_is_not_managed_but_decided_the_plan_counts_as_well(project: Path) -> None:
    configure(project, "automations: {payments: {audit_share: 0.1}}")
    run("plan", "config", "--out", "plan.json")
    run("models", "alias", "set", "champion", "3", "--reason", "meanwhile")
    said = run("apply", "config", "--plan", "plan.json", "--reason", "x", "--yes", status=5).output
    assert "payments, champion: was 1, is 3" in said


def test_a_configuration_that_is_not_the_planned_one_is_not_applied(project: Path) -> None:
    configure(project, "champions: {fraud-risk: 2}")
    run("plan", "config", "--out", "plan.json")
    configure(project, "champions: {fraud-risk: 3}")
    said = run("apply", "config", "--plan", "plan.json", "--reason", "x", "--yes", status=5).output
    assert "champions.fraud-risk: planned 2, but it would now become 3" in said
    assert json.loads(run("split", "show", "payments", "--json").stdout)["champion"] == 1


def test_of_two_at_once_the_second_is_told(project: Path, database: Database) -> None:
    settings, acts = settings_here(), Events()
    act = PlannedAct(Actor("ada"), "at once", NOW, acts)
    configure(project, "champions: {fraud-risk: 2}")
    wanted = configured(settings, project / "config")
    plan = plan_here(settings, database, wanted, act, again=0)
    ended: list[str] = []

    def second() -> None:
        try:
            apply_here(database, wanted, act, plan)
        except StateMoved as error:
            ended.append(error.faults[0].message)

    thread = Thread(target=second)
    with database.begin() as tx:
        plans.apply_changes(tx, wanted.settings, wanted.declared, act, plan)
        thread.start()
        thread.join(0.3)
        assert thread.is_alive(), "the second did not wait for the first"
    thread.join(10)
    assert ended == ["was 1, is 2"]


def test_a_person_who_pulls_the_cord_meets_a_plan_that_changes_more_than_the_gate(
    project: Path, database: Database
) -> None:
    """The plan needs the cord for the gate, and must not wait for it once its first change is in the audit log."""
    settings, act = settings_here(), PlannedAct(Actor("ada"), "at once", NOW, all_events())
    (project / "other.yaml").write_text(POLICY.replace("0.5", "0.45"))
    configure(project, "automations: {payments: {policy: other.yaml, gates: [{at_least: 1.5}]}}")
    wanted = configured(settings, project / "config")
    plan = plan_here(settings, database, wanted, act, again=0)
    stopped: dict[str, Any] = {"state": LineState.STOPPED, "segment": {}, "reason": "fraud", "now": NOW}
    with transactions_beside(database) as beside:
        with database.begin() as tx:
            cord.hold(tx, "payments")
            applying = beside(lambda other: plans.apply_changes(other, wanted.settings, wanted.declared, act, plan))
            cord.pull(tx, "payments", actor=Actor("olga"), events=act.events, **stopped)
        applying.result(timeout=30)


def test_a_rollout_that_ends_meets_a_plan_of_its_policy_and_its_traffic(project: Path, database: Database) -> None:
    """A rollout is moved under the lock of its split, and takes the policy after it."""
    settings, act = settings_here(), PlannedAct(Actor("ada"), "at once", NOW, all_events())
    (project / "other.yaml").write_text(POLICY.replace("0.5", "0.45"))
    configure(project, "automations: {payments: {policy: other.yaml, traffic: {shadows: [{version: 2}]}}}")
    wanted = configured(settings, project / "config")
    plan = plan_here(settings, database, wanted, act, again=0)
    with transactions_beside(database) as beside:
        with database.begin() as tx:
            serving.hold(tx, "payments")
            applying = beside(lambda other: plans.apply_changes(other, wanted.settings, wanted.declared, act, plan))
            policies.hold(tx, "payments")
        applying.result(timeout=30)


def test_no_is_an_answer(project: Path) -> None:
    configure(project, "champions: {fraud-risk: 2}")
    said = run("apply", "config", "--reason", "x", status=1, answer="n\n").output
    assert "champions.fraud-risk  1 → 2" in said
    assert "Applied: 1 change\n" in run("apply", "config", "--reason", "x", answer="y\n").output


def test_everything_that_would_be_refused_is_named_by_the_plan(project: Path) -> None:
    (project / "broken.yaml").write_text(STRICTER.replace("prediction.score", "input.amuont"))
    configure(
        project,
        """
        champions: {fraud-risk: 9, spam: 1}
        automations:
          payments:
            policy: broken.yaml
            traffic: {shares: [{version: 7, percent: 10}]}
            gates: [{at_least: 0.0}, {at_least: 1.0, version: 8}]
            cord_rules: [{monitor: weather}]
            audit_share: 0.9
        """,
    )
    said = run("plan", "config", status=2).output
    for place in ("policy: broken.yaml:4", "traffic: shares.7", "gates.8", "cord_rules", "audit_share: share"):
        assert f"automations.payments.{place}" in said, said
    assert "champions.fraud-risk: Model fraud-risk has no version 9" in said
    assert "champions.spam: No model is named spam" in said
    twice = "[{version: 3, percent: 1}, {version: 3, percent: 2}]"
    configure(project, f"automations: {{payments: {{traffic: {{shares: {twice}}}}}}}")
    assert "traffic: shares.3: This candidate is named twice" in run("plan", "config", status=2).output
    assert run("plan", "nowhere", status=4).output.startswith("error: No configuration in nowhere")
    configure(project, "automations: {invoices: {audit_share: 0.1}}")
    assert "declares no such automation; there are: payments" in run("plan", "config", status=4).output


def test_who_brought_code_does_not_release_it_where_that_takes_somebody_else(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANDON_RELEASES_AUTHOR_MAY_APPROVE", "false")
    monkeypatch.setattr("getpass.getuser", lambda: "ada")
    (project / "policy.yaml").write_text(STRICTER)
    configure(project, "automations: {payments: {release: true}}")
    planned = run("plan", "config").stdout
    assert "a release by someone other than cli:ada" in planned
    assert "differs in: policy" in planned
    assert "+  - {id: safe, when: 'prediction.score < 0.001'" in planned
    run("apply", "config", "--reason", "mine", "--yes", status=3)
    assert [one["version"] for one in json.loads(run("releases", "payments", "--json").stdout)] == [1]
    monkeypatch.setattr("getpass.getuser", lambda: "bob")
    assert "Applied: 1 change" in run("apply", "config", "--reason", "reviewed", "--yes").stdout
    assert run("policy", "show", "payments").stdout == STRICTER


def test_a_narrowed_gate_follows_the_champion_and_can_be_relaxed_to_what_is_proven(project: Path) -> None:
    configure(project, "automations: {payments: {gates: [{at_least: 1.9}]}}")
    run("apply", "config", "--reason", "narrow", "--yes")
    configure(project, "champions: {fraud-risk: 2}\nautomations: {payments: {gates: [{at_least: 1.9}]}}")
    changes = json.loads(run("plan", "config", "--json").stdout)["changes"]
    arms = [
        change["after"]["arm"].partition("+")[0] for change in changes if change["place"].endswith("gates.champion")
    ]
    assert arms == ["fraud-risk@2"]
    run("apply", "config", "--reason", "narrow", "--yes")
    configure(project, "automations: {payments: {gates: [{at_least: 0.0}]}}")
    run("apply", "config", "--reason", "relax", "--yes")
    assert run("apply", "config", "--reason", "relax", "--yes").stdout == "Nothing to do\n"
    in_force = [one for one in json.loads(run("gates", "list", "payments", "--json").stdout) if one["in_force"]]
    assert {one["threshold"] for one in in_force if one["arm"].startswith("fraud-risk@2")} != {1.9}


GATED = """
outcomes: [release, review]
rules:
  - {id: safe, when: 'risk.certain && prediction.score < 0.5', then: release}
otherwise: review
"""


def test_a_plan_a_replay_and_a_release_show_what_a_policy_leaves_proven(project: Path) -> None:
    (project / "gated.yaml").write_text(GATED)
    rule = "  - {id: foreign, when: 'input.country != \"DE\"', then: review}\n"
    (project / "fewer.yaml").write_text(GATED.replace("rules:\n", f"rules:\n{rule}"))
    assert "proof: " in run("policy", "publish", "payments", "gated.yaml", "--reason", "gated").stdout
    configure(project, "automations: {payments: {policy: fewer.yaml}}")
    (proof,) = json.loads(run("plan", "config", "--json").stdout)["proofs"]
    assert proof["after"]["share"] < proof["before"]["share"]
    assert proof["before"]["bound"] <= 0.2
    said = run("plan", "config", "--exit-code", status=1).stdout
    assert f"What is proven\n    payments: {proof['before']['share']:.1%} automatic" in said
    (project / "rows.csv").write_text("amount,country\n20,DE\n30,FR\n")
    run("decide", "rows.csv")
    assert "proof" in run("replay", "payments", "--policy", "fewer.yaml").stdout


def test_rules_that_are_not_named_any_more_are_removed_and_those_left_out_stay(project: Path) -> None:
    run("cord", "rules", "add", "payments", "--monitor", "budget", "--reason", "by hand")
    configure(project, "automations: {payments: {audit_share: 0.1}}")
    run("apply", "config", "--reason", "x", "--yes")
    rule = "automations: {payments: {cord_rules: [{monitor: errors}]}}"
    configure(project, rule)
    (change,) = json.loads(run("plan", "config", "--json").stdout)["changes"]
    assert change["before"] == ["budget at critical makes the segment concerned supervised"]
    assert change["after"] == ["errors at critical makes the segment concerned supervised"]
    run("apply", "config", "--reason", "x", "--yes")
    configure(project, "automations: {payments: {cord_rules: []}}")
    assert "→ none" in run("apply", "config", "--reason", "x", "--yes").stdout
