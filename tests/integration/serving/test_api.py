"""/v1/endpoints and the splits of automations: their permissions for reading and splitting."""

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
from automations import POLICY, an_automation, payment
from calls import DECIDE, call
from lines import ADMIN, OWNER, Installation, install
from packages import a_package, trained_on_python
from shadowing import said, write

PAYMENTS = "/v1/automations/payments"
SPLIT = f"{PAYMENTS}/split"
CHAMPION = "/v1/models/fraud-risk/aliases/champion"


@pytest.fixture
def installation(database: Database, tmp_path: Path) -> Installation:
    """Two automations on one model, which has two versions."""
    installed = install(database, tmp_path / "installed", an_automation(), an_automation("refunds"))
    with database.begin() as tx:
        package = a_package(tmp_path / "other", seed=2)
        models.register(tx, package, actor=OWNER, events=Events(), reason="a second one", now=installed.clock.now())
    return installed


def test_an_endpoint_is_shown_with_its_champion_and_what_answers_for_each_automation(
    installation: Installation,
) -> None:
    key = installation.key("vera", Grant(Role.VIEWER))
    (endpoint,) = call(installation, "GET", "/v1/endpoints", key).json()
    assert endpoint == call(installation, "GET", "/v1/endpoints/fraud-risk", key).json()
    assert endpoint == {
        "name": "fraud-risk",
        "champion": 1,
        "automations": [
            {"automation": name, "shares": {"1": 100.0}, "shadows": []} for name in ("payments", "refunds")
        ],
    }


def test_an_operator_splits_one_automation_and_everything_is_kept(installation: Installation) -> None:
    key = installation.key("otto", Grant(Role.OPERATOR))
    policy = installation.deployment.lines["payments"].ref.policy_version
    answer = call(installation, "PUT", SPLIT, key, json={"shares": {"2": 12.5}, "reason": "try the second"})
    assert answer.status_code == 200, answer.text
    assert answer.json()["arms"] == [
        {"candidate": "1", "arm": f"fraud-risk@1+{policy}", "share": 87.5},
        {"candidate": "2", "arm": f"fraud-risk@2+{policy}", "share": 12.5},
    ]
    assert answer.json() == call(installation, "GET", SPLIT, key).json()
    call(installation, "PUT", SPLIT, key, json={"shadows": ["2"], "reason": "only look on"})
    first, second = reversed(call(installation, "GET", f"{PAYMENTS}/splits", key).json())
    assert (first["number"], first["shares"], first["set_by"]) == (1, {"2": 12.5}, "otto")
    assert (second["number"], second["shadows"], second["reason"]) == (2, ["2"], "only look on")
    assert call(installation, "GET", "/v1/automations/refunds/splits", key).json() == []
    (_, refunds) = call(installation, "GET", "/v1/endpoints/fraud-risk", key).json()["automations"]
    assert refunds == {"automation": "refunds", "shares": {"1": 100.0}, "shadows": []}


def test_two_policies_share_the_traffic_of_one_version(installation: Installation) -> None:
    owner = installation.key("olga", Grant(Role.OWNER))
    text = POLICY.replace("0.8", "0.7")
    kept = call(
        installation, "POST", f"{PAYMENTS}/policies", owner, json={"text": text, "reason": "try", "in_force": False}
    ).json()
    aside = kept["versions"][0]["version"]
    answer = call(installation, "PUT", SPLIT, owner, json={"shares": {f"1+{aside}": 50}, "reason": "compare"})
    assert [arm["candidate"] for arm in answer.json()["arms"]] == ["1", f"1+{aside}"]
    unknown = call(installation, "PUT", SPLIT, owner, json={"shares": {"1+ffffffffffff": 50}, "reason": "x"})
    assert (unknown.status_code, "publish it first" in unknown.text) == (422, True)


def test_who_may_in_one_automation_splits_that_one(installation: Installation) -> None:
    half = installation.key("half", Grant(Role.OWNER, "payments"))
    assert call(installation, "PUT", SPLIT, half, json={"shares": {"2": 5}, "reason": "x"}).status_code == 200
    refunds = "/v1/automations/refunds/split"
    assert call(installation, "PUT", refunds, half, json={"shares": {"2": 5}, "reason": "x"}).status_code == 403
    (seen,) = call(installation, "GET", "/v1/endpoints/fraud-risk", half).json()["automations"]
    assert seen["automation"] == "payments"


