"""Decisions from before the feed are in it, once the database has the present schema."""

from alembic import command
from sqlalchemy import text

from andon import migrations
from andon.decisions import Feed
from andon.kernel.db import Database
from andon.migrations import upgrading
from feeding import Writer


def test_what_was_decided_before_the_upgrade_is_read_from_the_beginning(database: Database) -> None:
    with database.begin() as tx:
        tx.execute(text("DROP SCHEMA public CASCADE"))
        tx.execute(text("CREATE SCHEMA public"))
        config = upgrading._config()
        config.attributes["connection"] = tx
        command.upgrade(config, "0005")
    writer = Writer(database)
    before = writer.record(3) + writer.record(2)
    migrations.ensure(database)
    after = writer.record(1)
    with database.begin() as tx:
        taken = Feed("monitor").take(tx)
    assert [item.id for item in taken.items] == before + after
    assert [item.read().policy.outcome for item in taken.items] == ["release"] * 6
