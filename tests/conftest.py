"""What all tests share: a real PostgreSQL, an empty migrated database for each test that asks, and three standing people."""

import os
from collections.abc import Iterator
from uuid import uuid4

import pytest
from sqlalchemy import text

from andon import migrations
from andon.kernel.db import Database


@pytest.fixture(scope="session")
def server_url() -> str:
    """A PostgreSQL server in which databases may be created."""
    return os.environ["ANDON_TEST_SERVER"]


@pytest.fixture(scope="session")
def template(server_url: str) -> Iterator[str]:
    """The name of a migrated, empty database, to be copied by each test."""
    name = f"andon_template_{uuid4().hex[:12]}"
    _administer(server_url, f"CREATE DATABASE {name}")
    database = Database(_address(server_url, name))
    migrations.upgrade(database)
    database.close()
    yield name
    _administer(server_url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def database(server_url: str, template: str) -> Iterator[Database]:
    """A migrated, empty database of this test's own."""
    name = f"andon_test_{uuid4().hex[:12]}"
    _administer(server_url, f"CREATE DATABASE {name} TEMPLATE {template}")
    database = Database(_address(server_url, name))
    yield database
    database.close()
    _administer(server_url, f"DROP DATABASE {name} WITH (FORCE)")


def _address(server_url: str, name: str) -> str:
    base, _, query = server_url.partition("?")
    return base.rsplit("/", 1)[0] + f"/{name}" + (f"?{query}" if query else "")


def _administer(server_url: str, statement: str) -> None:
    server = Database(server_url)
    with server.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(statement))
    server.close()
