"""Evidence of scripts: put on record before a commit, never changed, pictures forgotten, seen by who may see inputs."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from tests.served import served
from typer.testing import CliRunner

from andon import actions, console
from andon.access import Grant, KeyRing, Role
from andon.actions import DatabaseEvidence, EvidenceNotFound, EvidenceStep
from andon.actions.chores import chores
from andon.cli import app
from andon.kernel import outbox
from andon.kernel.config import Settings
from andon.kernel.db import Database
from andon.kernel.events import Events
from andon.kernel.ids import uuid7
from lines import PEPPER, install
from messages import an_action, bury

NOW = datetime.now(UTC)
PICTURE = b"\xff\xd8 a picture"


def a_step(action_id: UUID, *, commit: bool = False, look: bool = False, at: datetime = NOW) -> EvidenceStep:
    return EvidenceStep(uuid7(at), action_id, "payments", uuid7(at), look, 1, "click #ok", commit, at)


def kept(database: Database, *steps: EvidenceStep) -> None:
    async def keep() -> None:
        for step in steps:
            await DatabaseEvidence(database).keep(step.ended(NOW, "done", "", digest="d" * 64, picture=PICTURE))

    asyncio.run(keep())


@pytest.fixture
def message(database: Database) -> outbox.Message:
    made = an_action(NOW)
    bury(database, [made], at=NOW)
    return made


def test_a_commit_is_on_record_before_it_ends_and_a_look_is_none(database: Database, message: outbox.Message) -> None:
    evidence, step = DatabaseEvidence(database), a_step(message.id, commit=True)

    async def run() -> list[datetime | None]:
        await evidence.keep(a_step(message.id, commit=True, look=True).ended(NOW, "done", ""))
        before = await evidence.committed_at(message.id)
        await evidence.begin(step)
        return [before, await evidence.committed_at(message.id)]

    assert asyncio.run(run()) == [None, NOW]
    kept(database, step)
    with database.begin() as tx:
        [ended] = [one for one in actions.evidence_of(tx, message.id) if not one.look]
    assert (ended.outcome, ended.commit) == ("done", True)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE action_evidence SET what = 'nothing'",
        "UPDATE action_evidence SET picture = 'x'",
        "DELETE FROM action_evidence",
    ],
)
def test_what_was_kept_is_never_changed(database: Database, message: outbox.Message, change: str) -> None:
    kept(database, a_step(message.id))
    with pytest.raises(DBAPIError, match="never changed or deleted"), database.begin() as tx:
        tx.execute(text(change))


def test_pictures_are_forgotten_and_their_digests_stay(database: Database, message: outbox.Message) -> None:
    old, new = a_step(message.id, at=NOW - timedelta(days=91)), a_step(message.id)
    kept(database, old, new)
    [chore] = chores(pictures_kept=timedelta(days=90))
    with database.begin() as tx:
        assert chore.work(tx, NOW) is False
        assert actions.picture_of(tx, message.id, new.id) == PICTURE
        with pytest.raises(EvidenceNotFound):
            actions.picture_of(tx, message.id, old.id)
        assert all(step.picture_digest for step in actions.evidence_of(tx, message.id))


def test_one_at_a_time_acts_for_an_account_whichever_process_it_is_in(database: Database) -> None:
    acting, most = 0, 0

    async def act(account: str) -> None:
        nonlocal acting, most
        async with DatabaseEvidence(database).hold(account):
            acting += 1
            most = max(most, acting)
            await asyncio.sleep(0.05)
            acting -= 1

    async def run(*accounts: str) -> None:
        await asyncio.gather(*map(act, accounts))

    asyncio.run(run("cards/a", "cards/a", "cards/a"))
    assert most == 1
    asyncio.run(run("cards/a", "cards/b"))
    assert most == 2


def test_the_command_line_lists_steps_and_saves_pictures(
    database: Database, message: outbox.Message, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "andon.toml").write_text('[project]\nname = "test"\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ANDON_DATABASE_URL", database.url)

    def andon(*arguments: str) -> str:
        done = CliRunner().invoke(app, ["evidence", *arguments])
        assert done.exit_code == 0, done.output
        return done.output

    assert "no script ran" in andon("list", str(message.id))
    kept(database, a_step(message.id, commit=True))
    assert "(commit)" in andon("list", str(message.id))
    [listed] = json.loads(andon("list", str(message.id), "--json"))
    assert (listed["outcome"], listed["page_sha256"]) == ("done", "d" * 64)
    assert "1 pictures of 1 steps" in andon("save", str(message.id), str(tmp_path / "shots"))
    assert (tmp_path / "shots" / "001-step-1.jpg").read_bytes() == PICTURE


def test_the_console_shows_pictures_to_who_may_see_inputs(standing: None, database: Database, tmp_path: Path) -> None:
    installation = install(database, tmp_path)
    message = an_action(NOW)
    bury(database, [message], at=NOW)
    step = a_step(message.id)
    kept(database, step)
    page, picture = f"/actions/{message.id}", f"/actions/{message.id}/evidence/{step.id}.jpg"
    pages = console.create_app(Settings(), installation.database, installation.clock, KeyRing(PEPPER), Events())
    seen = {}
    for name, automation in (("vera", "payments"), ("stan", "lending")):
        key = installation.key(name, Grant(Role.VIEWER, automation))
        with served(pages) as address, httpx.Client(base_url=address, headers={"Origin": address}) as client:
            client.post("/sign-in", data={"key": key, "next": "/"})
            seen[name] = client.get(page), client.get(picture)
    shown, image = seen["vera"]
    assert picture in shown.text
    assert (image.content, image.headers["content-type"]) == (PICTURE, "image/jpeg")
    assert image.headers["x-content-type-options"] == "nosniff"
    assert [answer.status_code for answer in seen["stan"]] == [404, 404]
