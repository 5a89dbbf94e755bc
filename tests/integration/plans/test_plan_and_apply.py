"""`andon plan` and `andon apply`: what a configuration changes, refused where the state moved, done once."""

import json
from pathlib import Path

from tests.integration.plans.conftest import STRICTER, configure, run

from andon import audit
from andon.kernel.db import Database

WHOLE = """
champions: {fraud-risk: 2}
automations:
  payments:
    release: true
    policy: stricter.yaml
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
    assert run("policy", "show", "payments").stdout == STRICTER
    split = json.loads(run("split", "show", "payments", "--json").stdout)
    assert (split["champion"], split["shadows"]) == (2, ["1"])
    assert sorted(split["split"]["shares"].values()) == [2.5, 10.0]
    rules = run("cord", "rules", "list", "payments").stdout
    assert "the whole line" in rules
    assert json.loads(run("audits", "show", "payments", "--json").stdout)["share"] == 0.05
    in_force = [
        one for one in json.loads(run("gates", "list", "payments", "--json").stdout) if one["origin"] == "person"
    ]
    assert sorted(one["threshold"] for one in in_force) == [1.5, 1.9]
    with database.begin() as tx:
        entries = audit.page(tx, limit=50)
    assert {entry.reason for entry in entries if entry.action == "policy.set"} >= {"pull request 214"}
    with database.begin() as tx:
        count = len(audit.page(tx, limit=200))
    assert run("apply", "config", "--reason", "again", "--yes").stdout == "Nothing to do\n"
    assert run("plan", "config", "--exit-code").stdout == "Nothing to do\n"
    with database.begin() as tx:
        assert len(audit.page(tx, limit=200)) == count, "a plan, or a second apply, has left something"
