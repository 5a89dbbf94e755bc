"""/v1/endpoints: who may, sees; who may in every automation that uses a model, splits; and nobody else."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier

from andon import models, serving
from andon.access import Grant, Role
from andon.gateway import create_app
from andon.kernel.config import EndpointSettings
from andon.kernel.db import Database
from andon.kernel.events import Events
from andon.models import FeatureKind, FeatureSpec
from automations import an_automation, payment
from calls import DECIDE, call
from lines import ADMIN, OWNER, Installation, install
from packages import a_package, trained_on_python
from shadowing import said, write

SPLIT = "/v1/endpoints/fraud-risk/split"
CHAMPION = "/v1/models/fraud-risk/aliases/champion"


@pytest.fixture
def installation(database: Database, tmp_path: Path) -> Installation:
    """Two automations on one model, which has two versions."""
    installed = install(database, tmp_path / "installed", an_automation(), an_automation("refunds"))
    with database.begin() as tx:
        package = a_package(tmp_path / "other", seed=2)
        models.register(tx, package, actor=OWNER, events=Events(), reason="a second one", now=installed.clock.now())
    return installed


def test_an_endpoint_is_shown_with_its_champion_and_its_automations(installation: Installation) -> None:
    key = installation.key("vera", Grant(Role.VIEWER))
    (endpoint,) = call(installation, "GET", "/v1/endpoints", key).json()
    assert endpoint == call(installation, "GET", "/v1/endpoints/fraud-risk", key).json()
    assert (endpoint["name"], endpoint["champion"], endpoint["automations"]) == (
        "fraud-risk",
        1,
        ["payments", "refunds"],
    )
    assert (endpoint["arms"], endpoint["shadows"]) == ([{"version": 1, "share": 100.0}], [])
    assert endpoint["split"]["number"] == 0


def test_an_operator_splits_and_everything_is_kept(installation: Installation) -> None:
    key = installation.key("otto", Grant(Role.OPERATOR))
    answer = call(installation, "PUT", SPLIT, key, json={"shares": {"2": 12.5}, "reason": "try the second"})
    assert answer.status_code == 200, answer.text
    assert answer.json()["arms"] == [{"version": 1, "share": 87.5}, {"version": 2, "share": 12.5}]
    call(installation, "PUT", SPLIT, key, json={"shadows": [2], "reason": "only look on"})
    first, second = reversed(call(installation, "GET", "/v1/endpoints/fraud-risk/splits", key).json())
    assert (first["number"], first["shares"], first["set_by"]) == (1, {"2": 12.5}, "otto")
    assert (second["number"], second["shadows"], second["reason"]) == (2, [2], "only look on")


def test_whose_grants_reach_all_automations_of_an_endpoint_may_split_it(installation: Installation) -> None:
    owner = installation.key("olga", Grant(Role.OWNER, "payments"), Grant(Role.OPERATOR, "refunds"))
    assert call(installation, "PUT", SPLIT, owner, json={"shares": {"2": 5}, "reason": "x"}).status_code == 200
    half = installation.key("half", Grant(Role.OWNER, "payments"))
    assert call(installation, "GET", "/v1/endpoints/fraud-risk", half).status_code == 200
    assert call(installation, "PUT", SPLIT, half, json={"shares": {}, "reason": "x"}).status_code == 403


def test_a_viewer_splits_nothing_and_a_stranger_sees_nothing(installation: Installation) -> None:
    viewer = installation.key("vera", Grant(Role.VIEWER))
    assert call(installation, "PUT", SPLIT, viewer, json={"shares": {"2": 5}, "reason": "x"}).status_code == 403
    stranger = installation.key("stan", *(Grant(role, "elsewhere") for role in Role))
    assert call(installation, "GET", "/v1/endpoints", stranger).json() == []
    for path in ("", "/splits", "/shadows/2"):
        assert call(installation, "GET", f"/v1/endpoints/fraud-risk{path}", stranger).status_code == 404
    assert call(installation, "PUT", SPLIT, stranger, json={"shares": {"2": 5}, "reason": "x"}).status_code == 404
    caller = installation.key("carl", Grant(Role.CALLER))
    assert call(installation, "GET", "/v1/endpoints", caller).status_code == 403
    with installation.database.begin() as tx:
        assert serving.split_of(tx, "fraud-risk").number == 0


@pytest.mark.parametrize(
    "wanted",
    [
        {"shares": {"9": 10}, "reason": "x"},
        {"shares": {"2": 101}, "reason": "x"},
        {"shares": {"2": True}, "reason": "x"},
        {"shares": {"2": "5"}, "reason": "x"},
        {"shares": {"2": 5, "02": 7}, "reason": "x"},
        {"shares": {" 2": 5}, "reason": "x"},
        {"shadows": [True], "reason": "x"},
        {"shadows": ["2"], "reason": "x"},
        {"shadows": [2.0], "reason": "x"},
        {"shares": {"2": 0}, "reason": "x"},
        {"shares": {"two": 10}, "reason": "x"},
        {"shares": {"0": 10}, "reason": "x"},
        {"shares": {str(2**31): 10}, "reason": "x"},
        {"shares": {"2": float("nan")}, "reason": "x"},
        {"shares": {"2": 10}, "shadows": [2], "reason": "x"},
        {"shares": {"2": 10}, "shadows": [1], "reason": "x"},
        {"shares": {"2": 10}},
        {"shares": {"2": 10}, "reason": " "},
        {"shares": {"2": 10}, "reason": "a\0b"},
        {"shares": {"2": 10}, "reason": "x", "force": True},
        {"shadows": [*range(1, 22)], "reason": "x"},
    ],
)
def test_what_is_no_split_is_refused(installation: Installation, wanted: dict[str, Any]) -> None:
    key = installation.key("otto", Grant(Role.OPERATOR))
    content, headers = json.dumps(wanted), {"content-type": "application/json"}
    answer = call(installation, "PUT", SPLIT, key, content=content, headers=headers)
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("wanted", "where"),
    [({"shares": {"2": True}}, "shares.2"), ({"shares": {"02": 7}}, "shares.02"), ({"shadows": [True]}, "shadows.0")],
)
def test_what_is_of_another_type_is_named_by_its_place(
    installation: Installation, wanted: dict[str, Any], where: str
) -> None:
    key = installation.key("otto", Grant(Role.OPERATOR))
    answer = call(installation, "PUT", SPLIT, key, json={**wanted, "reason": "x"})
    (fault,) = answer.json()["errors"]
    assert fault["field"].startswith(f"body.{where}")


def test_a_version_that_needs_what_an_automation_does_not_give_gets_no_share_and_is_no_champion(
    installation: Installation, tmp_path: Path
) -> None:
    with installation.database.begin() as tx:
        package = _needing("merchant", tmp_path / "third")
        models.register(tx, package, actor=OWNER, events=Events(), reason="needs more", now=installation.clock.now())
    key = installation.key("otto", Grant(Role.OPERATOR))
    for path, wanted in ((SPLIT, {"shares": {"3": 5}}), (CHAMPION, {"number": 3})):
        answer = call(installation, "PUT", path, key, json={**wanted, "reason": "x"})
        assert answer.status_code == 422
        assert "version 3 needs 'merchant'" in answer.text
    unused = call(
        installation, "PUT", CHAMPION.replace("champion", "candidate"), key, json={"number": 3, "reason": "x"}
    )
    assert unused.status_code == 200
    assert call(installation, "GET", "/v1/endpoints/fraud-risk", key).json()["champion"] == 1


def test_a_version_whose_own_environment_is_not_built_gets_no_share_and_is_no_champion(
    installation: Installation, tmp_path: Path
) -> None:
    with installation.database.begin() as tx:
        package = trained_on_python("3.2.0", a_package(tmp_path / "third", seed=3))
        models.register(tx, package, actor=OWNER, events=Events(), reason="old", now=installation.clock.now())
    key = installation.key("otto", Grant(Role.OPERATOR))
    for path, wanted, status in (
        (SPLIT, {"shares": {"3": 5}}, 422),
        (SPLIT, {"shadows": [3]}, 422),
        (SPLIT, {"shares": {"2": 5}}, 200),
        (CHAMPION, {"number": 3}, 422),
        (CHAMPION, {"number": 2}, 200),
    ):
        answer = _put_isolated(installation, key, path, {**wanted, "reason": "x"})
        assert answer.status_code == status, answer.text
        assert status == 200 or "environment of fraud-risk 3 is not built here yet" in answer.json()["detail"]


def test_what_shadows_said_stands_beside_the_decision_and_is_counted(installation: Installation) -> None:
    key = installation.key("ada", ADMIN)
    decided = call(installation, "POST", DECIDE, key, json=payment()).json()["id"]
    address = f"/v1/decisions/{decided}"
    assert call(installation, "GET", address, key).json()["shadows"] == []
    at = installation.clock.now()
    write(installation.database, replace(said(0, at=at), decision_id=UUID(decided)))
    (shadow,) = call(installation, "GET", address, key).json()["shadows"]
    assert (shadow["model_version"], shadow["outcome"], shadow["score"], shadow["error"]) == (2, "release", 0.1, None)
    counted = call(installation, "GET", "/v1/endpoints/fraud-risk/shadows/2", key).json()
    assert (counted["count"], counted["outcomes"], counted["mean_score"]) == (1, {"release": 1}, 0.1)
    later = {"since": (at + timedelta(hours=1)).isoformat()}
    assert call(installation, "GET", "/v1/endpoints/fraud-risk/shadows/2", key, params=later).json()["count"] == 0
    unknown = call(installation, "GET", "/v1/endpoints/fraud-risk/shadows/9", key)
    assert (unknown.status_code, unknown.json()["detail"]) == (404, "Model fraud-risk has no version 9")


def test_what_no_automation_uses_is_no_endpoint(installation: Installation) -> None:
    key = installation.key("vera", Grant(Role.VIEWER))
    assert call(installation, "GET", "/v1/endpoints/other", key).status_code == 404
    assert call(installation, "GET", "/v1/endpoints/No%20Name", key).status_code == 422


def _put_isolated(installation: Installation, key: str, path: str, wanted: Mapping[str, Any]) -> httpx.Response:
    """A gateway where fraud-risk runs in processes of its own is asked for a change."""

    async def run() -> httpx.Response:
        gateway, side = installation.gateway()
        endpoints = {"fraud-risk": EndpointSettings(isolated=True)}
        gateway.settings = gateway.settings.model_copy(update={"endpoints": endpoints})
        transport = httpx.ASGITransport(create_app(gateway, side))  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
            return await client.put(path, json=wanted, headers={"Authorization": f"Bearer {key}"})

    return asyncio.run(run())


def _needing(feature: str, folder: Path) -> Path:
    """A package of the same model's name that asks for one feature."""
    specs, values = (FeatureSpec(feature, FeatureKind.NUMBER),), [float(number) for number in range(60)]
    rows, labels = {feature: values}, [("ok", "fraud")[value > 30] for value in values]
    model = HistGradientBoostingClassifier(max_iter=2).fit(models.encode(specs, rows), labels)
    return models.pack(
        folder,
        name="fraud-risk",
        model=model,
        features=specs,
        classes=("ok", "fraud"),
        training=(rows, labels),
        held_out=(rows, labels),
        split="none",
    )
