"""Shared fixtures: a real PostgreSQL, an empty migrated database for each test that needs one, and three people."""

import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

import pytest
import structlog
from hypothesis import settings
from sqlalchemy import text

from andon import migrations
from andon.kernel import postgres
from andon.kernel.db import Database
from trials import EXAMPLES

# How long an example takes says what else the machine does, so there is no deadline.
settings.register_profile("andon", deadline=None, max_examples=EXAMPLES)
settings.load_profile("andon")

# Drawing a stack with all its values takes a third of a second, in which what is tested stands still.
_SHORTLY = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
structlog.configure(processors=[*structlog.get_config()["processors"][:-1], _SHORTLY])

MEMORY = Path("/dev/shm")
ROOM = 2 << 30
"""So many bytes have to be free in it."""

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With CI=true a skipped test is a failure: there, all that the tests need is installed."""
    return _no_skip((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Forbid the same for a file that skips as a whole."""
    return _no_skip((yield))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Add the seconds that each file took, in whichever process, to the list that `script/test` shows at its end."""
    place, spent = os.environ.get("ANDON_TEST_TIMES"), Counter[str]()
    if place is None or "PYTEST_XDIST_WORKER" in os.environ:
        return
    for reports in terminalreporter.stats.values():
        for one in reports:
            if isinstance(one, pytest.TestReport):
                spent[one.nodeid.partition("::")[0]] += one.duration
    with Path(place).open("a", encoding="utf-8") as times:
        times.writelines(f"{seconds:8.1f} {name}\n" for name, seconds in spent.items())


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that take long begin first: one that began last would run on alone, with nothing beside it."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[postgres.Server | None]:
    """Run an embedded PostgreSQL; yield None if ANDON_TEST_SERVER names another."""
    if os.environ.get("ANDON_TEST_SERVER"):
        yield None
        return
    with _short_folder(_place_of_databases()) as folder, postgres.lend(folder / "postgres") as server:
        yield server


@pytest.fixture(scope="session")
def server_url(postgres_server: postgres.Server | None) -> str:
    """Return a PostgreSQL server in which databases may be created."""
    return os.environ["ANDON_TEST_SERVER"] if postgres_server is None else postgres_server.url


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """Yield a new folder with a short path, accessible to PostgreSQL's user when the tests run as root."""
    with _short_folder() as folder:
        yield folder


@pytest.fixture(scope="session")
def administered(server_url: str) -> Iterator[Database]:
    """Yield the server, for making and dropping databases: one connection for hundreds of tests."""
    server = Database(server_url, pool_size=1)
    yield server
    server.close()


@pytest.fixture(scope="session")
def template(administered: Database) -> Iterator[str]:
    """Yield the name of a migrated, empty database, to be copied by each test."""
    name = f"andon_template_{uuid4().hex[:12]}"
    _administer(administered, f"CREATE DATABASE {name}")
    database = Database(_address(administered.url, name))
    migrations.ensure(database)
    database.close()
    yield name
    _drop(administered, name)


@pytest.fixture(scope="session")
def standing_template(administered: Database, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the same with the standing automation in it: its model registered, its code released."""
    from lines import install  # a gateway, which unit tests do without

    with _copy_of(administered, template) as database:
        install(database, tmp_path_factory.mktemp("standing"))
        database.close()
        yield database.url.partition("?")[0].rpartition("/")[2]


@pytest.fixture
def standing() -> None:
    """Request a `database` that holds the standing automation already, for `lines.install` to find."""


@pytest.fixture
def database(request: pytest.FixtureRequest, administered: Database, template: str) -> Iterator[Database]:
    """Yield a migrated database of this test's own; empty, unless it uses `standing`."""
    if "standing" in request.fixturenames:
        template = request.getfixturevalue("standing_template")
    with _copy_of(administered, template) as database:
        yield database


@pytest.fixture(scope="module")
def module_database(administered: Database, template: str) -> Iterator[Database]:
    """Yield the same for all tests of a module."""
    with _copy_of(administered, template) as database:
        yield database


@contextmanager
def _copy_of(server: Database, template: str) -> Iterator[Database]:
    name = f"andon_test_{uuid4().hex[:12]}"
    _administer(server, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")  # in half of the time
    database = Database(_address(server.url, name))
    yield database
    database.close()
    _drop(server, name)


def _place_of_databases() -> Path:
    """Return a place in memory, if there is room.

    Each test's database is three hundred files; creating them took a fifth of a run's CPU time on ext4.
    """
    there = MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM
    return MEMORY if there else Path("/tmp")


@contextmanager
def _short_folder(place: Path = Path("/tmp")) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="andon-", dir=place) as name:
        Path(name).chmod(0o711)
        yield Path(name)


def _no_skip(report: Report) -> Report:
    if report.skipped and os.environ.get("CI") == "true" and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"Skipped, which CI does not allow: {report.longrepr}"
    return report


def _address(server_url: str, name: str) -> str:
    base, _, query = server_url.partition("?")
    return base.rsplit("/", 1)[0] + f"/{name}" + (f"?{query}" if query else "")


def _drop(server: Database, name: str) -> None:
    """Drop a database after ending our own connections.

    FORCE would also try to end an autovacuum worker, which we may not; a plain DROP sends that away.
    """
    ours = f"FROM pg_stat_activity WHERE datname = '{name}' AND usename = current_user"
    _administer(server, f"SELECT pg_terminate_backend(pid, 5000) {ours}", f"DROP DATABASE {name}")


def _administer(server: Database, *statements: str) -> None:
    with server.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for statement in statements:
            connection.execute(text(statement))
