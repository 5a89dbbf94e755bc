"""Actions over HTTP: seen and sent again by who may, within his automations, and by nobody else."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import text
from tests.contract.connectors.contract import a_delivery

from andon import actions
from andon.access import Grant, Role
from andon.actions import Destination
from andon.gateway import create_app
from andon.kernel.config import Settings
from andon.kernel.identity import PLATFORM
from calls import call
from lines import Installation
from messages import an_action, bury, put

NOW = datetime.now(UTC)
WHY = {"reason": "the receiver is mended"}


@pytest.fixture
def operator(installation: Installation) -> str:
    return installation.key("otto", Grant(Role.OPERATOR, "payments"))


@pytest.fixture
def viewer(installation: Installation) -> str:
    return installation.key("vera", Grant(Role.VIEWER, "payments"))


@pytest.fixture
def stranger(installation: Installation) -> str:
    return installation.key("stan", Grant(Role.OWNER, "lending"))


@pytest.fixture
def dead(installation: Installation) -> Any:
    earlier = NOW - timedelta(seconds=1)
    message = an_action(earlier)
    bury(installation.database, [message, an_action(earlier, automation="lending")], at=NOW)
    return message


def test_dead_letters_are_listed_page_by_page_to_who_may_see_them(
    installation: Installation, viewer: str, dead: Any
) -> None:
    bury(installation.database, [an_action(NOW) for _ in range(2)], at=NOW)
    page = call(installation, "GET", "/v1/actions?state=dead&limit=2", viewer).json()
    rest = call(installation, "GET", f"/v1/actions?limit=2&before={page['next']}", viewer).json()
    listed = page["actions"] + rest["actions"]
    assert [action["id"] for action in rest["actions"]] == [str(dead.id)]
    assert {action["automation"] for action in listed} == {"payments"}
    assert (len(listed), rest["next"], listed[0]["last_error"]) == (3, None, "answered 422")
    assert call(installation, "GET", "/v1/actions?state=done", viewer).json()["actions"] == []


def test_a_dead_letter_is_sent_again_once_with_a_reason(installation: Installation, operator: str, dead: Any) -> None:
    path = f"/v1/actions/{dead.id}/resend"
    for body in ({}, {"reason": ""}, {"reason": "  "}, {"reason": "x", "force": True}):
        assert call(installation, "POST", path, operator, json=body).status_code == 422
    answer = call(installation, "POST", path, operator, json=WHY)
    assert (answer.status_code, answer.json()["state"], answer.json()["attempts"]) == (200, "pending", 0)
    again = call(installation, "POST", path, operator, json=WHY)
    assert (again.status_code, again.json()["type"]) == (409, "urn:andon:problem:action-not-dead")


def test_what_is_elsewhere_is_not_there_and_looking_is_not_sending(
    installation: Installation, viewer: str, stranger: str, dead: Any
) -> None:
    path = f"/v1/actions/{dead.id}"
    assert call(installation, "GET", path, viewer).json()["history"] == []
    assert call(installation, "POST", f"{path}/resend", viewer, json=WHY).status_code == 403
    assert call(installation, "GET", path, stranger).status_code == 404
    assert call(installation, "POST", f"{path}/resend", stranger, json=WHY).status_code == 404
    assert call(installation, "GET", f"/v1/actions/{uuid4()}", viewer).status_code == 404


def test_a_disabled_destination_is_enabled_by_who_looks_after_all_automations(
    installation: Installation, operator: str, viewer: str, dead: Any
) -> None:
    with installation.database.begin() as tx:
        actions.disable_destination(tx, "bank", actor=PLATFORM, reason="gone", now=NOW)
    assert [one["name"] for one in call(installation, "GET", "/v1/actions/destinations", viewer).json()] == ["bank"]
    assert call(installation, "POST", f"/v1/actions/{dead.id}/resend", operator, json=WHY).status_code == 409
    path = "/v1/actions/destinations/bank/enable"
    assert call(installation, "POST", path, operator, json=WHY).status_code == 403
    chief = installation.key("chief", Grant(Role.OPERATOR))
    assert call(installation, "POST", path, chief, json=WHY).status_code == 204
    assert call(installation, "POST", path, chief, json=WHY).status_code == 409
    assert call(installation, "POST", f"/v1/actions/{dead.id}/resend", operator, json=WHY).status_code == 200


def test_many_are_sent_again_by_what_narrows_them_and_only_within_ones_automations(
    installation: Installation, operator: str, viewer: str, stranger: str
) -> None:
    bank = [an_action(NOW) for _ in range(3)]
    other = [an_action(NOW, destination="ledger"), an_action(NOW, automation="lending")]
    bury(installation.database, bank, at=NOW, why="failed: answered 503")
    bury(installation.database, other, at=NOW, why="failed: answered 503")
    bury(installation.database, [an_action(NOW)], at=NOW, why="unknown: no answer")
    path = "/v1/actions:resend"
    for body in (
        {},
        {"reason": ""},
        {**WHY, "limit": 0},
        {**WHY, "limit": True},
        {**WHY, "limit": "2"},
        {**WHY, "since": "yesterday"},
        {**WHY, "until": 0},
        {**WHY, "until": "9999-12-31T23:59:59-14:00"},
        {**WHY, "state": "done"},
    ):
        assert call(installation, "POST", path, operator, json=body).status_code == 422
    assert call(installation, "POST", path, viewer, json=WHY).status_code == 403
    asked = {**WHY, "destination": "bank", "because": "503"}
    assert call(installation, "POST", path, stranger, json={**asked, "automation": "payments"}).json() == {"count": 0}
    assert (
        call(installation, "POST", path, operator, json={**asked, "until": "2020-01-01T00:00:00Z"}).json()["count"] == 0
    )
    assert call(installation, "POST", path, operator, json={**asked, "limit": 2}).json() == {"count": 2}
    assert call(installation, "POST", path, operator, json=asked).json() == {"count": 1}
    left = call(installation, "GET", "/v1/actions?because=unknown", operator).json()["actions"]
    assert [one["last_error"] for one in left] == ["unknown: no answer"]
    narrowed = call(installation, "GET", "/v1/actions?destination=ledger", operator).json()["actions"]
    assert [one["destination"] for one in narrowed] == ["ledger"]


def test_a_dead_letter_that_was_taken_is_confirmed_by_who_may_send_it_again(
    installation: Installation, operator: str, viewer: str, stranger: str, dead: Any
) -> None:
    path = f"/v1/actions/{dead.id}/confirm"
    assert call(installation, "POST", path, operator, json={"reason": " "}).status_code == 422
    assert call(installation, "POST", path, viewer, json=WHY).status_code == 403
    assert call(installation, "POST", path, stranger, json=WHY).status_code == 404
    answer = call(installation, "POST", path, operator, json=WHY)
    assert (answer.status_code, answer.json()["state"]) == (200, "done")
    assert call(installation, "POST", path, operator, json=WHY).status_code == 409
    assert call(installation, "POST", f"/v1/actions/{dead.id}/resend", operator, json=WHY).status_code == 409


def test_a_robot_calls_back_under_its_signed_address_and_nobody_else(installation: Installation) -> None:
    message = an_action(NOW)
    put(installation.database, message)
    secret, later = "a secret of the bank's robots", NOW + timedelta(hours=1)
    with installation.database.begin() as tx:
        tx.execute(
            text("UPDATE outbox SET attempts = 1, due_at = :later WHERE id = :id"), {"later": later, "id": message.id}
        )
    bank = Destination("bank", secrets=(SecretStr(secret),), callback_url="https://andon.bank.example")
    address = actions.callback_of(a_delivery(bank, key=message.id))
    assert address is not None
    path = address.removeprefix("https://andon.bank.example")
    settings = Settings.model_validate({"destinations": {"bank": {"secret": secret}}})

    def called_back(path: str, settings: Settings = settings) -> int:
        async def run() -> int:
            gateway, side = installation.gateway()
            gateway.settings = settings
            transport = httpx.ASGITransport(create_app(gateway, side))  # type: ignore[arg-type]
            async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
                answer = await client.post(path)
            await gateway.decider.close()
            return answer.status_code

        return asyncio.run(run())

    other = path.replace(str(message.id), str(uuid4()))
    statuses = [called_back(path), called_back(f"{path[:-4]}AAAA"), called_back(other), called_back(path, Settings())]
    assert statuses == [204, 404, 404, 404]
    with installation.database.begin() as tx:
        assert actions.get(tx, message.id).due_at < later
