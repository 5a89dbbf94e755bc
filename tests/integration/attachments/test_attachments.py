"""Attachments are kept once, within limits and for a time; whoever reads one is written down."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from andon import attachments, audit
from andon.access import Grant, Role
from andon.attachments import AttachmentContent, AttachmentLimits, AttachmentNotFound, KeptMail
from andon.kernel.db import Database
from andon.kernel.identity import Actor
from calls import call
from lines import Installation, install

NOW = datetime(2026, 12, 2, 9, tzinfo=UTC)
ROOMY = AttachmentLimits()


def one(content: bytes, name: str = "letter.pdf") -> AttachmentContent:
    return AttachmentContent(sha256(content).hexdigest(), name, "application/pdf", content)


def keep(
    database: Database,
    *contents: AttachmentContent,
    mail: str = "m1",
    automation: str = "payments",
    limits: AttachmentLimits = ROOMY,
    now: datetime = NOW,
) -> set[tuple[str, str]]:
    with database.begin() as tx:
        return attachments.keep(tx, automation, [KeptMail(mail, contents)], limits=limits, now=now)


def names(database: Database) -> Sequence[str]:
    with database.begin() as tx:
        return [found.name for found in attachments.page(tx)]


def test_a_content_is_kept_once_under_each_name(database: Database) -> None:
    assert keep(database, one(b"abc"), one(b"abc", "copy.pdf")) == {("m1", one(b"abc").sha256)}
    keep(database, one(b"abc"), mail="m2")
    with database.begin() as tx:
        assert attachments.count(tx) == (3, 3)


@pytest.mark.parametrize(
    ("limits", "kept"),
    [
        (AttachmentLimits(max_number=1), ["a"]),
        (AttachmentLimits(max_bytes=5), ["a", "c"]),
        (AttachmentLimits(max_total_bytes=2), ["a"]),
    ],
)
def test_what_exceeds_a_limit_is_not_kept(database: Database, limits: AttachmentLimits, kept: Sequence[str]) -> None:
    found = keep(database, one(b"aa", "a"), one(b"bbbb", "b"), one(b"ccc", "c"), limits=limits)
    assert sorted(names(database)) == kept
    assert len(found) == len(kept)


def test_after_its_time_it_is_deleted_unless_another_mail_needs_it(database: Database) -> None:
    keep(database, one(b"old"), one(b"shared"))
    keep(database, one(b"shared", "still.pdf"), mail="m2", now=NOW + timedelta(days=1))
    with database.begin() as tx:
        assert attachments.forget(tx, NOW + timedelta(hours=1)) is False
        assert attachments.count(tx) == (1, len(b"shared"))
    assert names(database) == ["still.pdf"]


def test_a_content_cannot_be_changed(database: Database) -> None:
    keep(database, one(b"abc"))
    with pytest.raises(IntegrityError, match="cannot be changed"), database.begin() as tx:
        tx.execute(text("UPDATE attachment_contents SET content = 'xyz'"))


def test_whoever_reads_one_is_in_the_audit_log_with_the_reason(database: Database) -> None:
    keep(database, one(b"abc"))
    with database.begin() as tx:
        found, content = attachments.read(tx, one(b"abc").sha256, actor=Actor("vera"), reason="checking", now=NOW)
        assert (found.name, content) == ("letter.pdf", b"abc")
        [entry] = audit.page(tx, limit=10)
        assert (entry.leaf.action, entry.leaf.actor, entry.reason) == ("attachment.read", "vera", "checking")
        with pytest.raises(AttachmentNotFound):
            attachments.read(tx, "0" * 64, actor=Actor("vera"), reason="checking", now=NOW)


def test_the_api_gives_a_file_to_who_may_and_nothing_to_the_stranger(database: Database, tmp_path: Path) -> None:
    installation: Installation = install(database, tmp_path)
    page = one(b"<script>alert(1)</script>", "übel.html")
    keep(database, page)
    path, why = f"/v1/attachments/{page.sha256}/download", {"reason": "checking"}
    reviewer = installation.key("rita", Grant(Role.REVIEWER, "payments"))
    viewer = installation.key("vera", Grant(Role.VIEWER, "payments"))
    stranger = installation.key("stan", Grant(Role.OWNER, "lending"))
    assert [found["name"] for found in call(installation, "GET", "/v1/attachments", reviewer).json()] == ["übel.html"]
    got = call(installation, "POST", path, reviewer, json=why)
    assert (got.status_code, got.content) == (200, b"<script>alert(1)</script>")
    assert got.headers["content-type"] == "application/octet-stream"
    assert got.headers["content-disposition"].startswith("attachment;")
    assert got.headers["x-content-type-options"] == "nosniff"
    for other in (viewer, stranger):
        assert call(installation, "GET", "/v1/attachments", other).json() == []
        assert call(installation, "POST", path, other, json=why).status_code == 404
