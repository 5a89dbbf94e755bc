"""`andon attachments`: what hung on mails, and one of them as a file, with the reason written down."""

import json
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from stat import S_IMODE

import pytest
from click.testing import Result
from typer.testing import CliRunner

from andon import attachments, audit
from andon.attachments import AttachmentContent, AttachmentLimits, KeptMail
from andon.cli import app
from andon.kernel.db import Database

NOW = datetime(2026, 12, 2, 9, tzinfo=UTC)
HOSTILE = "[bold]\x1b[31mrød.pdf"


@pytest.fixture(autouse=True)
def project(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "andon.toml").write_text('[project]\nname = "test"\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ANDON_DATABASE_URL", database.url)
    monkeypatch.setenv("COLUMNS", "200")


def andon(*arguments: str, status: int = 0) -> Result:
    result = CliRunner().invoke(app, ["attachments", *arguments])
    assert result.exit_code == status, result.output
    return result


def keep(database: Database, content: bytes, name: str, *, mail: str = "m1", after: int = 0) -> str:
    one = AttachmentContent(sha256(content).hexdigest(), name, "application/pdf", content)
    now = NOW + timedelta(minutes=after)
    with database.begin() as tx:
        attachments.keep(tx, "payments", [KeptMail(mail, [one])], limits=AttachmentLimits(), now=now)
    return one.sha256


def reads(database: Database) -> list[tuple[str, str | None]]:
    with database.begin() as tx:
        return [(entry.leaf.subject, entry.reason) for entry in audit.page(tx, limit=10)]


def test_what_was_kept_is_listed_newest_first(database: Database) -> None:
    assert "No attachment is stored" in andon("list").output
    assert json.loads(andon("list", "--json").stdout) == []
    old, new = keep(database, b"old", "old.pdf"), keep(database, b"new", "new.pdf", mail="m2", after=1)
    told = andon("list").output
    assert told.index(new) < told.index(old)
    listed = json.loads(andon("list", "--json").stdout)
    assert [one["name"] for one in listed] == ["new.pdf", "old.pdf"]
    assert listed[0] == {
        "sha256": new,
        "automation": "payments",
        "mail": "m2",
        "name": "new.pdf",
        "media_type": "application/pdf",
        "size": 3,
        "kept_at": "2026-12-02T09:01:00+00:00",
    }
    assert [one["name"] for one in json.loads(andon("list", "--mail", "m1", "--json").stdout)] == ["old.pdf"]
    assert [one["name"] for one in json.loads(andon("list", "--limit", "1", "--json").stdout)] == ["new.pdf"]


def test_a_digest_is_shown_whole_on_a_narrow_terminal(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    digest = keep(database, b"abc", "a-rather-long-name-of-a-letter-to-the-bank.pdf")
    assert digest in andon("list").output


def test_what_a_sender_calls_it_is_shown_as_it_is_and_controls_no_terminal(database: Database, tmp_path: Path) -> None:
    digest = keep(database, b"abc", HOSTILE)
    saved = andon("save", digest, str(tmp_path / "kept"), "--reason", "checking").output
    for told in (andon("list").output, saved):
        assert "[bold]" in told
        assert "\x1b" not in told


def test_one_is_saved_as_a_file_for_its_owner_alone_and_that_is_written_down(
    database: Database, tmp_path: Path
) -> None:
    digest = keep(database, b"%PDF", "letter.pdf")
    told = andon("save", digest, "kept.bin", "--reason", "a complaint").output
    assert "kept.bin: 4 bytes" in told
    assert "letter.pdf" in told
    assert (tmp_path / "kept.bin").read_bytes() == b"%PDF"
    assert S_IMODE((tmp_path / "kept.bin").stat().st_mode) == 0o600
    assert reads(database) == [(f"attachment:{digest}", "a complaint")]


def test_nothing_is_overwritten(database: Database, tmp_path: Path) -> None:
    digest = keep(database, b"%PDF", "letter.pdf")
    (tmp_path / "mine").write_text("mine")
    (tmp_path / "dangling").symlink_to(tmp_path / "elsewhere")
    for name in ("mine", "dangling"):
        assert "already exists" in andon("save", digest, name, "--reason", "checking", status=2).output
    assert (tmp_path / "mine").read_text() == "mine"
    assert not (tmp_path / "elsewhere").exists()
    assert reads(database) == []


def test_a_file_that_cannot_be_written_is_named_and_no_read_is_written_down(database: Database) -> None:
    digest = keep(database, b"%PDF", "letter.pdf")
    told = andon("save", digest, "missing/kept.bin", "--reason", "checking", status=2).output
    assert "missing/kept.bin" in told
    assert reads(database) == []


def test_an_unknown_digest_and_an_empty_reason_leave_no_file(database: Database, tmp_path: Path) -> None:
    digest = keep(database, b"%PDF", "letter.pdf")
    assert "There is no attachment" in andon("save", "0" * 64, "kept.bin", "--reason", "checking", status=4).output
    assert "reason" in andon("save", digest, "kept.bin", "--reason", " ", status=2).output
    assert not (tmp_path / "kept.bin").exists()
