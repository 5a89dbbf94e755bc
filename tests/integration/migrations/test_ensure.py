"""A database gets the present schema when it lacks it; where it has it, nobody loads what would bring it."""

import os
import subprocess
import sys

from sqlalchemy import text

from andon import migrations
from andon.kernel.db import Database

PROGRAM = """
import os, sys
from andon import migrations
from andon.kernel.db import Database
from andon.cli import context
from andon.supervisor import preparation

database = Database(os.environ["DATABASE"])
migrations.ensure(database)
database.close()
print("alembic" in sys.modules)
"""


def loads_alembic(database: Database) -> bool:
    url = database.engine.url.render_as_string(hide_password=False).replace("+psycopg", "")
    environment = {**os.environ, "DATABASE": url}
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
