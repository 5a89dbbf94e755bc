"""What a process loads is refused where it is not as the audit log says."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from tests.integration.audit.test_rows import UNGUARDED

from andon import alerts, audit, serving
from andon.access import KeyRing, Unauthenticated
from andon.alerts import AlertSelection
from andon.bootstrap.standing import chores
from andon.cord import ALL_SUPERVISED
from andon.kernel.db import Database
from andon.kernel.events import Events
from lines import ADMIN, CALLER, OWNER, PEPPER, Installation, install


@pytest.fixture
def line(database: Database, tmp_path: Path) -> Installation:
    return install(database, tmp_path)


def change(database: Database, *statements: str) -> None:
    """As a superuser of the database would."""
    with database.begin() as tx:
        tx.execute(text(UNGUARDED))
        for statement in statements:
            tx.execute(text(statement))


def ring_of(line: Installation) -> KeyRing:
    ring = KeyRing(PEPPER)
    with line.database.begin() as tx:
        ring.refresh(tx, line.clock.now())
    return ring


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE access_grants SET role = 'admin' WHERE role = 'caller'",
        "UPDATE access_keys SET expires_at = now() + interval '1 year' WHERE name = 'bank'",
        "DELETE FROM audit_rows WHERE name LIKE 'key:%'",
        "UPDATE audit_entries SET actor = 'eve' WHERE action = 'key.create'",
    ],
)
def test_a_key_that_was_changed_in_the_database_opens_nothing(line: Installation, statement: str) -> None:
    bank = line.key("bank", CALLER)
    assert ring_of(line).authenticate(bank, line.clock.now()).name == "bank"
    change(line.database, statement)
    with pytest.raises(Unauthenticated):
        ring_of(line).authenticate(bank, line.clock.now())


def test_a_revoked_key_stays_closed_though_its_row_and_its_note_are_set_back(line: Installation) -> None:
    from andon import access

    line.key("admin", ADMIN)
    bank = line.key("bank", CALLER)
    with line.database.begin() as tx:
        key = access.find_key(tx, "bank")
        (before,) = tx.execute(
            text("SELECT seq FROM audit_rows WHERE name = :n"), {"n": f"key:{key.principal.id}"}
        ).one()
        access.revoke_key(tx, key.principal.id, actor=OWNER, reason="gone", events=Events(), now=line.clock.now())
    change(
        line.database,
        "UPDATE access_keys SET revoked_at = NULL, revoked_by = NULL WHERE name = 'bank'",
        f"UPDATE audit_rows SET seq = {before} WHERE name = 'key:{key.principal.id}'",
    )
    with pytest.raises(Unauthenticated):
        ring_of(line).authenticate(bank, line.clock.now())


def test_a_moved_alias_and_a_changed_split_keep_a_line_from_being_built(line: Installation, tmp_path: Path) -> None:
    by = {"actor": OWNER, "reason": "test", "events": Events(), "now": line.clock.now()}
    with line.database.begin() as tx:
        serving.set_split(tx, "payments", "fraud-risk", shares={serving.Candidate(1): 50.0}, shadows=(), **by)
    change(line.database, "UPDATE traffic_splits SET places = '{\"1\": [[0, 10000]]}'")
    with pytest.raises(audit.RowsDoubted, match="The split of payments is refused: it differs from entry"):
        install(line.database, tmp_path)
    change(line.database, "UPDATE model_aliases SET set_by = 'eve'")
    with pytest.raises(audit.RowsDoubted, match="The alias champion of model fraud-risk is refused"):
        install(line.database, tmp_path)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE gate_revisions SET threshold = 0.25",
        "UPDATE gate_revisions SET threshold = 0.25; UPDATE audit_rows SET seq = 1 WHERE name LIKE 'gate:%'",
        "INSERT INTO line_states VALUES ('payments', 1, '{}', 'stopped', 'automatic', 'eve', 'x', now())",
    ],
)
def test_a_line_whose_gate_or_state_was_changed_is_supervised(line: Installation, statement: str) -> None:
    line.deployment.refresh_controls()
    assert line.deployment.controls.of("payments").states != ALL_SUPERVISED
    change(line.database, *statement.split("; "))
    line.deployment.refresh_controls()
    assert line.deployment.controls.of("payments").states == ALL_SUPERVISED


def test_the_operator_is_told_of_a_row_that_was_changed(line: Installation) -> None:
    line.key("bank", CALLER)
    change(line.database, "UPDATE access_grants SET role = 'admin'")
    (chore,) = chores(Events())
    with line.database.begin() as tx:
        chore.work(tx, line.clock.now())
        (alert,) = alerts.page(tx, AlertSelection())
    assert (alert.automation, alert.monitor, alert.level) == ("payments", "altered-rows", "critical")
    assert "key:" in alert.series
    assert chore.interval <= timedelta(minutes=1)
