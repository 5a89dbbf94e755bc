"""Posted configurations: planned with a reading key, applied as one change, refused if the state moved."""

import json
from pathlib import Path
from typing import Any

import httpx

from andon import access, audit, console
from andon.access import Grant, KeyRing, Role
from andon.kernel.config import Settings
from andon.kernel.events import Events
from automations import POLICY, payment
from calls import DECIDE, call
from lines import ADMIN, PEPPER, Installation
from served import served

STRICTER = POLICY.replace("prediction.score < 0.3", "prediction.score < 0.0001")
WANTED = {
    "files": {"config/a.yaml": "automations: {payments: {policy: p.yaml, budget: {amount: 3}}}"},
    "policies": {"p.yaml": STRICTER},
}


def plan(installation: Installation, key: str, **files: str) -> httpx.Response:
    wanted = {"files": {f"{name}.yaml": text for name, text in files.items()}} if files else WANTED
    return call(installation, "POST", "/v1/plans", key, json=wanted)


def apply(installation: Installation, key: str, made: Any, wanted: Any = WANTED) -> httpx.Response:
    return call(installation, "POST", "/v1/plans:apply", key, json={**wanted, "plan": made, "reason": "request 214"})


def test_a_reading_key_plans_and_one_that_may_applies_once(installation: Installation) -> None:
    viewer = installation.key("viewer", Grant(Role.VIEWER, "payments"))
    owner = installation.key("olga", Grant(Role.OWNER, "payments"))
    for number in range(3):
        call(installation, "POST", DECIDE, owner, json=payment(number))
    made = plan(installation, viewer).json()
    places = ["automations.payments.policy", "automations.payments.budget"]
    assert [one["place"] for one in made["changes"]] == places
    assert made["flipped"][0]["decisions"] == 3
    assert {one["what"] for one in made["approvals"]} == {"publish policies or put them in force", "set budgets"}
    refused = apply(installation, viewer, made)
    assert (refused.status_code, refused.json()["code"]) == (403, "Forbidden")
    assert plan(installation, viewer).json()["state"] == made["state"], "a refused key has changed something"
    done = apply(installation, owner, made)
    assert (done.status_code, [one["place"] for one in done.json()["changes"]]) == (200, places)
    assert apply(installation, owner, made).json() == {"changes": []}
    (listed,) = call(installation, "GET", "/v1/plans", viewer).json()
    assert (listed["by"], listed["reason"], listed["state_digest"]) == ("olga", "request 214", made["state_digest"])
    stranger = installation.key("stan", Grant(Role.ADMIN, "other"))
    assert call(installation, "GET", "/v1/plans", stranger).json() == []
    with installation.database.begin() as tx:
        applied = [entry for entry in audit.page(tx, limit=50) if entry.leaf.action == "configuration.apply"]
    assert [entry.leaf.actor for entry in applied] == ["olga"]


def test_a_state_that_moved_is_refused_with_each_difference(installation: Installation) -> None:
    admin = installation.key("ada", ADMIN)
    made = plan(installation, admin, a="automations: {payments: {budget: {amount: 3}}}").json()
    other = plan(installation, admin, a="automations: {payments: {budget: {amount: 4}}}").json()
    first = {"files": {"a.yaml": "automations: {payments: {budget: {amount: 3}}}"}}
    differs = apply(installation, admin, other, first)
    assert (differs.status_code, differs.json()["code"]) == (409, "PlanDiffers")
    assert apply(installation, admin, made, first).status_code == 200
    moved = apply(installation, admin, other, {"files": {"a.yaml": "automations: {payments: {budget: {amount: 4}}}"}})
    assert (moved.status_code, moved.json()["code"]) == (409, "StateMoved")
    assert moved.json()["errors"] == [{"field": "automations.payments.budget", "message": "was nothing, is 3 a day"}]
    made["state"]["automations.payments.budget"] = "3 a day"
    assert apply(installation, admin, made, first).json()["code"] == "PlanFileInvalid"


