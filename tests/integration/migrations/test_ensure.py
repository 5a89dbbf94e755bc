"""A database gets the present schema when it lacks it; where it has it, nobody loads what would bring it."""

import os
import subprocess
import sys

import pytest
from sqlalchemy import text

from andon import migrations
from andon.kernel.db import MINIMUM_VERSION, Database

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


class OldServer(Database):
    """A database whose server says that it is older than it is."""

    def version(self) -> int:
        return MINIMUM_VERSION - 1


def test_a_server_that_is_too_old_is_refused_though_the_schema_is_there(database: Database) -> None:
    old = OldServer(database.url)
    try:
        with pytest.raises(migrations.DatabaseTooOld, match=f"needs {MINIMUM_VERSION} or later"):
            migrations.ensure(old)
    finally:
        old.close()
