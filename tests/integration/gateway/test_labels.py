"""Labels over HTTP: which class was true, said by who may, of a decision that exists."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from andon.access import Grant, Role
from automations import payment
from calls import DECIDE, call
from lines import CALLER, Installation


@pytest.fixture
def decision_id(installation: Installation) -> str:
    bank = installation.key("bank", CALLER)
    return str(call(installation, "POST", DECIDE, bank, json=payment()).json()["id"])


@pytest.fixture
def path(decision_id: str) -> str:
    return f"/v1/decisions/{decision_id}/labels"


@pytest.fixture
def owner(installation: Installation) -> str:
    return installation.key("olga", Grant(Role.OWNER, "payments"))


@pytest.fixture
def reviewer(installation: Installation) -> str:
    return installation.key("rita", Grant(Role.REVIEWER, "payments"))


def test_all_labels_of_a_decision_are_shown_and_the_one_that_counts(
    installation: Installation, owner: str, path: str
) -> None:
    known_at = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    first = call(installation, "POST", path, owner, json={"value": "fraud", "known_at": known_at})
    assert first.status_code == 201
    assert {**first.json(), "id": "", "decision_id": "", "recorded_at": ""} == {
        "id": "",
        "decision_id": "",
        "automation": "payments",
        "value": "fraud",
        "said": "fraud",
        "source": "event",
        "probability": 1.0,
        "weight": 1.0,
        "by": "olga",
        "known_at": known_at.replace("+00:00", "Z"),
        "recorded_at": "",
        "corrects": None,
        "reason": None,
    }
    again = call(installation, "POST", path, owner, json={"value": "fraud", "known_at": known_at})
    assert again.json() == first.json()
    audited = {"value": "ok", "source": "blind_audit", "probability": 0.02}
    audit = call(installation, "POST", path, owner, json=audited).json()
    assert (audit["value"], audit["weight"]) == ("ok", 50.0)
    shown = call(installation, "GET", path, owner).json()
    assert [label["id"] for label in shown["labels"]] == [first.json()["id"], audit["id"]]
    assert shown["classes"] == ["ok", "fraud"]
    assert shown["valid"] == {
        "value": "fraud",
        "source": "event",
        "probability": 1.0,
        "weight": 1.0,
        "mature": True,
        "label_id": first.json()["id"],
        "contradicted_by": [audit["id"]],
    }
    whole = call(installation, "GET", path.removesuffix("/labels"), owner).json()
    assert [label["value"] for label in whole["labels"]] == ["fraud", "ok"]
    assert whole["valid_label"] == shown["valid"]


def test_a_class_that_the_model_does_not_know_is_refused_with_those_it_knows(
    installation: Installation, owner: str, path: str
) -> None:
    refused = call(installation, "POST", path, owner, json={"value": True})
    assert (refused.status_code, refused.json()["code"]) == (422, "LabelInvalid")
    assert refused.json()["errors"] == [
        {"field": "value", "message": "No class 'true' is known here; there are: ok, fraud"}
    ]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"value": None},
        {"value": ""},
        {"value": [1]},
        {"value": "a\0"},
        {"value": "x" * 201},
        {"truth": "fraud"},
        {"value": "fraud", "source": "review"},
        {"value": "fraud", "source": "hearsay"},
        {"value": "fraud", "probability": 0},
        {"value": "fraud", "probability": 1e-300},
        {"value": "fraud", "probability": 1.5},
        {"value": "fraud", "known_at": "2026-11-24T12:00:00"},
        {"value": "fraud", "known_at": "2999-01-01T00:00:00Z"},
    ],
)
def test_what_cannot_be_a_label_is_refused(
    installation: Installation, owner: str, path: str, body: dict[str, Any]
) -> None:
    answer = call(installation, "POST", path, owner, json=body)
    assert (answer.status_code, bool(answer.json()["errors"])) == (422, True)
    assert call(installation, "GET", path, owner).json()["labels"] == []


@pytest.mark.parametrize("number", ["9" * 201, "9" * 400, "9" * 5000, "1e308", "1e400", "NaN"])
def test_a_number_that_is_too_long_or_none_is_refused(
    installation: Installation, owner: str, path: str, number: str
) -> None:
    body = f'{{"value": {number}}}'.encode()
    headers = {"content-type": "application/json"}
    assert call(installation, "POST", path, owner, content=body, headers=headers).status_code == 422


def test_a_label_is_corrected_once_with_a_reason(installation: Installation, reviewer: str, path: str) -> None:
    wrong = call(installation, "POST", path, reviewer, json={"value": "fraud"}).json()
    correct, body = f"{path}/{wrong['id']}/correct", {"value": "ok", "reason": "the wrong customer"}
    assert call(installation, "POST", correct, reviewer, json={"value": "ok"}).status_code == 422
    right = call(installation, "POST", correct, reviewer, json=body)
    assert (right.status_code, right.json()["corrects"]) == (201, wrong["id"])
    assert call(installation, "GET", path, reviewer).json()["valid"]["label_id"] == right.json()["id"]
    twice = call(installation, "POST", correct, reviewer, json=body)
    assert (twice.status_code, twice.json()["code"]) == (409, "LabelReplaced")
    assert call(installation, "POST", f"{path}/{uuid4()}/correct", reviewer, json=body).status_code == 404


def test_only_who_may_says_what_was_true(installation: Installation, reviewer: str, path: str) -> None:
    body = {"value": "fraud"}
    viewer = installation.key("vera", Grant(Role.VIEWER, "payments"))
    stranger = installation.key("stan", Grant(Role.OWNER, "lending"))
    assert call(installation, "POST", path, viewer, json=body).status_code == 403
    assert call(installation, "POST", path, stranger, json=body).status_code == 404
    assert call(installation, "GET", path, stranger).status_code == 404
    nowhere = f"/v1/decisions/{uuid4()}/labels"
    assert call(installation, "POST", nowhere, reviewer, json=body).status_code == 404
    label = call(installation, "POST", path, reviewer, json=body).json()
    correction = {"value": "ok", "reason": "why not"}
    assert call(installation, "POST", f"{path}/{label['id']}/correct", viewer, json=correction).status_code == 403
    assert call(installation, "POST", f"{path}/{label['id']}/correct", stranger, json=correction).status_code == 404
    assert len(call(installation, "GET", path, viewer).json()["labels"]) == 1


@pytest.mark.parametrize("more", [{"source": "blind_audit"}, {"source": "import"}, {"probability": 0.5}])
def test_only_an_owner_brings_in_labels_of_audits_and_other_systems(
    installation: Installation, owner: str, reviewer: str, path: str, more: dict[str, Any]
) -> None:
    body = {"value": "fraud", **more}
    refused = call(installation, "POST", path, reviewer, json=body)
    assert (refused.status_code, "labels of blind audits" in refused.json()["detail"]) == (403, True)
    label = call(installation, "POST", path, owner, json=body)
    assert label.status_code == 201
    correct = f"{path}/{label.json()['id']}/correct"
    assert call(installation, "POST", correct, reviewer, json={"value": "ok", "reason": "no"}).status_code == 403