def test_a_viewer_splits_nothing_and_a_stranger_sees_nothing(installation: Installation) -> None:
    viewer = installation.key("vera", Grant(Role.VIEWER))
    assert call(installation, "PUT", SPLIT, viewer, json={"shares": {"2": 5}, "reason": "x"}).status_code == 403
    stranger = installation.key("stan", *(Grant(role, "elsewhere") for role in Role))
    assert call(installation, "GET", "/v1/endpoints", stranger).json() == []
    assert call(installation, "GET", "/v1/endpoints/fraud-risk", stranger).status_code == 404
    for path in ("/split", "/splits", "/shadows/2"):
        assert call(installation, "GET", f"{PAYMENTS}{path}", stranger).status_code == 403
    assert call(installation, "PUT", SPLIT, stranger, json={"shares": {"2": 5}, "reason": "x"}).status_code == 403
    caller = installation.key("carl", Grant(Role.CALLER))
    assert call(installation, "GET", "/v1/endpoints", caller).status_code == 403
    with installation.database.begin() as tx:
        assert serving.split_of(tx, "payments", "fraud-risk").number == 0


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
        {"shadows": [2], "reason": "x"},
        {"shadows": ["02"], "reason": "x"},
        {"shares": {"2+3f2a": 5}, "reason": "x"},
        {"shares": {"2+3F2A9C01D2E4": 5}, "reason": "x"},
        {"shares": {"2": 0}, "reason": "x"},
        {"shares": {"two": 10}, "reason": "x"},
        {"shares": {"0": 10}, "reason": "x"},
        {"shares": {str(2**31): 10}, "reason": "x"},
        {"shares": {"2": float("nan")}, "reason": "x"},
        {"shares": {"2": 10}, "shadows": ["2"], "reason": "x"},
        {"shares": {"2": 10}, "shadows": ["1"], "reason": "x"},
        {"shares": {"2": 10}},
        {"shares": {"2": 10}, "reason": " "},
        {"shares": {"2": 10}, "reason": "a\0b"},
        {"shares": {"2": 10}, "reason": "x", "force": True},
        {"shadows": [str(number) for number in range(1, 22)], "reason": "x"},
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
        (SPLIT, {"shadows": ["3"]}, 422),
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
    policy = installation.deployment.lines["payments"].ref.policy_version
    write(installation.database, replace(said(0, at=at, policy=policy), decision_id=UUID(decided)))
    (shadow,) = call(installation, "GET", address, key).json()["shadows"]
    assert (shadow["model_version"], shadow["outcome"], shadow["score"], shadow["error"]) == (2, "release", 0.1, None)
    counted = call(installation, "GET", f"{PAYMENTS}/shadows/2", key).json()
    assert (counted["count"], counted["outcomes"], counted["mean_score"]) == (1, {"release": 1}, 0.1)
    later = {"since": (at + timedelta(hours=1)).isoformat()}
    assert call(installation, "GET", f"{PAYMENTS}/shadows/2", key, params=later).json()["count"] == 0
    unknown = call(installation, "GET", f"{PAYMENTS}/shadows/9", key)
    assert (unknown.status_code, unknown.json()["detail"]) == (404, "Model fraud-risk has no version 9")


def test_what_no_automation_uses_is_no_endpoint(installation: Installation) -> None:
    key = installation.key("vera", Grant(Role.VIEWER))
    assert call(installation, "GET", "/v1/endpoints/other", key).status_code == 404
    assert call(installation, "GET", "/v1/endpoints/No%20Name", key).status_code == 422


def _put_isolated(installation: Installation, key: str, path: str, wanted: Mapping[str, Any]) -> httpx.Response:
    """Request a change at a gateway where fraud-risk runs in processes of its own."""

    async def run() -> httpx.Response:
        gateway, side = installation.gateway()
        endpoints = {"fraud-risk": EndpointSettings(isolated=True)}
        gateway.settings = gateway.settings.model_copy(update={"endpoints": endpoints})
        transport = httpx.ASGITransport(create_app(gateway, side))  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
            return await client.put(path, json=wanted, headers={"Authorization": f"Bearer {key}"})

    return asyncio.run(run())


def _needing(feature: str, folder: Path) -> Path:
    """Make a package of the same model's name that needs one feature."""
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
