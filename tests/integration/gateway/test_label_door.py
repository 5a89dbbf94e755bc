"""`POST /v1/labels`: many labels in one call, each answered by itself, and none recorded twice."""

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import text
from tests.integration.labels.labelling import decided

from andon.access import Grant, Role
from andon.gateway.label_rows import MOST
from andon.kernel.db import Database
from calls import call
from lines import Installation, install

PATH = "/v1/labels"


@pytest.fixture
def installation(standing: None, database: Database, tmp_path: Path) -> Installation:
    return install(database, tmp_path)


@pytest.fixture
def owner(installation: Installation) -> str:
    return installation.key("olga", Grant(Role.OWNER, "payments"))


@pytest.fixture
def ids(installation: Installation) -> list[str]:
    return [str(decided(installation, amount=amount).id) for amount in (10.0, 20.0, 30.0)]


def send(installation: Installation, key: str, body: Any, media: str = "application/json") -> httpx.Response:
    content = body if isinstance(body, str) else json.dumps(body)
    return call(installation, "POST", PATH, key, content=content.encode(), headers={"content-type": media})


def results(answer: httpx.Response) -> list[str]:
    return [row["result"] for row in answer.json()["rows"]]


def counted(installation: Installation, table: str) -> int:
    with installation.database.begin() as tx:
        return int(tx.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())


def test_each_row_is_answered_and_a_bad_one_costs_no_other(
    installation: Installation, owner: str, ids: list[str]
) -> None:
    rows = [
        {"decision_id": ids[0], "value": "fraud", "known_at": "2026-11-01T00:00:00Z"},
        {"decision_id": ids[1], "value": "frauds"},
        {"decision_id": ids[1], "value": "ok", "source": "blind_audit", "probability": 0.02},
        {"decision_id": "nonsense", "valu": "ok"},
        {"decision_id": str(uuid4()), "value": "ok"},
        {"decision_id": ids[2], "value": "ok", "known_at": "2999-01-01"},
        ["no object"],
        {"decision_id": ids[2], "value": "ok", "source": "review"},
        {"decision_id": ids[2], "value": "ok", "probability": 0},
        {"decision_id": ids[2], "value": [1], "known_at": "soon"},
        {"decision_id": ids[0], "value": "fraud", "known_at": "2026-11-01"},
    ]
    answer = send(installation, owner, rows)
    assert (answer.status_code, answer.headers["content-type"]) == (207, "application/json")
    refused = "refused"
    assert results(answer) == ["recorded", refused, "recorded", *[refused] * 7, "repeated"]
    assert [answer.json()[fate] for fate in ("recorded", "repeated", "refused")] == [2, 1, 8]
    faults = [
        [fault["field"] for fault in row["problem"]["errors"]] for row in answer.json()["rows"] if "problem" in row
    ]
    assert faults == [
        ["value"],
        ["decision_id", "value", "valu"],
        ["decision_id"],
        ["known_at"],
        ["row"],
        ["source"],
        ["probability"],
        ["value", "known_at"],
    ]
    assert "there are: ok, fraud" in answer.json()["rows"][1]["problem"]["detail"]
    first, last = answer.json()["rows"][0], answer.json()["rows"][-1]
    assert first["label_id"] == last["label_id"]
    shown = call(installation, "GET", f"/v1/decisions/{ids[0]}/labels", owner).json()
    assert [label["id"] for label in shown["labels"]] == [first["label_id"]]


@pytest.mark.parametrize("media", ["application/json", "application/x-ndjson", "text/csv"])
def test_the_same_rows_again_record_nothing_in_any_format(
    installation: Installation, owner: str, ids: list[str], media: str
) -> None:
    rows = [{"decision_id": one, "value": "fraud", "source": "import", "probability": 0.5} for one in ids]
    body = {
        "application/json": json.dumps(rows),
        "application/x-ndjson": "\n".join(json.dumps(row) for row in rows),
        "text/csv": "\ufeffvalue;decision_id;source;probability;known_at\r\n"
        + "".join(f"fraud;{one};import;0.5;\r\n" for one in ids),
    }[media]
    first = send(installation, owner, body, f"{media}; charset=utf-8")
    assert (first.status_code, results(first)) == (200, ["recorded"] * 3)
    entries = counted(installation, "audit_entries")
    for again in (body, json.dumps(rows[::-1])):
        answer = send(installation, owner, again, media if again is body else "application/json")
        assert (answer.status_code, results(answer)) == (200, ["repeated"] * 3)
    assert (counted(installation, "labels"), counted(installation, "audit_entries")) == (3, entries)


def test_a_row_with_other_cells_than_the_header_is_refused_alone(
    installation: Installation, owner: str, ids: list[str]
) -> None:
    body = f"decision_id,value\n{ids[0]},ok,more\n\n{ids[1]},ok\n"
    answer = send(installation, owner, body, "text/csv")
    assert results(answer) == ["refused", "recorded"]
    assert "Expected 2 values" in answer.json()["rows"][0]["problem"]["detail"]


@pytest.mark.parametrize(
    ("media", "body", "status"),
    [
        ("text/plain", "x", 415),
        ("application/json", "{}", 400),
        ("application/json", "[1", 400),
        ("text/csv", "decision,value\n", 400),
        ("text/csv", "decision_id,value,value\n", 400),
        ("text/csv", "", 400),
        ("text/csv", 'decision_id,value\n"x', 400),
        ("application/x-ndjson", "1\n" * (MOST + 1), 400),
        ("application/json", "[" + " " * 1_000_000 + "]", 413),
    ],
)
def test_a_body_that_is_no_batch_is_refused_whole(
    installation: Installation, owner: str, media: str, body: str, status: int
) -> None:
    answer = send(installation, owner, body, media)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


def test_a_key_labels_only_where_it_may(installation: Installation, ids: list[str]) -> None:
    rows = [{"decision_id": ids[0], "value": "ok"}, {"decision_id": ids[1], "value": "ok", "source": "import"}]
    elsewhere = Grant(Role.OWNER, "lending")
    keys = {
        "stranger": installation.key("stan", elsewhere),
        "viewer": installation.key("vera", elsewhere, Grant(Role.VIEWER, "payments")),
        "reviewer": installation.key("rita", Grant(Role.REVIEWER, "payments")),
    }
    seen = {who: send(installation, key, rows).json()["rows"] for who, key in keys.items()}
    problems = {who: [row.get("problem", {}).get("status") for row in of] for who, of in seen.items()}
    assert problems == {"stranger": [404, 404], "viewer": [403, 403], "reviewer": [None, 403]}
    assert counted(installation, "labels") == 1
    caller = installation.key("carl", Grant(Role.CALLER, "payments"))
    assert send(installation, caller, rows).status_code == 403
    assert send(installation, "andon_nobody", rows).status_code == 401
    assert call(installation, "GET", PATH, caller).status_code == 405
