"""The audit log over HTTP, decisions included: read by pages, sealed, verified against the ledger."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from tests.integration.audit.logbook import NOON

from andon import audit
from andon.access import Grant, Role
from andon.audit.store import verifications as verification_store
from andon.bootstrap.vouched import ROWS, all_evidence
from andon.kernel.db import Database, Tx
from automations import payment
from calls import DECIDE, call
from lines import ADMIN, CALLER, Installation, install

AUDITOR = Grant(Role.AUDITOR)


@pytest.fixture
def installation(standing: None, database: Database, tmp_path: Path) -> Installation:
    return install(database, tmp_path)


def decided(installation: Installation, n: int) -> list[str]:
    bank = installation.key("bank", CALLER)
    return [call(installation, "POST", DECIDE, bank, json=payment(number)).json()["id"] for number in range(n)]


def verified(installation: Installation, key: str, wanted: dict[str, Any]) -> dict[str, Any]:
    """Have a worker verify the log, and return the report."""
    asked = call(installation, "POST", "/v1/audit/verify", key, json=wanted)
    assert asked.status_code == 202
    operation = asked.headers["Location"]
    waits = call(installation, "GET", operation, key)
    assert (waits.status_code, waits.json()["status"]) == (202, "pending")
    assert a_verifier(installation).run_round()
    done = call(installation, "GET", operation, key)
    assert (done.status_code, done.json()["status"]) == (200, "done")
    report: dict[str, Any] = done.json()["report"]
    assert done.json()["entries_read"] == report["entries"] > 0
    return report


def a_verifier(installation: Installation) -> audit.Verifier:
    def verify(tx: Tx, anchor: bytes | None, progress: Callable[[int], None]) -> audit.Report:
        return audit.verify(tx, evidence=all_evidence(), rows=ROWS, anchor=anchor, progress=progress)

    return audit.Verifier(installation.database, installation.clock, verify)


def test_entries_are_read_by_pages_and_filters(installation: Installation) -> None:
    auditor = installation.key("aud", AUDITOR)
    whole = call(installation, "GET", "/v1/audit/entries", auditor).json()
    assert whole["next"] is None
    assert whole["entries"][0]["subject"].startswith("key:")
    walked, query = [], "limit=1"
    while True:
        page = call(installation, "GET", f"/v1/audit/entries?{query}", auditor).json()
        walked += page["entries"]
        if page["next"] is None:
            break
        query = f"limit=1&before={page['next']}"
    assert walked == whole["entries"]
    models = call(installation, "GET", "/v1/audit/entries?action=model.&actor=owner", auditor).json()["entries"]
    assert models
    assert {entry["action"].split(".")[0] for entry in models} == {"model"}
    refused = call(installation, "GET", "/v1/audit/entries?actor=%00", auditor)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "query.actor")
    assert call(installation, "GET", "/v1/audit/entries?before=1", auditor).status_code == 422


def test_a_sound_ledger_verifies_and_meets_its_anchor(installation: Installation) -> None:
    decided(installation, 2)
    with installation.database.begin() as tx:
        audit.seal(tx, NOON)
    auditor = installation.key("aud", AUDITOR)
    head = call(installation, "GET", "/v1/audit/head", auditor).json()
    report = verified(installation, auditor, {"anchor": head["checkpoint"]["hash"]})
    assert (report["ok"], report["findings"], report["head"]) == (True, [], head["checkpoint"])
    assert report["unsealed"] == head["unsealed"] == 1


@pytest.mark.parametrize(
    ("statement", "harm"),
    [
        ("UPDATE decisions SET outcome = outcome || '!' WHERE id = :id", "evidence edited"),
        ("DELETE FROM decisions WHERE id = :id", "evidence missing"),
    ],
)
def test_a_decision_altered_behind_the_log_is_named(installation: Installation, statement: str, harm: str) -> None:
    victim = decided(installation, 3)[1]
    with installation.database.begin() as tx:
        tx.execute(text("ALTER TABLE decisions DISABLE TRIGGER ALL"))
        tx.execute(text(statement), {"id": victim})
    report = verified(installation, installation.key("aud", AUDITOR), {})
    assert not report["ok"]
    named = {(f["harm"], f["subject"]) for f in report["findings"] if f["subject"].startswith("decision:")}
    assert named == {(harm, f"decision:{victim}")}


@pytest.mark.parametrize("role", Role)
def test_who_may_read_and_who_may_verify(installation: Installation, role: Role) -> None:
    key, local = installation.key("sam", Grant(role)), installation.key("lena", Grant(role, "payments"))
    reads, verifies = role in (Role.OWNER, Role.AUDITOR, Role.ADMIN), role in (Role.AUDITOR, Role.ADMIN)
    for path in ("/v1/audit/entries", "/v1/audit/head"):
        assert call(installation, "GET", path, key).status_code == (200 if reads else 403)
        assert call(installation, "GET", path, local).status_code == 403
    assert call(installation, "POST", "/v1/audit/verify", key, json={}).status_code == (202 if verifies else 403)
    unknown = f"/v1/audit/verifications/{UUID(int=1)}"
    assert call(installation, "GET", unknown, key).status_code == (404 if verifies else 403)


def test_an_anchor_that_is_none_is_refused(installation: Installation) -> None:
    refused = call(installation, "POST", "/v1/audit/verify", installation.key("ada", ADMIN), json={"anchor": "abc"})
    assert (refused.status_code, refused.json()["code"]) == (422, "AnchorInvalid")


def test_who_asks_again_before_it_is_done_gets_the_same_verification(installation: Installation) -> None:
    key = installation.key("aud", AUDITOR)
    asked = [call(installation, "POST", "/v1/audit/verify", key, json={}).json()["id"] for _ in range(3)]
    assert len(set(asked)) == 1
    verifier = a_verifier(installation)
    assert [verifier.run_round() for _ in range(2)] == [True, False]
    assert call(installation, "POST", "/v1/audit/verify", key, json={}).json()["id"] != asked[0]


def test_a_verification_is_tried_again_by_another_worker_and_given_up_after_three_deaths(
    installation: Installation,
) -> None:
    key = installation.key("aud", AUDITOR)
    operation = call(installation, "POST", "/v1/audit/verify", key, json={}).headers["Location"]
    now = installation.clock.now()
    for _ in range(3):  # a worker took it, and ended
        with installation.database.begin() as tx:
            assert verification_store.claim(tx, now, now - timedelta(seconds=1)) is not None
    assert call(installation, "GET", operation, key).json()["status"] == "running"
    assert a_verifier(installation).run_round()
    failed = call(installation, "GET", operation, key)
    assert (failed.status_code, failed.json()["status"], failed.json()["report"]) == (200, "failed", None)
    assert failed.json()["error"].startswith("the worker ended 3 times")
