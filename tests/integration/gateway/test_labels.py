"""Labels over HTTP: what turned out to be true, said by who may, of a decision that exists."""

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
def owner(installation: Installation) -> str:
    return installation.key("olga", Grant(Role.OWNER, "payments"))


def test_the_truth_is_added_to_the_decision_and_said_twice_counts_once(
    installation: Installation, owner: str, decision_id: str
) -> None:
    path = f"/v1/decisions/{decision_id}/labels"
    first = call(installation, "POST", path, owner, json={"value": True})
    assert (first.status_code, first.json()["value"], first.json()["source"]) == (201, "true", "event")
    assert call(installation, "POST", path, owner, json={"value": "true"}).json()["id"] == first.json()["id"]
    call(installation, "POST", path, owner, json={"value": 12.5})
    assert [label["value"] for label in call(installation, "GET", path, owner).json()] == ["true", "12.5"]
    whole = call(installation, "GET", f"/v1/decisions/{decision_id}", owner).json()
    assert [label["value"] for label in whole["labels"]] == ["true", "12.5"]


@pytest.mark.parametrize(
    "body", [{}, {"value": None}, {"value": ""}, {"value": [1]}, {"value": "a\0"}, {"value": "x" * 201}, {"truth": 1}]
)
def test_what_cannot_be_a_truth_is_refused(
    installation: Installation, owner: str, decision_id: str, body: dict[str, Any]
) -> None:
    assert call(installation, "POST", f"/v1/decisions/{decision_id}/labels", owner, json=body).status_code == 422


def test_a_whole_number_keeps_its_digits(installation: Installation, owner: str, decision_id: str) -> None:
    said = call(installation, "POST", f"/v1/decisions/{decision_id}/labels", owner, json={"value": 9007199254740993})
    assert (said.status_code, said.json()["value"]) == (201, "9007199254740993")


@pytest.mark.parametrize("number", ["9" * 201, "9" * 400, "9" * 5000, "1e308", "1e400", "NaN"])
def test_a_number_that_is_too_long_or_none_is_refused(
    installation: Installation, owner: str, decision_id: str, number: str
) -> None:
    path, body = f"/v1/decisions/{decision_id}/labels", f'{{"value": {number}}}'.encode()
    headers = {"content-type": "application/json"}
    assert call(installation, "POST", path, owner, content=body, headers=headers).status_code == 422


def test_only_who_may_says_what_is_true(installation: Installation, owner: str, decision_id: str) -> None:
    path, body = f"/v1/decisions/{decision_id}/labels", {"value": True}
    viewer = installation.key("vera", Grant(Role.VIEWER, "payments"))
    stranger = installation.key("stan", Grant(Role.OWNER, "lending"))
    assert call(installation, "POST", path, viewer, json=body).status_code == 403
    assert call(installation, "POST", path, stranger, json=body).status_code == 404
    assert call(installation, "GET", path, stranger).status_code == 404
    assert call(installation, "POST", f"/v1/decisions/{uuid4()}/labels", owner, json=body).status_code == 404
    assert call(installation, "GET", path, viewer).json() == []