def test_faults_name_the_file_and_the_field(installation: Installation) -> None:
    admin = installation.key("ada", ADMIN)
    faulty = plan(installation, admin, a="automations: {payments: {budgets: 1}}", b="champions: {fraud-risk: 0}")
    assert faulty.status_code == 422
    assert faulty.headers["content-type"] == "application/problem+json"
    fields = [one["field"] for one in faulty.json()["errors"]]
    assert fields == ["a.yaml: automations.payments.budgets", "b.yaml: champions.fraud-risk"]
    unknown = plan(installation, admin, a="champions: {fraud-risk: 9}", b="keys: {bank: {grants: [{role: viewer}]}}")
    assert unknown.status_code == 404
    assert [one["field"] for one in unknown.json()["errors"]] == ["a.yaml: champions.fraud-risk", "b.yaml: keys.bank"]
    code = plan(installation, admin, a="automations: {payments: {release: true}}")
    assert [one["field"] for one in code.json()["errors"]] == ["a.yaml: automations.payments.release"]


def test_a_key_plans_only_what_it_may_read_and_keys_that_it_manages(installation: Installation) -> None:
    admin, boss = installation.key("ada", ADMIN), installation.key("boss", Grant(Role.ADMIN, "payments"))
    installation.key("rita", Grant(Role.VIEWER))
    installation.key("clerk", Grant(Role.VIEWER, "payments"))
    for text in (
        "automations: {lending: {budget: {amount: 1}}}",
        "champions: {fraud-risk: 1}",
        "keys: {clerk: {grants: [{role: viewer}]}}",
    ):
        assert plan(installation, boss, a=text).status_code == 403, text
    for wanted in ("grants: [{role: viewer, automation: payments}]", "revoked: true"):
        foreign, unknown = (plan(installation, boss, a=f"keys: {{{name}: {{{wanted}}}}}") for name in ("rita", "nobo"))
        assert foreign.status_code == unknown.status_code == 404
        assert foreign.json()["errors"] == json.loads(unknown.text.replace("nobo", "rita"))["errors"]
    for key, text in (
        (boss, "keys: {boss: {grants: [{role: owner, automation: payments}]}}"),
        (admin, "keys: {ada: {revoked: true}}"),
    ):
        refused = plan(installation, key, a=text)
        assert refused.status_code == 409
        assert "cannot take the right to manage keys from itself" in refused.json()["errors"][0]["message"]
    wanted = {"files": {"a.yaml": "keys: {clerk: {grants: [{role: reviewer, automation: payments}]}}"}}
    made = call(installation, "POST", "/v1/plans", boss, json=wanted).json()
    assert apply(installation, boss, made, wanted).status_code == 200
    with installation.database.begin() as tx:
        assert access.find_key(tx, "clerk").principal.grants == (Grant(Role.REVIEWER, "payments"),)
    wanted = {"files": {"a.yaml": "keys: {clerk: {revoked: true}}"}}
    made = call(installation, "POST", "/v1/plans", boss, json=wanted).json()
    assert [(one["what"], one["automation"]) for one in made["approvals"]] == [("manage keys", "payments")]
    assert apply(installation, boss, made, wanted).json()["changes"][0]["after"] == "revoked"


def test_the_console_shows_who_applied_what_and_why(installation: Installation, tmp_path: Path) -> None:
    admin = installation.key("ada", ADMIN)
    viewer = installation.key("viewer", Grant(Role.VIEWER, "payments"))
    installation.key("clerk", Grant(Role.VIEWER, "payments"))
    text = "automations: {payments: {budget: {amount: 3}}}\nkeys: {clerk: {grants: [{role: auditor}]}}"
    wanted = {"files": {"a.yaml": text}}
    made = call(installation, "POST", "/v1/plans", admin, json=wanted).json()
    assert apply(installation, admin, made, wanted).status_code == 200
    application = console.create_app(Settings(), installation.database, installation.clock, KeyRing(PEPPER), Events())
    for key, seen in ((admin, True), (viewer, False)):
        with served(application) as address, httpx.Client(base_url=address, headers={"Origin": address}) as client:
            client.post("/sign-in", data={"key": key, "next": "/"})
            page = client.get("/changes").text
        assert "<code>automations.payments.budget</code> nothing → 3 a day" in page
        assert "ada<br><small>request 214</small>" in page
        assert ("keys.clerk" in page) is seen
