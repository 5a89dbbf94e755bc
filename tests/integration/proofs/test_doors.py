"""Proofs through every door: the command line, HTTP, and the console's page of a line's risk."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from tests.served import served

from andon import MaxError, console
from andon.access import Grant, KeyRing, Role
from andon.gates import WHOLE
from andon.kernel.config import Settings
from andon.kernel.db import Database
from andon.kernel.events import Events
from calls import call
from lines import PEPPER
from proving import GatedLine, a_gated_line, rightly

CURVE, FORECAST = "/v1/automations/gated/gates/curve", "/v1/automations/gated/gates/forecast"


@pytest.fixture
def line(database: Database, tmp_path: Path) -> GatedLine:
    line = a_gated_line(database, tmp_path, MaxError(0.1, per_class={"fraud": 0.2}))
    line.label(line.decide(400), rightly)
    line.prove()
    return line


@contextmanager
def visiting(line: GatedLine, *grants: Grant) -> Iterator[httpx.Client]:
    """Somebody with these grants, signed in."""
    app = console.create_app(Settings(), line.database, line.installation.clock, KeyRing(PEPPER), Events())
    token = line.installation.key(f"somebody-{uuid4().hex}", *grants)
    with served(app) as address, httpx.Client(base_url=address, headers={"Origin": address}) as client:
        client.post("/sign-in", data={"key": token, "next": "/"})
        yield client


def test_the_curve_and_the_forecast_over_http(line: GatedLine) -> None:
    viewer, stranger = (
        line.installation.key("v", Grant(Role.VIEWER)),
        line.installation.key("s", Grant(Role.VIEWER, "other")),
    )
    found = call(line.installation, "GET", CURVE, viewer).json()
    live = line.revisions().live[WHOLE]
    assert (found["threshold"], found["target"], found["declared"]) == (live.threshold, 0.1, 0.1)
    assert found["points"][-1].keys() >= {"threshold", "share", "error", "bound", "labels", "proven", "labels_needed"}
    assert found["sentence"].startswith("Target 10%: ")
    strict = call(line.installation, "GET", f"{CURVE}?target=0.01", viewer).json()
    assert all((point["stopped_by"] is None) == point["proven"] == (not point["stop"]) for point in strict["points"])
    assert "labels" in {point["stopped_by"] for point in strict["points"]}
    assert (strict["target"], strict["declared"]) == (0.01, 0.1)
    assert strict["share"] < found["share"]
    fraud = call(line.installation, "GET", f"{CURVE}?predicted=fraud", viewer).json()
    assert (fraud["predicted"], fraud["target"]) == ("fraud", 0.2)
    ahead = call(line.installation, "GET", FORECAST, viewer).json()
    assert (ahead["labels_a_day"], ahead["clean_labels"]) == (400, 29)
    assert (ahead["age_seconds"], ahead["looks"]["open"], ahead["looks"]["counted"]) == (900, 0, 400)
    assert ahead["looks_sentence"] == "A verdict counts when its decision is 15 minutes old."
    for path, status in (
        (f"{CURVE}?target=2", 422),
        (f"{CURVE}?predicted=other", 404),
        (f"{CURVE}?value=DE", 404),
        ("/v1/automations/none/gates/curve", 404),
    ):
        assert call(line.installation, "GET", path, viewer).status_code == status, path
    for path, field in (
        (f"{CURVE}?arm=x", "arm"),
        (f"{CURVE}?arm=fraud-risk@1", "arm"),
        (f"{CURVE}?arm=fraud-risk@7%2Babc&target=0.01", "arm"),
        (f"{FORECAST}?arm=x", "arm"),
        (f"{FORECAST}?value=DE&arm=x", "arm"),
        (f"{FORECAST}?value=DE", "value"),
        (f"{FORECAST}?predicted=other", "predicted"),
    ):
        refused = call(line.installation, "GET", path, viewer)
        assert (refused.status_code, [one["field"] for one in refused.json()["errors"]]) == (404, [field]), path
    for path in (CURVE, FORECAST):
        assert call(line.installation, "GET", path, stranger).status_code == 403


def test_the_list_of_gates_shows_origin_part_and_sentence(line: GatedLine) -> None:
    viewer = line.installation.key("v", Grant(Role.VIEWER))
    listed = call(line.installation, "GET", "/v1/automations/gated/gates", viewer).json()
    by_part = {(one["origin"], one["predicted"]): one for one in listed}
    assert by_part.keys() >= {("held_out", ""), ("held_out", "fraud"), ("live", "")}
    assert "400 labels and 150 held-out rows" in by_part["live", ""]["sentence"]
    assert by_part["live", ""]["in_force"]


def test_a_class_alone_may_be_narrowed(line: GatedLine) -> None:
    olga = line.installation.key("olga", Grant(Role.OPERATOR))
    wanted = {"arm": line.arm, "threshold": 2.0, "reason": "false alarms", "predicted": "fraud"}
    made = call(line.installation, "POST", "/v1/automations/gated/gates", olga, json=wanted)
    assert (made.status_code, made.json()["predicted"]) == (201, "fraud")
    decided = line.decide(100)
    assert {one.outcome for one in decided if rightly(one) == "fraud"} == {"review"}
    assert "release" in {one.outcome for one in decided}
    for part, field in (({"predicted": "other"}, "predicted"), ({"value": "DE"}, "segment")):
        refused = call(
            line.installation, "POST", "/v1/automations/gated/gates", olga, json={**wanted, "predicted": "", **part}
        )
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, field)


def test_the_page_of_the_risk_moves_its_target_and_hides_it_from_strangers(line: GatedLine) -> None:
    with visiting(line, Grant(Role.VIEWER)) as client:
        page = client.get("/lines/gated/risk")
        assert page.status_code == 200
        assert "Target 10%: " in page.text
        assert 'data-plot="risk"' in page.text
        assert "called fraud" in page.text
        assert "Target 1%: " in client.get("/lines/gated/risk?target=1").text
        assert "Target 20%: " in client.get("/lines/gated/risk", params={"part": "called fraud"}).text
        wrong = client.get("/lines/gated/risk?target=much")
        assert (wrong.status_code, "Expected a number" in wrong.text) == (422, True)
        assert "/lines/gated/risk" in client.get("/lines/gated").text
    with visiting(line, Grant(Role.VIEWER, "other")) as client:
        assert client.get("/lines/gated/risk").status_code == 404
