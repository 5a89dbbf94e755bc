"""A database gets the present schema when it lacks it; where it has it, nobody loads what would bring it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import make_url, text

from andon import decisions, migrations
from andon.decisions import Idempotency
from andon.kernel.db import MINIMUM_VERSION, Database, DatabaseUnfit
from migrated import bring_to

PROGRAM = """
import os, sys
from andon import migrations
from andon.kernel.db import Database
import andon.cli.context, andon.supervisor.preparation  # which ensure it

database = Database(os.environ["DATABASE"])
migrations.ensure(database)
database.close()
print("alembic" in sys.modules)
"""


def loads_alembic(database: Database) -> bool:
    environment = {**os.environ, "DATABASE": database.url}
    command = [sys.executable, "-c", PROGRAM]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60)
    return ended.stdout.split()[-1] == "True"


def test_an_empty_database_gets_the_present_schema(database: Database) -> None:
    with database.begin() as tx:
        tx.execute(text("DROP SCHEMA public CASCADE"))
        tx.execute(text("CREATE SCHEMA public"))
    assert not migrations.is_current(database)
    assert loads_alembic(database)
    assert migrations.is_current(database)
    with database.begin() as tx:
        assert tx.execute(text("SELECT count(*) FROM decisions")).scalar_one() == 0


def test_where_the_schema_is_there_alembic_is_not_loaded(database: Database) -> None:
    assert not loads_alembic(database)
    assert migrations.is_current(database)


def test_what_was_accepted_before_keys_were_held_at_the_door_holds_its_key(database: Database) -> None:
    bring_to(database, "0004")
    with database.begin() as tx:
        tx.execute(
            text(
                "INSERT INTO intake (id, automation, raw, caller, correlation_id, idempotency_key, received_at) "
                "VALUES (gen_random_uuid(), 'payments', 'raw', 'bank', 'c', 'once', now())"
            )
        )
    migrations.ensure(database)
    with database.begin() as tx:
        held = decisions.holders(tx, [Idempotency.of("payments", "bank", "once", b"raw")])
        assert list(held.values()) == tx.execute(text("SELECT id FROM intake")).scalars().all()


class OldServer(Database):
    """A database whose server says that it is older than it is."""

    def version(self) -> int:
        return MINIMUM_VERSION - 1


def test_a_server_that_is_too_old_is_refused_though_the_schema_is_there(database: Database) -> None:
    old = OldServer(database.url)
    try:
        with pytest.raises(DatabaseUnfit, match=f"needs {MINIMUM_VERSION} or later"):
            migrations.ensure(old)
    finally:
        old.close()


@pytest.fixture
def latin(database: Database) -> Iterator[Database]:
    """Yield a database beside ours that is encoded as LATIN1."""
    name = f"latin_{uuid4().hex}"
    with psycopg.connect(database.url, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name} ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0".encode())
        made = Database(make_url(database.url).set(database=name).render_as_string(hide_password=False))
        yield made
        made.close()
        server.execute(f"DROP DATABASE {name}".encode())


def test_a_role_that_may_make_nothing_is_told_what_it_needs(database: Database) -> None:
    with database.begin() as tx:
        tx.execute(text("DROP SCHEMA public CASCADE"))
        tx.execute(text("CREATE SCHEMA public"))
        tx.execute(text("REVOKE CREATE ON SCHEMA public FROM CURRENT_USER"))
    with pytest.raises(DatabaseUnfit, match=r"permission denied for schema public.*GRANT CREATE"):
        migrations.ensure(database)


def test_a_database_that_cannot_hold_every_text_is_refused(latin: Database) -> None:
    with pytest.raises(DatabaseUnfit, match=r"encoded as LATIN1.*ENCODING 'UTF8'"):
        migrations.ensure(latin)
