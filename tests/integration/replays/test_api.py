"""POST /v1/automations/{name}/replays: few decisions, a candidate of policy and gate, and who may."""

from collections.abc import Iterator

import httpx
import pytest
from tests.served import served

from andon.access import Grant, Role
from andon.bootstrap.installation import settings_here
from andon.bootstrap.rehearsing import rehearsal
from andon.gateway import create_app
from proving import GatedLine
from replaying import STRICTER

ROUTE = "/v1/automations/gated/replays"


@pytest.fixture
def keys(line: GatedLine) -> tuple[str, str]:
    """Return an operator's key, and that of a caller, who may not read decisions."""
    key = line.installation.key
    return key("api-operator", Grant(Role.OPERATOR)), key("api-caller", Grant(Role.CALLER, "gated"))


@pytest.fixture
def client(line: GatedLine, keys: tuple[str, str]) -> Iterator[httpx.Client]:
    del keys  # a gateway knows those that are there when it begins
    gateway, side = line.installation.gateway()
    gateway.rehearse = rehearsal(settings_here(), line.database, lambda name: gateway.line(name).automation)
    with served(create_app(gateway, side)) as address, httpx.Client(base_url=address, trust_env=False) as client:
        yield client


def test_a_policy_and_a_gate_are_tried_on_the_newest_decisions(
    line: GatedLine, client: httpx.Client, keys: tuple[str, str]
) -> None:
    may, stranger = ({"Authorization": f"Bearer {key}"} for key in keys)
    answer = client.post(ROUTE, json={"policy": STRICTER, "last": 200}, headers=may)
    assert answer.status_code == 200, answer.text
    report = answer.json()
    newest = sorted(line.decided, key=lambda one: one.request.id.bytes)[-200:]
    expected = sum(one.outcome == "release" and one.prediction.score >= 0.1 for one in newest if one.prediction)
    assert (report["decisions"], report["flipped"]) == (200, expected)
    assert report["asked"]["candidate"]["policy"] == "the given policy"
    closed = client.post(ROUTE, json={"gate": 2}, headers=may).json()
    assert closed["automatic"]["after"] == 0
    assert client.post(ROUTE, json={}, headers=may).status_code == 422
    assert client.post(ROUTE, json={"gate": 1, "last": 2001}, headers=may).status_code == 422
    wrong = client.post(ROUTE, json={"policy": STRICTER.replace("prediction.score", "input.amuont")}, headers=may)
    assert wrong.status_code == 422
    assert "amuont" in wrong.text
    assert client.post(ROUTE, json={"gate": 1}, headers=stranger).status_code == 403
    assert client.post("/v1/automations/none/replays", json={"gate": 1}, headers=may).status_code == 404
