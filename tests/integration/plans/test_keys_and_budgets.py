"""Grants of keys and budgets in a configuration: planned, applied once, and refused where they lock somebody out."""

import json
from pathlib import Path

from andon import access, audit, spending
from andon.access import Grant, Role
from andon.kernel.db import Database
from planned import configure, run

WANTED = """
keys:
  bank: {grants: [{role: caller, automation: payments}]}
  rita: {grants: [{role: viewer}, {role: reviewer, automation: payments}]}
  old: {revoked: true}
automations:
  payments: {budget: {amount: 2.5, per: month}}
"""


def grants_of(database: Database, name: str) -> set[Grant] | None:
    with database.begin() as tx:
        key = access.find_key(tx, name)
    return None if key.revoked_at is not None else set(key.principal.grants)


def test_keys_and_budgets_are_set_once_and_no_secret_is_anywhere(project: Path, database: Database) -> None:
    configure(project, WANTED)
    refused = run("plan", "config", status=4).output
    make = "`andon keys create --name bank --role caller --automation payments --reason"
    assert (
        "config/andon-config.yaml: keys.bank: The key does not exist. Create it where its holder can pick it up: "
        f"{make}" in refused
    )
    assert "keys.old: The key does not exist\n" in refused
    secrets = [
        run("keys", "create", "--name", name, "--role", "viewer", "--reason", "x").stdout.strip()
        for name in ("bank", "rita", "old")
    ]
    planned = run("plan", "config", "--out", "plan.json").stdout
    assert "keys.rita                    viewer everywhere → reviewer in payments; viewer everywhere\n" in planned
    assert "keys.old                     viewer everywhere → revoked\n" in planned
    assert "automations.payments.budget  nothing → 2.5 a month\n" in planned
    assert "    manage keys, within payments (admin)" in planned
    assert "    set budgets, within payments (owner, admin)" in planned
    done = run("apply", "config", "--plan", "plan.json", "--reason", "as in Git", "--yes").stdout
    assert done.endswith("Applied: 4 changes\n")
    assert grants_of(database, "bank") == {Grant(Role.CALLER, "payments")}
    assert grants_of(database, "rita") == {Grant(Role.VIEWER), Grant(Role.REVIEWER, "payments")}
    assert grants_of(database, "old") is None
    assert json.loads(run("budget", "show", "payments", "--json").stdout)[0]["budget"] == {
        "amount": 2.5,
        "per": "month",
    }
    with database.begin() as tx:
        entries = audit.page(tx, limit=100)
    (whole,) = [entry for entry in entries if entry.leaf.action == "configuration.apply"]
    assert whole.reason == "as in Git"
    assert len(whole.after["changes"]) == 4  # type: ignore[index]
    for secret in secrets:
        assert secret[-64:] not in planned + done + (project / "plan.json").read_text() + str(entries)
    assert run("apply", "config", "--reason", "again", "--yes").stdout == "Nothing to do\n"
    run("budget", "clear", "payments", "--reason", "by hand")
    configure(project, "keys: {old: {grants: [{role: viewer}]}}")
    assert "keys.old: Key 'old' was revoked, which is final" in run("plan", "config", status=5).output


def test_an_admin_is_always_left_also_where_the_right_moves_to_another(project: Path, database: Database) -> None:
    for name, role in (("ada", "admin"), ("bob", "viewer")):
        run("keys", "create", "--name", name, "--role", role, "--reason", "x")
    configure(project, "keys: {ada: {grants: [{role: owner}]}, bob: {grants: [{role: owner}]}}")
    assert "keys.ada: This is the last living key" in run("apply", "config", "--reason", "x", "--yes", status=5).output
    configure(project, "keys: {ada: {revoked: true}, bob: {grants: [{role: admin}]}}")
    run("apply", "config", "--reason", "she left", "--yes")
    assert (grants_of(database, "ada"), grants_of(database, "bob")) == (None, {Grant(Role.ADMIN)})
    assert "everywhere" in run("keys", "grant", "bob", "--role", "admin", "--role", "caller", "--reason", "x").stdout


def test_a_budget_that_is_set_by_hand_is_seen_by_the_plan(project: Path, database: Database) -> None:
    assert run("budget", "show", "payments").stdout == "In the code: none\n"
    run("budget", "set", "payments", "--amount", "7", "--reason", "by hand")
    assert "7 a day (EUR), by " in run("budget", "show", "payments").stdout
    configure(project, "automations: {payments: {budget: {amount: 7}}}")
    assert run("plan", "config").stdout == "Nothing to do\n"
    run("budget", "clear", "payments", "--reason", "by hand")
    assert "automations.payments.budget  nothing → 7 a day\n" in run("plan", "config").stdout
    with database.begin() as tx:
        assert [one.summary for one in spending.budget_history(tx, "payments")] == ["as in the code", "7 a day"]
