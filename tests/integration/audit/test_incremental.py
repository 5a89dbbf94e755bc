"""An incremental verification finds what changed since the last one, and checks that what it relies on still stands."""

from pathlib import Path

import pytest
from sqlalchemy import text
from tests.integration.audit.test_rows import UNGUARDED, undone, unguarded

from andon import audit
from andon.audit import Harm, Report, VerifiedInvalid
from andon.bootstrap.verifying import VERIFIED_FILE, last_verified, verify_log
from andon.bootstrap.vouched import ROWS, all_evidence
from andon.kernel.config import Settings
from andon.kernel.db import Database
from automations import payment
from calls import DECIDE, call
from lines import CALLER, Installation, install


@pytest.fixture
def line(database: Database, tmp_path: Path) -> Installation:
    return install(database, tmp_path)


def decide(line: Installation, *numbers: int) -> None:
    key = line.key(f"bank-{numbers[0]}", CALLER)
    for number in numbers:
        assert call(line, "POST", DECIDE, key, json=payment(number)).status_code == 200
    with line.database.begin() as tx:
        audit.seal(tx, line.clock.now())


def verified(line: Installation, folder: Path, *, incremental: bool = True) -> Report:
    with line.database.snapshot() as tx:
        return verify_log(tx, Settings(root=folder), incremental=incremental)


def changed(line: Installation, statement: str) -> None:
    with line.database.begin() as tx:
        tx.execute(text(UNGUARDED))
        assert tx.execute(text(statement)).rowcount


OLD, NEW = "(SELECT min(id::text)::uuid FROM decisions)", "(SELECT max(id::text)::uuid FROM decisions)"


CHANGES = (
    (f"UPDATE decisions SET outcome = 'pause' WHERE id = {NEW}", Harm.EVIDENCE_EDITED),
    (f"DELETE FROM decisions WHERE id = {NEW}", Harm.EVIDENCE_MISSING),
    ("UPDATE access_grants SET role = 'admin'", Harm.EVIDENCE_EDITED),
    ("UPDATE audit_entries SET actor = 'eve' WHERE action = 'model.register'", Harm.EDITED),
    ("DELETE FROM audit_checkpoints WHERE number = 2", Harm.CHECKPOINT_MISSING),
    ("UPDATE audit_checkpoints SET hash = sha256('x') WHERE number = 1", Harm.CHECKPOINT_EDITED),
    (f"DELETE FROM audit_entries WHERE writer = (SELECT writer FROM decisions WHERE id = {OLD})", Harm.MISSING),
    (
        f"UPDATE audit_entries SET hash = sha256('x') WHERE writer = (SELECT writer FROM decisions WHERE id = {OLD})",
        Harm.REPLACED,
    ),
)


def test_what_was_changed_is_found(line: Installation, tmp_path: Path) -> None:
    decide(line, 1, 2)
    first = verified(line, tmp_path)
    assert (first.ok, first.read == first.entries) == (True, True), first.findings
    decide(line, 3)
    unnoticed = []
    since = last_verified(Settings(root=tmp_path))
    with unguarded(line.database) as tx:
        for statement, harm in CHANGES:
            with undone(tx, statement) as changed:
                found = {one.harm for one in audit.verify(tx, evidence=all_evidence(), rows=ROWS, since=since).findings}
            if not changed or harm not in found:
                unnoticed.append((statement, found))
    assert unnoticed == []


def test_only_what_came_after_is_read_and_the_note_moves_on(line: Installation, tmp_path: Path) -> None:
    decide(line, *range(8))
    whole = verified(line, tmp_path)
    decide(line, 9)
    more = verified(line, tmp_path)
    assert more.ok, more.findings
    complete = verified(line, tmp_path, incremental=False)
    assert complete.entries == more.entries > more.read
    assert complete.verified == more.verified != whole.verified


def test_a_decision_put_in_among_the_old_ones_is_found(line: Installation, tmp_path: Path) -> None:
    decide(line, 1, 2)
    assert verified(line, tmp_path).ok
    changed(
        line,
        "INSERT INTO decisions SELECT r.* FROM (SELECT d FROM decisions AS d LIMIT 1) AS one, "
        'jsonb_populate_record(one.d, \'{"id": "0190aaaa-0000-7000-8000-000000000000"}\') AS r',
    )
    found = verified(line, tmp_path)
    assert [finding.harm for finding in found.findings] == [Harm.EVIDENCE_UNCLAIMED]


def test_a_note_that_was_altered_is_refused(line: Installation, tmp_path: Path) -> None:
    decide(line, 1)
    verified(line, tmp_path)
    file = Settings(root=tmp_path).data / VERIFIED_FILE
    file.write_text(file.read_text().replace('"checkpoint": 1', '"checkpoint": 2'))
    with pytest.raises(VerifiedInvalid, match="signature was not made by this installation"):
        verified(line, tmp_path)
    assert verified(line, tmp_path, incremental=False).ok
    assert verified(line, tmp_path).ok
