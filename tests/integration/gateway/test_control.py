"""The routes beside deciding: health, metrics, documents, lists; closed unless a key opens them."""

import re

import pytest

from andon.access import Grant, Role
from andon.decisions import Subjects
from andon.gateway import create_control, document
from automations import payment
from calls import DECIDE, call
from lines import ADMIN, CALLER, PEPPER, Installation

OPEN = {"/livez", "/readyz", "/startupz", "/v1/actions/{action_id}/callback"}  # the last by its signed address


def test_every_route_is_closed_to_who_has_no_key(installation: Installation) -> None:
    gateway, side = installation.gateway()
    paths = document(create_control(gateway, side))["paths"]
    assert len(paths) > 10
    for path, operations in paths.items():
        for method in operations:
            concrete = path.replace("{", "").replace("}", "")
            status = call(installation, method.upper(), concrete, json={}).status_code
            assert (status == 401) != (path in OPEN), f"{method} {path} answered {status}"


def test_health_is_open_and_says_what_is_missing(installation: Installation) -> None:
    assert call(installation, "GET", "/livez").json() == {"status": "ok"}
    assert call(installation, "GET", "/readyz").status_code == 200


def test_metrics_need_a_key_that_may_read_them(installation: Installation) -> None:
    viewer, bank = installation.key("viewer", Grant(Role.VIEWER)), installation.key("bank", CALLER)
    assert call(installation, "GET", "/metrics", bank).status_code == 403
    assert "andon_decisions_total" in call(installation, "GET", "/metrics", viewer).text


def test_the_api_describes_itself_for_programs_and_for_people(installation: Installation) -> None:
    api = call(installation, "GET", "/openapi.json").json()
    assert api["openapi"].startswith("3.1")
    assert "/v1/automations/{name}/decisions" in api["paths"]
    page = call(installation, "GET", "/docs")
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert "unsafe" not in page.headers["Content-Security-Policy"]
    files = re.findall('(?:src|href)="(/docs/[^"]+)"', page.text)
    assert len(files) == 5
    for file in files:
        assert call(installation, "GET", file).status_code == 200, file
    assert call(installation, "GET", "/docs/docs.html").status_code == 404


def test_the_document_of_an_automation_is_for_who_may_read_its_contract(installation: Installation) -> None:
    viewer, stranger = (
        installation.key("vera", Grant(Role.VIEWER, "payments")),
        installation.key("stan", Grant(Role.OWNER, "other")),
    )
    path = "/v1/automations/payments/openapi.json"
    own = call(installation, "GET", path, viewer).json()
    decide = own["paths"][DECIDE]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert (
        own["components"]["schemas"][decide["$ref"].rpartition("/")[2]]["properties"]["amount"]["exclusiveMinimum"] == 0
    )
    assert call(installation, "GET", path).status_code == 401
    contract = call(installation, "GET", "/v1/automations/payments", stranger)
    assert call(installation, "GET", path, stranger).status_code == contract.status_code >= 403
    assert (
        call(installation, "GET", "/v1/automations/none/openapi.json", installation.key("ada", ADMIN)).status_code
        == 404
    )


def test_lists_show_only_what_the_key_may_see(installation: Installation) -> None:
    bank, stranger = installation.key("bank", CALLER), installation.key("stranger", Grant(Role.VIEWER, "other"))
    viewer = installation.key("viewer", Grant(Role.VIEWER, "payments"))
    for number in range(3):
        call(installation, "POST", DECIDE, bank, json=payment(number))
    page = call(installation, "GET", "/v1/decisions?limit=2", viewer).json()
    rest = call(installation, "GET", f"/v1/decisions?limit=2&before={page['next']}", viewer).json()
    assert (len(page["decisions"]), len(rest["decisions"]), rest["next"]) == (2, 1, None)
    assert call(installation, "GET", "/v1/decisions", stranger).json()["decisions"] == []
    assert [a["name"] for a in call(installation, "GET", "/v1/automations", viewer).json()] == ["payments"]
    assert call(installation, "GET", "/v1/automations", stranger).json() == []


def test_whoever_may_ask_an_automation_sees_its_contract(installation: Installation) -> None:
    asker, reader = installation.key("bank", CALLER), installation.key("vera", Grant(Role.VIEWER, "payments"))
    seen = {key: call(installation, "GET", "/v1/automations", key).json()[0]["askable"] for key in (asker, reader)}
    assert seen == {asker: True, reader: False}
    shown = call(installation, "GET", "/v1/automations/payments", asker)
    assert "amount" in shown.json()["contract"]["properties"]


@pytest.mark.parametrize(
    "path",
    [
        "/v1/decisions?limit=0",
        "/v1/decisions?since=yesterday",
        "/v1/decisions?since=2.4570988242035176e-281",
        "/v1/changes/figures?since=99999999999999999d",
        "/v1/decisions?since=9999-12-31T23:59:59-14:00",
        "/v1/decisions/not-an-id",
    ],
)
def test_a_wrong_parameter_is_named(installation: Installation, path: str) -> None:
    response = call(installation, "GET", path, installation.key("admin", ADMIN))
    assert response.status_code == 422
    assert response.json()["errors"]


def test_an_address_that_is_none_is_a_problem_document(installation: Installation) -> None:
    response = call(installation, "GET", "/v1/nothing", installation.key("admin", ADMIN))
    assert (response.status_code, response.json()["code"]) == (404, "RouteNotFound")


def test_decisions_are_listed_by_what_was_in_force_and_say_whose_data_they_are(installation: Installation) -> None:
    bank, viewer = installation.key("bank", CALLER), installation.key("viewer", Grant(Role.VIEWER))
    answer = call(installation, "POST", DECIDE, bank, json=payment(amount=20.0)).json()
    assert answer["arm"] == f"fraud-risk@1+{answer['policy_version']}"
    assert (answer["gate_revision"], answer["line_state"]) == (1, "automatic")
    fitting = {"arm": answer["arm"], "label": answer["label"], "gate_revision": 1, "line_state": "automatic"}
    for filters, found in (
        (fitting, 1),
        ({"arm": "x@1+y"}, 0),
        ({"line_state": "stopped"}, 0),
        ({"audit_drawn": True}, 0),
    ):
        rows = call(installation, "GET", "/v1/decisions", viewer, params=filters).json()["decisions"]
        assert len(rows) == found, filters
    whole = call(installation, "GET", f"/v1/decisions/{answer['id']}", viewer).json()
    assert whole["subject_hash"] == Subjects(PEPPER).hash_of("a1").hex()
    assert (whole["audit_probability"], whole["audit_drawn"], whole["risk"]["revision"]) == (0.0, False, 1)
    assert call(installation, "GET", "/v1/decisions?line_state=asleep", viewer).status_code == 422
