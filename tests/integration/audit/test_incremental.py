"""A verification that goes on where the last one ended finds what was changed since, and that what it relies on still stands."""

from pathlib import Path

import pytest
from sqlalchemy import text
from tests.integration.audit.test_rows import UNGUARDED

from andon import audit
from andon.audit import Harm, Report, VerifiedInvalid
from andon.bootstrap.verifying import VERIFIED_FILE, verify_log
from andon.kernel.config import Settings
from automations import payment
from calls import DECIDE, call
from lines import CALLER, Installation


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


@pytest.mark.parametrize(
    ("statement", "harm"),
    [
        (f"UPDATE decisions SET outcome = 'pause' WHERE id = {NEW}", Harm.EVIDENCE_EDITED),
        (f"DELETE FROM decisions WHERE id = {NEW}", Harm.EVIDENCE_MISSING),
        ("UPDATE access_grants SET role = 'admin'", Harm.EVIDENCE_EDITED),
        ("UPDATE audit_entries SET actor = 'eve' WHERE action = 'model.register'", Harm.EDITED),
        ("DELETE FROM audit_checkpoints WHERE number = 2", Harm.CHECKPOINT_MISSING),
        ("UPDATE audit_checkpoints SET hash = sha256('x') WHERE number = 1", Harm.CHECKPOINT_EDITED),
        ("DELETE FROM audit_entries WHERE action = 'decisions.record' AND seq < 3", Harm.MISSING),
        ("UPDATE audit_entries SET hash = sha256('x') WHERE action = 'decisions.record' AND seq = 2", Harm.REPLACED),
    ],
)
def test_what_was_changed_is_found(installation: Installation, tmp_path: Path, statement: str, harm: Harm) -> None:
    decide(installation, 1, 2)
    first = verified(installation, tmp_path)
    assert (first.ok, first.read == first.entries) == (True, True), first.findings
    decide(installation, 3)
    changed(installation, statement)
    found = verified(installation, tmp_path)
    assert harm in {finding.harm for finding in found.findings}


def test_only_what_came_after_is_read_and_the_note_moves_on(installation: Installation, tmp_path: Path) -> None:
    decide(installation, *range(8))
    whole = verified(installation, tmp_path)
    decide(installation, 9)
    more = verified(installation, tmp_path)
    assert more.ok, more.findings
    complete = verified(installation, tmp_path, incremental=False)
    assert complete.entries == more.entries > more.read
    assert complete.verified == more.verified != whole.verified


def test_a_decision_put_in_among_the_old_ones_is_found(installation: Installation, tmp_path: Path) -> None:
    decide(installation, 1, 2)
    assert verified(installation, tmp_path).ok
    changed(
        installation,
        "INSERT INTO decisions SELECT r.* FROM (SELECT d FROM decisions AS d LIMIT 1) AS one, "
        "jsonb_populate_record(one.d, '{\"id\": \"0190aaaa-0000-7000-8000-000000000000\"}') AS r",
    )
    found = verified(installation, tmp_path)
    assert [finding.harm for finding in found.findings] == [Harm.EVIDENCE_UNCLAIMED]


def test_a_note_that_was_altered_is_refused(installation: Installation, tmp_path: Path) -> None:
    decide(installation, 1)
    verified(installation, tmp_path)
    file = Settings(root=tmp_path).data / VERIFIED_FILE
    file.write_text(file.read_text().replace('"checkpoint": 1', '"checkpoint": 2'))
    with pytest.raises(VerifiedInvalid, match="signature is not the one"):
        verified(installation, tmp_path)
    assert verified(installation, tmp_path, incremental=False).ok
    assert verified(installation, tmp_path).ok
