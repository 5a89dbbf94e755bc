"""The database refuses to change or delete what stands in the log, whoever asks."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from tests.integration.audit.logbook import a_sealed_log, verified

from andon.kernel.db import Database

TABLES = {"audit_entries": "at", "audit_checkpoints": "at", "audit_heads": "hash"}


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize(
    "statement", ["UPDATE {table} SET {column} = {column}", "DELETE FROM {table}", "TRUNCATE {table}"]
)
def test_nothing_can_be_changed_or_deleted(database: Database, table: str, statement: str) -> None:
    a_sealed_log(database)
    verb = statement.split()[0]
    with (
        pytest.raises(ProgrammingError, match=f"{verb} on {table} refused: the audit log is append-only"),
        database.begin() as tx,
    ):
        tx.execute(text(statement.format(table=table, column=TABLES[table])))
    assert verified(database).ok


def test_triggers_fire_for_replication_too(database: Database) -> None:
    always = text(
        "SELECT tgrelid::regclass::text, tgenabled FROM pg_trigger "
        "WHERE NOT tgisinternal AND tgrelid::regclass::text LIKE 'audit_%'"
    )
    with database.begin() as tx:
        triggers = tx.execute(always).all()
    assert {"audit_entries", "audit_checkpoints"} <= {table for table, _ in triggers}
    assert {str(enabled) for _, enabled in triggers} == {"A"}


def test_the_noted_ends_cannot_be_deleted(database: Database) -> None:
    with pytest.raises(ProgrammingError, match="append-only"), database.begin() as tx:
        tx.execute(text("DELETE FROM audit_tips"))
