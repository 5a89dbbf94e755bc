"""GET /v1/endpoints/{name}/live: the last minute over all processes, for the automations that one may see."""

from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from andon import live
from andon.access import Grant, Role
from andon.kernel.db import Database
from andon.live import ArmCounts, Process, Status, WaitingCounts
from andon.live.bands import bands_of
from automations import an_automation
from calls import call
from lines import Installation, install

PATH = "/v1/endpoints/fraud-risk/live"


@pytest.fixture
def installation(database: Database, tmp_path: Path) -> Installation:
    return install(database, tmp_path, an_automation(), an_automation("refunds"))


def told(installation: Installation, number: int, *arms: ArmCounts, ago: float = 0.0) -> None:
    at = installation.clock.now() - timedelta(seconds=ago)
    serves = {arm.automation: 1 for arm in arms}
    waiting = {"payments": WaitingCounts(1, 0, 1), "refunds": WaitingCounts(0, 2, 2)}
    status = Status(60.0, serves, arms, waiting=waiting)
    with installation.database.begin() as tx:
        live.report(tx, Process(UUID(int=number), "gateway", "here", number, "0.1.0", at, at, status))


def an_arm(automation: str, version: int, seconds: list[float]) -> ArmCounts:
    stages = {"whole": bands_of(seconds), "predict": bands_of([0.0004])}
    return ArmCounts(automation, "fraud-risk", version, len(seconds), stages, {"ENDPOINT_BUSY": 1})


def test_what_several_processes_say_is_told_together(installation: Installation) -> None:
    told(installation, 1, an_arm("payments", 1, [0.002] * 90 + [0.1] * 6), an_arm("payments", 2, [0.03]))
    told(installation, 2, an_arm("refunds", 1, [0.002] * 4))
    told(installation, 3, an_arm("payments", 1, [5.0] * 1000), ago=30)
    answer = call(installation, "GET", PATH, installation.key("vera", Grant(Role.VIEWER))).json()
    assert (answer["processes"], answer["decisions"]) == (2, 101)
    assert answer["per_second"] == pytest.approx(101 / 60)
    assert answer["waiting"] == {"interactive": 2, "normal": 4, "bulk": 6}
    first, second = answer["versions"]
    assert (first["version"], first["decisions"], first["fallbacks"]) == (1, 100, {"ENDPOINT_BUSY": 2})
    whole = first["stages"]["whole"]
    assert [whole["p50"], whole["p95"], whole["p99"]] == pytest.approx([2.0, 100.0, 100.0], rel=0.03)
    assert first["stages"]["predict"]["p50"] == pytest.approx(0.4, rel=0.03)
    assert first["stages"]["queue"] == {"p50": None, "p95": None, "p99": None}
    assert (second["version"], second["decisions"]) == (2, 1)


def test_only_the_automations_that_one_may_see_count(installation: Installation) -> None:
    told(installation, 1, an_arm("payments", 1, [0.002] * 9), an_arm("refunds", 2, [0.002] * 90))
    told(installation, 2, an_arm("refunds", 2, [0.002]))
    for role in (Role.OWNER, Role.OPERATOR):
        key = installation.key(f"one-{role}", Grant(role, "payments"))
        answer = call(installation, "GET", PATH, key).json()
        assert (answer["decisions"], [arm["version"] for arm in answer["versions"]]) == (9, [1])
        assert (answer["processes"], answer["waiting"]) == (1, {"interactive": 2, "normal": 0, "bulk": 2})
    stranger = installation.key("stan", *(Grant(role, "elsewhere") for role in Role))
    assert call(installation, "GET", PATH, stranger).status_code == 404
    assert call(installation, "GET", PATH, installation.key("kai", Grant(Role.CALLER))).status_code == 403
    assert call(installation, "GET", PATH).status_code == 401


def test_while_nobody_reports_there_is_nothing(installation: Installation) -> None:
    answer = call(installation, "GET", PATH, installation.key("vera", Grant(Role.VIEWER))).json()
    assert (answer["processes"], answer["decisions"], answer["versions"]) == (0, 0, [])
    assert answer["whole"] == {"p50": None, "p95": None, "p99": None}
