"""Attachments in the console: beside the decision on their mail, saved with a reason, by whoever may read them."""

from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text
from tests.auditing import audited, opened, review_of
from tests.integration.console.test_streams import post, visiting

from andon import attachments, audit
from andon.access import Grant, Role
from andon.attachments import AttachmentContent, AttachmentLimits, KeptMail
from andon.kernel.db import Database
from automations import payment
from calls import DECIDE, call
from lines import Installation, install

MAIL = sha256(b"mail").hexdigest()
PAGE = b"<script>alert(1)</script>"
DIGEST = sha256(PAGE).hexdigest()
NAME = "<b>übel.html"


@pytest.fixture
def installation(standing: None, database: Database, tmp_path: Path) -> Installation:
    return install(database, tmp_path, audited())


@pytest.fixture
def decision(installation: Installation) -> UUID:
    """Decide a mail with two attachments; one of another mail is stored too."""
    installation.deployment.refresh_controls()
    caller = installation.key("kai", Grant(Role.CALLER, "payments"))
    found = UUID(call(installation, "POST", DECIDE, caller, json=payment(1)).json()["id"])
    kept = [
        AttachmentContent(DIGEST, NAME, "text/html", PAGE),
        AttachmentContent(sha256(b"%PDF").hexdigest(), "letter.pdf", "application/pdf", b"%PDF"),
    ]
    other = AttachmentContent(sha256(b"other").hexdigest(), "other.pdf", "application/pdf", b"other")
    mail = "INSERT INTO mails (automation, mail, message_id, decision_id, folder) VALUES ('payments', :m, 'a', :d, 'I')"
    now = installation.clock.now()
    with installation.database.begin() as tx:
        tx.execute(text(mail), {"m": MAIL, "d": found})
        attachments.keep(
            tx, "payments", [KeptMail(MAIL, kept), KeptMail("0" * 64, [other])], limits=AttachmentLimits(), now=now
        )
    return found


def download(client: httpx.Client, page: str, *, digest: str = DIGEST, reason: str = "checking") -> httpx.Response:
    return post(client, page, f"/attachments/{digest}/download", reason=reason)


def test_a_reviewer_sees_what_hung_on_the_mail_of_a_decision(installation: Installation, decision: UUID) -> None:
    with visiting(installation, Grant(Role.REVIEWER, "payments")) as client:
        shown = client.get(f"/decisions/{decision}").text
        assert "&lt;b&gt;übel.html" in shown
        assert [DIGEST in shown, "text/html" in shown, "letter.pdf" in shown] == [True, True, True]
        assert "other.pdf" not in shown
        with installation.database.begin() as tx:
            kept = attachments.page(tx, mail=MAIL)[0].kept_at
        assert f"{kept + timedelta(days=90):%Y-%m-%d %H:%M:%S}" in shown
        assert 'href="/attachments"' in client.get("/decisions").text
        listed = client.get("/attachments").text
        assert f"/decisions/{decision}" in listed
        assert "other.pdf" in listed
        assert NAME not in listed


def test_whoever_reviews_the_decision_sees_them_even_where_the_decision_is_hidden(
    installation: Installation, decision: UUID
) -> None:
    opened(installation)
    page = f"/reviews/{review_of(installation.database, decision).id}"
    with visiting(installation, Grant(Role.REVIEWER, "payments")) as client:
        assert DIGEST in client.get(page).text
        assert post(client, page, f"{page}/claim").status_code == 303
        blind = client.get(f"/decisions/{decision}").text
        assert ("is hidden until your verdict" in blind, DIGEST in blind) == (True, True)


def test_a_download_is_a_file_that_no_browser_opens_and_stands_in_the_audit_log(
    installation: Installation, decision: UUID
) -> None:
    with visiting(installation, Grant(Role.REVIEWER, "payments")) as client:
        got = download(client, f"/decisions/{decision}", reason="a complaint")
    assert (got.status_code, got.content) == (200, PAGE)
    assert got.headers["content-type"] == "application/octet-stream"
    assert got.headers["content-disposition"].startswith("attachment;")
    assert got.headers["x-content-type-options"] == "nosniff"
    assert got.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert got.headers["x-frame-options"] == "DENY"
    with installation.database.begin() as tx:
        newest = audit.page(tx, limit=1)[0]
    assert (newest.leaf.action, newest.leaf.actor, newest.leaf.subject, newest.reason) == (
        "attachment.read",
        "somebody",
        f"attachment:{DIGEST}",
        "a complaint",
    )


def test_without_a_reason_or_with_a_forged_form_nothing_is_sent(installation: Installation, decision: UUID) -> None:
    with visiting(installation, Grant(Role.REVIEWER, "payments")) as client:
        assert download(client, "/attachments", reason=" ").status_code == 422
        forged = client.post(f"/attachments/{DIGEST}/download", data={"csrf": "none", "reason": "checking"})
        assert forged.status_code == 403
        assert download(client, "/attachments", digest="0" * 64).status_code == 404


def test_who_may_not_read_attachments_learns_of_none(installation: Installation, decision: UUID) -> None:
    with visiting(installation, Grant(Role.VIEWER, "payments")) as client:
        shown = client.get(f"/decisions/{decision}")
        assert (shown.status_code, DIGEST in shown.text) == (200, False)
        assert "/attachments" not in client.get("/decisions").text
        assert client.get("/attachments").status_code == 403
        assert download(client, "/streams").status_code == 403


def test_another_lines_attachments_do_not_exist(installation: Installation, decision: UUID) -> None:
    with visiting(installation, Grant(Role.OWNER, "lending")) as client:
        assert DIGEST not in client.get("/attachments").text
        assert download(client, "/endpoints").status_code == 404
