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


def found(database: Database) -> list[tuple[Harm, str | None]]:
    with database.snapshot() as tx:
        report = audit.verify(tx, evidence=all_evidence(), rows=ROWS)
    return [(one.harm, one.subject) for one in report.findings]


def test_positions_of_the_revision_before_are_adopted(database: Database) -> None:
    with database.begin() as tx:
        tx.execute(text("DROP SCHEMA public CASCADE"))
        tx.execute(text("CREATE SCHEMA public"))
    upgrading.upgrade(database, "0010")
    with database.begin() as tx:
        tx.exec_driver_sql(BEFORE)
    migrations.ensure(database)
    assert found(database) == []
    with database.begin() as tx:
        tx.execute(text("UPDATE stream_partitions SET position = 30, seek = NULL WHERE partition = '1'"))
    assert set(found(database)) == {(Harm.EVIDENCE_EDITED, "stream:payments/kafka:transfers/1")}
