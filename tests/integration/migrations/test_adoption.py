"""What stood before entries vouched for it is adopted by the upgrade, so that changes afterwards are named."""

from sqlalchemy import text

from andon import audit, migrations
from andon.audit import Harm
from andon.bootstrap.vouched import ROWS, all_evidence
from andon.kernel.db import Database
from andon.migrations import upgrading

BEFORE = """
INSERT INTO streams (automation, stream) VALUES ('payments', 'kafka:transfers');
INSERT INTO stream_partitions (automation, stream, partition, position, paused, seek) VALUES
    ('payments', 'kafka:transfers', '0', 9223372036854775806, false, NULL),
    ('payments', 'kafka:transfers', '1', 20, false, 'end'),
    ('payments', 'kafka:transfers', '(done)', 0, false, NULL);
"""

DELIVERED_BEFORE = """
INSERT INTO outbox (id, topic, scope, subject, payload, correlation_id, created_at, due_at, state, settled_at)
SELECT id::uuid, 'action.deliver', 'payments', gen_random_uuid(), '{"decision": {}}', 'c', now(), now(), state, now()
FROM (VALUES ('0190cccc-0000-7000-8000-000000000000', 'done'), ('0190cccc-0000-7000-8000-000000000001', 'dead'))
    AS m(id, state);
INSERT INTO delivery_attempts (id, message_id, number, began_at) SELECT id, id, 1, now() FROM outbox;
INSERT INTO delivery_answers (attempt_id, ended_at, kind, detail)
SELECT id, now(), CASE state WHEN 'done' THEN 'delivered' ELSE 'refused' END, '' FROM outbox;
"""


def found(database: Database) -> list[tuple[Harm, str | None]]:
    with database.snapshot() as tx:
        report = audit.verify(tx, evidence=all_evidence(), rows=ROWS)
    return [(one.harm, one.subject) for one in report.findings]


def upgrade_from(database: Database, before: str) -> None:
    """Make the database anew as the revision before leaves it, and upgrade it."""
    with database.begin() as tx:
        tx.execute(text("DROP SCHEMA public CASCADE"))
        tx.execute(text("CREATE SCHEMA public"))
    upgrading.upgrade(database, "0010")
    with database.begin() as tx:
        tx.exec_driver_sql(before)
    migrations.ensure(database)


def test_positions_of_the_revision_before_are_adopted(database: Database) -> None:
    upgrade_from(database, BEFORE)
    assert found(database) == []
    with database.begin() as tx:
        tx.execute(text("UPDATE stream_partitions SET position = 30, seek = NULL WHERE partition = '1'"))
    assert set(found(database)) == {(Harm.EVIDENCE_EDITED, "stream:payments/kafka:transfers/1")}


def test_answers_and_deliveries_of_the_revision_before_are_adopted(database: Database) -> None:
    upgrade_from(database, DELIVERED_BEFORE)
    assert found(database) == []
    with database.begin() as tx:
        tx.execute(text("DELETE FROM delivery_answers WHERE kind = 'refused'"))
    assert found(database) == [(Harm.EVIDENCE_MISSING, "answers")]
    with database.begin() as tx:
        tx.execute(
            text(
                "INSERT INTO delivery_answers (attempt_id, ended_at, kind, detail) "
                "SELECT id, now(), 'refused', '' FROM outbox WHERE state = 'dead'"
            )
        )
    dead = "action:0190cccc-0000-7000-8000-000000000001"
    assert set(found(database)) == {(Harm.EVIDENCE_UNCLAIMED, dead), (Harm.EVIDENCE_MISSING, "answers")}
