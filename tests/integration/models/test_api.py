"""/v1/models: who may, sees; who may, points; and nobody else."""

import json
from pathlib import Path
from typing import Any

import pytest

from andon import models
from andon.access import Grant, Role
from andon.kernel.db import Database
from andon.kernel.events import Events
from calls import call
from lines import OWNER, Installation, install
from packages import a_reversed_package

CHAMPION = "/v1/models/fraud-risk/aliases/champion"


@pytest.fixture
def installation(database: Database, tmp_path: Path, other_package: Path) -> Installation:
    installed = install(database, tmp_path / "installed")
    with database.begin() as tx:
        models.register(
            tx, other_package, actor=OWNER, events=Events(), reason="a second one", now=installed.clock.now()
        )
    return installed


def test_a_viewer_sees_versions_figures_and_aliases(installation: Installation) -> None:
    key = installation.key("vera", Grant(Role.VIEWER))
    (model,) = call(installation, "GET", "/v1/models", key).json()
    assert model == call(installation, "GET", "/v1/models/fraud-risk", key).json()
    assert [version["number"] for version in model["versions"]] == [2, 1]
    assert 0.5 < model["versions"][0]["metrics"]["roc_auc"] <= 1
    assert [(alias["alias"], alias["number"]) for alias in model["aliases"]] == [("champion", 1)]
    version = call(installation, "GET", "/v1/models/fraud-risk/versions/2", key).json()
    assert version["manifest"]["signature"]["classes"] == ["ok", "fraud"]
    assert version["reason"] == "a second one"


def test_an_operator_points_the_champion_elsewhere_and_running_lines_follow(installation: Installation) -> None:
    key = installation.key("otto", Grant(Role.OPERATOR))
    answer = call(installation, "PUT", CHAMPION, key, json={"number": 2, "reason": "better"})
    assert (answer.status_code, answer.json()["number"], answer.json()["set_by"]) == (200, 2, "otto")
    history = call(installation, "GET", f"{CHAMPION}/history", key).json()
    assert [(entry["number"], entry["reason"]) for entry in history] == [(2, "better"), (1, "test")]
    installation.deployment.refresh()
    assert installation.deployment.lines["payments"].endpoint.version.number == 2


def test_who_may_only_look_or_works_elsewhere_points_nothing(installation: Installation) -> None:
    for grant in (Grant(Role.VIEWER), Grant(Role.OWNER, "other"), Grant(Role.CALLER)):
        key = installation.key(f"not {grant.role}", grant)
        answer = call(installation, "PUT", CHAMPION, key, json={"number": 2, "reason": "mine"})
        assert answer.status_code == 403
    stranger = installation.key("stan", Grant(Role.VIEWER, "other"))
    assert call(installation, "GET", "/v1/models", stranger).status_code == 403
    with installation.database.begin() as tx:
        assert models.by_alias(tx, "fraud-risk", "champion").number == 1


def test_a_version_whose_score_is_for_the_other_class_is_a_conflict_told_in_a_sentence(
    installation: Installation, tmp_path: Path
) -> None:
    with installation.database.begin() as tx:
        package = a_reversed_package(tmp_path / "reversed")
        said = {"actor": OWNER, "reason": "test", "events": Events(), "now": installation.clock.now()}
        number = models.register(tx, package, **said).number
    key = installation.key("otto", Grant(Role.OPERATOR))
    answer = call(installation, "PUT", CHAMPION, key, json={"number": number, "reason": "better"})
    assert (answer.status_code, answer.json()["code"]) == (409, "ScoreReversed")
    assert "rules about the score would be reversed" in answer.json()["detail"]
    with installation.database.begin() as tx:
        assert models.by_alias(tx, "fraud-risk", "champion").number == 1


@pytest.mark.parametrize(
    ("wanted", "status"),
    [
        ({"number": 9, "reason": "x"}, 404),
        ({"number": 2**31, "reason": "x"}, 422),
        ({"number": 0, "reason": "x"}, 422),
        ({"number": True, "reason": "x"}, 422),
        ({"number": "2", "reason": "x"}, 422),
        ({"number": 2.0, "reason": "x"}, 422),
        ({"number": 2}, 422),
        ({"number": 2, "reason": " "}, 422),
        ({"number": 2, "reason": "a\0b"}, 422),
        ({"number": 2, "reason": "a\ud800b"}, 422),
        ({"number": 2, "reason": "x", "force": True}, 422),
    ],
)
def test_what_cannot_be_pointed_to_is_refused(installation: Installation, wanted: dict[str, Any], status: int) -> None:
    key = installation.key("otto", Grant(Role.OPERATOR))
    content, headers = json.dumps(wanted), {"content-type": "application/json"}
    answer = call(installation, "PUT", CHAMPION, key, content=content, headers=headers)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["nothing", "fraud-risk/versions/7", "nothing/aliases/champion/history"])
def test_what_is_not_there_is_not_found(installation: Installation, path: str) -> None:
    key = installation.key("vera", Grant(Role.VIEWER))
    assert call(installation, "GET", f"/v1/models/{path}", key).status_code == 404


@pytest.mark.parametrize("path", ["%00", "Fraud%20Risk", "fraud-risk/versions/0", "fraud-risk/aliases/%00/history"])
def test_what_cannot_be_a_name_is_refused(installation: Installation, path: str) -> None:
    key = installation.key("vera", Grant(Role.VIEWER))
    assert call(installation, "GET", f"/v1/models/{path}", key).status_code == 422
