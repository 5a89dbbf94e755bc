"""Calls of tools in the console: listed and shown whole to who may read the decisions, and to nobody else."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from tests.integration.console.test_streams import visiting

from andon import tools
from andon.access import Grant, Role
from andon.kernel.db import Database
from andon.kernel.ids import uuid7
from calls import call
from lines import Installation, install
from toolboxes import a_toolbox


@pytest.fixture
def installation(standing: None, database: Database, tmp_path: Path) -> Installation:
    return install(database, tmp_path, a_toolbox())


@pytest.fixture
def call_id(installation: Installation) -> str:
    agent = installation.key("claudia", Grant(Role.AGENT, "bank-tools"))
    body = {"tool": "refund", "arguments": {"account": "<b>a1", "amount": 900}, "agent": "drafter"}
    return str(call(installation, "POST", "/v1/toolboxes/bank-tools/calls", agent, json=body).json()["id"])


def pages(client: httpx.Client, call_id: str) -> tuple[httpx.Response, httpx.Response]:
    return client.get("/tools"), client.get(f"/tools/{call_id}")


def test_a_viewer_sees_calls_with_their_arguments(installation: Installation, call_id: str) -> None:
    with visiting(installation, Grant(Role.VIEWER, "bank-tools")) as client:
        listed, one = pages(client, call_id)
        assert (call_id in listed.text, "waiting" in listed.text) == (True, True)
        assert "&lt;b&gt;a1" in one.text
        assert "LARGE" in one.text
        assert call_id not in client.get("/tools?state=done").text


def test_an_unknown_outcome_is_a_question_on_the_page_of_the_call(installation: Installation) -> None:
    agent = installation.key("clara", Grant(Role.AGENT, "bank-tools"))
    body = {"tool": "balance", "arguments": {"account": "a1"}, "agent": "drafter"}
    made = call(installation, "POST", "/v1/toolboxes/bank-tools/calls", agent, json=body).json()
    path = f"/v1/tool-calls/{made['id']}"
    call(installation, "POST", f"{path}/begin", agent, json={"digest": made["digest"]})
    with installation.database.begin() as tx:
        tools.lose_due(tx, datetime.now(UTC) + timedelta(hours=2))
    question = call(installation, "GET", path, agent).json()["question_id"]
    with visiting(installation, Grant(Role.REVIEWER, "bank-tools")) as client:
        assert made["id"] in client.get("/tools?state=unknown").text
        one, asked = client.get(f"/tools/{made['id']}"), client.get(f"/reviews/{question}")
        assert f'href="/reviews/{question}"' in one.text
        assert f'href="/tools/{made["id"]}"' in asked.text
        assert "clara began balance at" in asked.text
        assert "/procedures/None" not in asked.text


def test_a_stranger_sees_none(installation: Installation, call_id: str) -> None:
    with visiting(installation, Grant(Role.OWNER, "lending")) as client:
        listed, one = pages(client, call_id)
        assert (call_id in listed.text, one.status_code) == (False, 404)


def test_the_page_holds_with_many_calls(installation: Installation, call_id: str) -> None:
    now = datetime.now(UTC)
    with installation.database.begin() as tx:
        first = tools.page(tx, toolboxes=None, now=now)[0]
        assert str(first.id) == call_id
        assert tools.page(tx, toolboxes=None, now=now, before=first.id) == []
        assert tools.page(tx, toolboxes=None, now=now, before=uuid7(now + timedelta(days=1))) == [first]
