"""Keys over HTTP: nobody gives more than he may manage, and the token is in the answer that made it alone."""

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from tests.people import OTHER_LINE

from andon.access import Grant, Role
from andon.kernel.db import Database
from calls import call
from lines import ADMIN, Installation, install

MINE = "payments"


@pytest.fixture
def installation(standing: None, database: Database, tmp_path: Path) -> Installation:
    return install(database, tmp_path)


def wanted(role: str = "viewer", automation: str | None = MINE, **changed: Any) -> dict[str, Any]:
    return {"name": "rita", "grants": [{"role": role, "automation": automation}], "reason": "joined"} | changed


def test_a_made_key_opens_what_was_asked_until_it_is_revoked(installation: Installation) -> None:
    admin = installation.key("ada", ADMIN)
    made = call(installation, "POST", "/v1/keys", admin, json=wanted())
    assert made.status_code == 201
    rita, token = made.json()["id"], made.json()["token"]
    assert [a["name"] for a in call(installation, "GET", "/v1/automations", token).json()] == [MINE]
    listed = call(installation, "GET", "/v1/keys", admin)
    assert token.rsplit("_", 1)[1] not in listed.text
    shown = {key["name"]: key for key in listed.json()}["rita"]
    assert (shown["created_by"], shown["grants"]) == ("ada", [{"role": "viewer", "automation": MINE}])
    revoked = call(installation, "POST", f"/v1/keys/{rita}/revoke", admin, json={"reason": "left"})
    assert (revoked.status_code, revoked.json()["alive"], revoked.json()["revoked_by"]) == (200, False, "ada")
    refused = call(installation, "GET", "/v1/automations", token)
    assert (refused.status_code, "was revoked" in refused.json()["detail"]) == (401, True)


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMIN])
def test_only_an_admin_manages_keys(installation: Installation, role: Role) -> None:
    key = installation.key("sam", Grant(role))
    assert call(installation, "GET", "/v1/keys", key).status_code == 403
    assert call(installation, "POST", "/v1/keys", key, json=wanted()).status_code == 403
    unknown = "01a20d6d-5a00-7316-8dab-227db71a37c2"
    assert call(installation, "POST", f"/v1/keys/{unknown}/revoke", key, json={"reason": "x"}).status_code == 403


def test_an_admin_of_one_automation_neither_sees_nor_gives_nor_closes_more(installation: Installation) -> None:
    installation.key("ada", ADMIN)
    local = installation.key("lena", Grant(Role.ADMIN, MINE))
    installation.key("stan", Grant(Role.VIEWER, OTHER_LINE))
    assert [key["name"] for key in call(installation, "GET", "/v1/keys", local).json()] == ["lena"]
    assert call(installation, "POST", "/v1/keys", local, json=wanted("admin")).status_code == 201
    for automation in (None, OTHER_LINE):
        assert call(installation, "POST", "/v1/keys", local, json=wanted(automation=automation)).status_code == 403
    everybody = call(installation, "GET", "/v1/keys", installation.key("abe", ADMIN)).json()
    for key in everybody:
        if key["name"] in ("ada", "stan"):
            refused = call(installation, "POST", f"/v1/keys/{key['id']}/revoke", local, json={"reason": "x"})
            unknown = call(installation, "POST", f"/v1/keys/{UUID(int=1)}/revoke", local, json={"reason": "x"})
            assert refused.status_code == unknown.status_code == 404
            assert refused.json()["code"] == unknown.json()["code"]


def test_the_last_admin_stays(installation: Installation) -> None:
    admin = installation.key("ada", ADMIN)
    (ada,) = call(installation, "GET", "/v1/keys", admin).json()
    refused = call(installation, "POST", f"/v1/keys/{ada['id']}/revoke", admin, json={"reason": "x"})
    assert (refused.status_code, refused.json()["code"]) == (409, "LastAdmin")


@pytest.mark.parametrize(
    "changed",
    [
        {"name": ""},
        {"name": "ri\nta"},
        {"name": "a\0b"},
        {"name": "andon"},
        {"name": "cli:root"},
        {"grants": []},
        {"grants": [{"role": "god"}]},
        {"grants": [{"role": "viewer", "automation": "a\0"}]},
        {"expires_at": "2020-01-01T00:00:00Z"},
        {"expires_at": "2030-01-01T00:00:00"},
        {"expires_at": 1893456000},
        {"expires_at": "1893456000"},
        {"expires_at": "9999-12-31T23:59:59Z"},
        {"expires_at": "9999-12-31T23:59:59-14:00"},
        {"expires_at": "0001-01-01T00:00:00+14:00"},
        {"reason": " "},
        {"more": 1},
    ],
)
def test_a_key_that_makes_no_sense_is_a_precise_problem(installation: Installation, changed: dict[str, Any]) -> None:
    refused = call(installation, "POST", "/v1/keys", installation.key("ada", ADMIN), json=wanted(**changed))
    assert refused.status_code == 422
    assert next(iter(changed)) in refused.json()["errors"][0]["field"]
