"""`andon feed`: a file that holds each decision once whatever happens, who reads how far, and beginning anew."""

import json
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from click.testing import Result
from sqlalchemy import text
from typer.testing import CliRunner

from andon import audit
from andon.cli import app
from andon.decisions import Export, Feed, Start
from andon.kernel.db import Database
from feeding import AT, Writer, take


@pytest.fixture(autouse=True)
def project(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "andon.toml").write_text('[project]\nname = "test"\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ANDON_DATABASE_URL", database.url)
    with database.begin() as tx:
        tx.execute(
            text(
                "INSERT INTO automation_versions (name, number, digest, description, deployed_by, deployed_at) "
                "VALUES ('payments', 1, 'd', '{}', 'test', now())"
            )
        )


def andon(*arguments: str, status: int = 0) -> Result:
    result = CliRunner().invoke(app, ["feed", *arguments])
    assert result.exit_code == status, result.output
    return result


def export(*more: str, status: int = 0) -> str:
    return andon("export", "payments", "--to", "payments.ndjson", *more, status=status).output


def lines(file: Path = Path("payments.ndjson")) -> list[UUID]:
    return [UUID(json.loads(line)["id"]) for line in file.read_text().splitlines()]


def test_each_run_appends_what_the_file_does_not_hold_yet(database: Database) -> None:
    writer = Writer(database)
    ids = writer.record(3)
    writer.record(2, automation="credit")
    assert "3 decisions of payments appended" in export()
    assert lines() == ids
    ids += writer.record(2)
    assert "2 decisions of payments appended" in export()
    assert "0 decisions of payments appended" in export()
    assert lines() == ids


def test_a_line_is_the_record_with_its_latency(database: Database) -> None:
    Writer(database).record(1)
    export()
    [line] = Path("payments.ndjson").read_text().splitlines()
    told = json.loads(line)
    assert (told["input"], told["latency_us"]) == ({"amount": 10.5, "country": "DE"}, 1500)
    assert (told["policy"]["outcome"], told["prediction"]["score"]) == ("release", 0.25)


def test_what_an_export_wrote_that_was_killed_before_its_commit_is_cut_off(database: Database) -> None:
    writer = Writer(database)
    file = Path("payments.ndjson")
    killed = Export("export-payments", "payments", file, start=Start.BEGINNING)
    with database.begin() as tx:
        killed.begin(tx)
    ids = writer.record(2)
    for _ in range(2):
        with database.engine.connect() as tx, tx.begin() as transaction:
            assert killed.append(tx) == (2, 2)
            transaction.rollback()
        assert lines() == ids
        with file.open("ab") as torn:
            torn.write(b'{"half a li')
    assert "2 decisions" in export()
    assert lines() == ids


def test_a_file_of_others_is_left_alone_and_a_shorter_one_is_told(database: Database) -> None:
    Writer(database).record(2)
    file = Path("payments.ndjson")
    file.write_text("mine\n")
    assert "was not written by export-payments" in export(status=5)
    assert file.read_text() == "mine\n"
    file.unlink()
    export()
    Writer(database).record(1)
    assert "name another consumer" in andon("export", "payments", "--to", "other.ndjson", status=5).output
    file.write_text("")
    assert "reset the consumer" in export(status=5)
    andon("reset", "export-payments", "--reason", "the file was lost")
    assert "3 decisions" in export()
    assert len(lines()) == 3


def test_an_export_begins_where_it_is_told(database: Database) -> None:
    writer = Writer(database)
    writer.record(1, at=AT - timedelta(hours=1))
    later = writer.record(1)
    assert "0 decisions" in export("--start", "now")
    named = ("--to", "later.ndjson", "--consumer", "later", "--start", AT.isoformat())
    assert "1 decision of" in andon("export", "payments", *named).output
    assert lines(Path("later.ndjson")) == later
    assert "is not a moment" in export("--start", "soon", status=2)
    assert "was ever deployed" in andon("export", "unknown", "--to", "x.ndjson", status=4).output


def test_who_reads_how_far_is_shown(database: Database) -> None:
    assert "The feed has no consumers yet" in andon("list").output
    writer = Writer(database)
    writer.record(2)
    take(database, Feed("monitor"))
    writer.record(3)
    assert "monitor" in andon("list").output
    [shown] = json.loads(andon("list", "--json").stdout)
    assert (shown["consumer"], shown["read"], shown["waiting"]) == ("monitor", 2, 3)
    assert shown["oldest_waiting_at"] == AT.isoformat()


def test_a_consumer_that_is_reset_reads_from_there_and_the_audit_log_says_who_did_it(database: Database) -> None:
    ids = Writer(database).record(2)
    feed = Feed("monitor")
    assert take(database, feed) == ids
    andon("reset", "monitor", "--start", "now", "--reason", "test")
    assert take(database, feed) == []
    andon("reset", "monitor", "--start", "beginning", "--reason", "test")
    assert take(database, feed) == ids
    andon("reset", "monitor", "--reason", "it is gone")
    assert "The feed has no consumers yet" in andon("list").output
    assert take(database, feed) == ids
    with database.begin() as tx:
        entries = audit.page(tx, subject="feed:monitor")
    assert [(one.leaf.action, one.reason) for one in entries] == [
        ("feed.reset", reason) for reason in ("it is gone", "test", "test")
    ]
    assert "No consumer" in andon("reset", "nobody", "--reason", "test", status=4).output
