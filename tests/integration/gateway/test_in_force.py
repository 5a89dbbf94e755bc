"""Policies and releases over HTTP: owners change them, viewers look, and what does not fit is refused with its line."""

from typing import Any

import pytest

from andon import decisions
from andon.access import Grant, Role
from automations import POLICY, an_automation
from calls import call
from lines import OWNER, Installation

AUTOMATION = "/v1/automations/payments"
STRICTER = POLICY.replace("prediction.score >= 0.8", "prediction.score >= 0.6")


@pytest.fixture
def owner(installation: Installation) -> str:
    return installation.key("olga", Grant(Role.OWNER, "payments"))


def publish(installation: Installation, key: str, **wanted: Any) -> Any:
    return call(
        installation, "POST", f"{AUTOMATION}/policies", key, json={"text": STRICTER, "reason": "stricter", **wanted}
    )


def test_an_owner_publishes_a_policy_and_goes_back(installation: Installation, owner: str) -> None:
    answer = publish(installation, owner)
    assert answer.status_code == 201, answer.text
    shown = answer.json()
    newest, first = shown["history"]
    assert shown["in_force"] == newest["version"]
    assert (newest["before"], newest["set_by"], newest["reason"]) == (first["version"], "olga", "stricter")
    whole = call(installation, "GET", f"{AUTOMATION}/policies/{newest['version']}", owner).json()
    assert (whole["text"], whole["published_by"]) == (STRICTER, "olga")
    chosen = {"version": first["version"], "reason": "back"}
    back = call(installation, "PUT", f"{AUTOMATION}/policy", owner, json=chosen)
    assert (back.status_code, back.json()["in_force"]) == (200, first["version"])
    assert back.json() == call(installation, "GET", f"{AUTOMATION}/policies", owner).json()


def test_a_policy_that_does_not_fit_is_refused_with_every_line(installation: Installation, owner: str) -> None:
    wrong = POLICY.replace("input.country in", "input.land in").replace(
        "prediction.score < 0.3", "features.nothing > 1"
    )
    answer = publish(installation, owner, text=wrong)
    assert answer.status_code == 422
    assert [fault["field"].rpartition(":")[0] for fault in answer.json()["errors"]] == ["policy:6", "policy:8"]
    assert publish(installation, owner, text="outcomes: [").status_code == 422
    assert publish(installation, owner, reason=" ").status_code == 422
    assert len(call(installation, "GET", f"{AUTOMATION}/policies", owner).json()["versions"]) == 1


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.VIEWER])
def test_others_look_and_change_nothing(installation: Installation, role: Role) -> None:
    key = installation.key("otto", Grant(role, "payments"))
    assert publish(installation, key).status_code == 403
    chosen = {"version": "f" * 12, "reason": "x"}
    assert call(installation, "PUT", f"{AUTOMATION}/policy", key, json=chosen).status_code == 403
    wanted = {"version": 1, "reason": "x"}
    assert call(installation, "POST", f"{AUTOMATION}/releases", key, json=wanted).status_code == 403
    for path in ("policies", "releases"):
        assert call(installation, "GET", f"{AUTOMATION}/{path}", key).status_code == 200


def test_a_stranger_gets_nothing(installation: Installation) -> None:
    stranger = installation.key("stan", *(Grant(role, "elsewhere") for role in Role))
    for path in ("policies", "policies/ffffffffffff", "releases", "split"):
        assert call(installation, "GET", f"{AUTOMATION}/{path}", stranger).status_code == 403
    assert publish(installation, stranger).status_code == 403


def test_what_is_not_there_is_not_found(installation: Installation) -> None:
    owner = installation.key("ada", Grant(Role.ADMIN))
    assert call(installation, "GET", f"{AUTOMATION}/policies/ffffffffffff", owner).status_code == 404
    wanted = {"version": 9, "reason": "x"}
    assert call(installation, "POST", f"{AUTOMATION}/releases", owner, json=wanted).status_code == 404
    for path in ("policies", "releases", "splits"):
        assert call(installation, "GET", f"/v1/automations/nothing/{path}", owner).status_code == 404


def test_an_owner_releases_what_a_process_was_started_with(installation: Installation, owner: str) -> None:
    other = an_automation()
    other.fallback = ("rules",)
    with installation.database.begin() as tx:
        decisions.deploy(tx, other, actor=OWNER, now=installation.clock.now())
    before = call(installation, "GET", f"{AUTOMATION}/releases", owner).json()
    assert (before["released"], before["newest"], before["newest_by"]) == (1, 2, "owner")
    answer = call(installation, "POST", f"{AUTOMATION}/releases", owner, json={"version": 2, "reason": "reviewed"})
    assert answer.status_code == 201, answer.text
    assert (answer.json()["version"], answer.json()["before"], answer.json()["released_by"]) == (2, 1, "olga")
    after = call(installation, "GET", f"{AUTOMATION}/releases", owner).json()
    assert [one["version"] for one in after["history"]] == [2, 1]
