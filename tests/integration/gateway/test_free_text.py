"""A line that reads mails: decided, recorded whole, explained by words, read by people, and nothing for strangers."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from tests.served import served

from andon import console, decisions, models, reviews
from andon.access import Grant, KeyRing, Role
from andon.bootstrap.explaining import explaining
from andon.kernel.config import Settings
from andon.kernel.db import Database
from andon.kernel.events import Events
from andon.models import ModelVersion, VersionHeld, open_package
from andon.serving import Hosting, load
from calls import call
from lines import ADMIN, PEPPER, Installation
from mail_line import a_mail_line, a_mail_package, install_mails

DECIDE = "/v1/automations/mails/decisions"
LOAN = {"sender": "ada@example.org", "subject": "About my loan", "body": "A question about my mortgage,\nand interest"}
CARD = {
    "sender": "bob@example.org",
    "body": "My card was stolen!\n<script>alert(1)</script>\n" + "please help me " * 300,
}


@pytest.fixture
def installation(database: Database, tmp_path: Path) -> Installation:
    return install_mails(database, tmp_path)


@pytest.fixture
def key(installation: Installation) -> str:
    return installation.key("desk", Grant(Role.CALLER, "mails"))


def test_a_mail_is_decided_and_recorded_as_it_was_sent(installation: Installation, key: str) -> None:
    answer = call(installation, "POST", DECIDE, key, json=LOAN)
    assert (answer.status_code, answer.json()["outcome"]) == (200, "loans")
    whole = call(installation, "GET", answer.headers["Location"], key).json()
    assert whole["input"] == LOAN
    assert whole["prediction"]["label"] == "loans"


def test_a_text_that_is_too_long_is_refused_with_its_field(installation: Installation, key: str) -> None:
    answer = call(installation, "POST", DECIDE, key, json={**LOAN, "body": "x" * 20_001})
    assert (answer.status_code, answer.json()["code"]) == (422, "InputInvalid")
    assert [error["field"] for error in answer.json()["errors"]] == ["input.body"]


def test_words_explain_a_decision_to_who_may_read_it(installation: Installation, key: str) -> None:
    location = call(installation, "POST", DECIDE, key, json=LOAN).headers["Location"]
    explained = call(installation, "GET", f"{location}/explanation?limit=3", key).json()
    assert (explained["label"], explained["model"], explained["model_version"]) == ("loans", "mails", 1)
    first, *others = explained["contributions"]
    assert len(others) == 2
    assert first["word"] in ("loan", "mortgage", "interest")
    assert first["weight"] > 0
    stranger = installation.key("stranger", Grant(Role.OWNER, "other"))
    assert call(installation, "GET", f"{location}/explanation", stranger).status_code == 404


@pytest.fixture
def visitor(installation: Installation) -> Iterator[httpx.Client]:
    explain = explaining(Settings(root=installation.folder), installation.database, lambda _: a_mail_line())
    app = console.create_app(
        Settings(), installation.database, installation.clock, KeyRing(PEPPER), Events(), explain=explain
    )
    token = installation.key("ada", ADMIN)
    with served(app) as address, httpx.Client(base_url=address, headers={"Origin": address}) as client:
        client.post("/sign-in", data={"key": token, "next": "/"})
        yield client


def test_the_reviewer_reads_the_text_and_the_decisions_page_shows_its_beginning(
    installation: Installation, key: str, visitor: httpx.Client
) -> None:
    decision_id = call(installation, "POST", DECIDE, key, json=CARD).json()["id"]
    with installation.database.begin() as tx:
        reviews.open_due(tx, now=datetime.now(UTC))
        review = reviews.of_decision(tx, decision_id)
    assert review is not None
    page = visitor.get(f"/reviews/{review.id}").text
    assert "My card was stolen!\n&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert page.count("please help me") == 300
    assert f"/decisions/{decision_id}/explanation" in page
    whole = visitor.get(f"/decisions/{decision_id}").text
    assert "<script>alert" not in whole
    assert f"… ({len(CARD['body']):,} characters)" in whole
    assert whole.count("please help me") < 150
    queue = visitor.get("/reviews").text
    assert queue.count("please help me") < 10
    why = visitor.get(f"/decisions/{decision_id}/explanation")
    assert why.status_code == 200
    assert "Why cards" in why.text
    assert ">Word</th>" in why.text
    assert ">stolen</td>" in why.text


def test_a_version_in_quarantine_is_not_loaded_to_explain(installation: Installation, key: str) -> None:
    decision_id = UUID(call(installation, "POST", DECIDE, key, json=LOAN).json()["id"])
    with installation.database.begin() as tx:
        version = models.get(tx, "mails", 1)
        models.hold_back(tx, version, "it ended its process", events=Events(), now=datetime.now(UTC))
        record = decisions.records_of(tx, [decision_id])[decision_id]
    explain = explaining(Settings(root=installation.folder), installation.database, lambda _: a_mail_line())
    with pytest.raises(VersionHeld, match="it ended its process"):
        explain(record)


def test_a_decision_that_is_not_there_has_no_explanation(visitor: httpx.Client) -> None:
    missing = visitor.get("/decisions/0199f000-0000-7000-8000-000000000000/explanation")
    assert missing.status_code == 404


def test_in_processes_of_its_own_a_model_of_texts_answers_alike(tmp_path: Path) -> None:
    package = a_mail_package(tmp_path / "package")
    manifest = open_package(package).manifest
    version = ModelVersion("mails", 1, manifest.digest, manifest, "owner", "a test", datetime.now(UTC))
    rows: list[dict[str, Any]] = [{"subject": None, **CARD}, LOAN, {"subject": None, "body": "😀 Über"}]

    async def apart() -> Any:
        loaded = load(version, package, Hosting(isolated=True, environments=tmp_path / "environments"))
        await loaded.start()
        try:
            return await loaded.predict_soon(rows, within=20)
        finally:
            await loaded.close()

    assert asyncio.run(apart()) == load(version, package).predict(rows)
