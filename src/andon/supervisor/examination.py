"""`andon doctor`: what could be wrong with an installation, looked at one by one. Each finding says how to mend it.

Nothing here starts or changes anything. A check that cannot look because another one failed says nothing.
"""

import os
import platform
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

import psutil

from andon import migrations
from andon.kernel import config, postgres
from andon.kernel.config import Settings
from andon.kernel.db import Database, DatabaseUnfit, Refusal
from andon.kernel.errors import AndonError, Fault
from andon.supervisor.answering import ask
from andon.supervisor.chores import examine_chores
from andon.supervisor.findings import DoctorFinding, DoctorState
from andon.supervisor.ports import Address, configured, listeners, trouble_at
from andon.supervisor.single import holder

_NATIVE = (
    "asyncpg", "cel_expr_python", "duckdb", "httptools", "lightgbm", "numpy", "onnxruntime",
    "psycopg", "pydantic_core", "sklearn", "uvloop", "yaml",
)  # fmt: skip
"""Packages with machine code, which may be installed and yet not load."""

_GIGABYTE = 1 << 30
_DRIFT = timedelta(seconds=2)


class ProjectCheck(Protocol):
    """Loads a project's automations and returns all faults; with a database, also what their models lack."""

    def __call__(self, settings: Settings, database: Database | None) -> Sequence[Fault]: ...


class ForceCheck(Protocol):
    """Says where the code and the policies on disk are not those in force."""

    def __call__(self, settings: Settings, database: Database) -> Sequence[Fault]: ...


class EvidenceCheck(Protocol):
    """Says what is wrong with the evidence of risk gates."""

    def __call__(self, database: Database) -> Iterator[DoctorFinding]: ...


def examine(
    root: Path, check_project: ProjectCheck, check_force: ForceCheck, examine_evidence: EvidenceCheck
) -> Iterator[DoctorFinding]:
    """All checks of the project in `root`, one after the other."""
    yield _python()
    yield _platform()
    yield _packages()
    yield _disk(root)
    yield _memory()
    try:
        settings = config.load(root)
    except AndonError as error:
        yield _wrong("settings", error, "correct andon.toml or the environment variable")
        return
    yield DoctorFinding(
        "settings",
        DoctorState.FINE,
        f"{root / config.FILE_NAME}" if (root / config.FILE_NAME).exists() else "all defaults",
    )
    yield from _ports(settings)
    yield _folder(settings)
    found, url = _storage(settings)
    yield from found
    if url is None:
        yield _automations(settings, None, check_project)
        return
    database = Database(url, pool_size=1)
    try:
        found = list(_database(database))
        yield from found
        usable = all(finding.state is not DoctorState.WRONG for finding in found)
        automations = _automations(settings, database if usable else None, check_project)
        yield automations
        if usable and automations.state is not DoctorState.WRONG:
            yield _in_force(settings, database, check_force)
        if usable:
            yield from examine_chores(database)
            yield from examine_evidence(database)
    finally:
        database.close()


def _python() -> DoctorFinding:
    found = f"Python {platform.python_version()} at {sys.executable}"
    if sys.version_info >= (3, 11):  # noqa: UP036  an installer may have been told to ignore the requirement
        return DoctorFinding("python", DoctorState.FINE, found)
    return DoctorFinding(
        "python", DoctorState.WRONG, found, "install Python 3.11 or later and create the environment again"
    )


def _platform() -> DoctorFinding:
    found = f"{platform.system()} {platform.release()} on {platform.machine()}"
    if sys.platform == "linux":
        return DoctorFinding("platform", DoctorState.FINE, found)
    return DoctorFinding(
        "platform",
        DoctorState.WARNING,
        found,
        "Andon is tested on Linux; elsewhere, processes may outlive a killed `andon up`",
    )


def _packages() -> DoctorFinding:
    """Import each in one other process: one that takes its process down is known by being the last that was begun."""
    program = (
        "import importlib, sys\nfor name in sys.argv[1:]:\n    print(name, flush=True)\n    "
        "importlib.import_module(name)"
    )
    done = subprocess.run(  # noqa: S603  our own program
        [sys.executable, "-I", "-c", program, *_NATIVE], capture_output=True, text=True, check=False
    )
    if done.returncode == 0:
        return DoctorFinding("packages", DoctorState.FINE, f"{len(_NATIVE)} packages with native code load")
    begun = done.stdout.split()[-1] if done.stdout else "Python"
    why = done.stderr.strip().splitlines()[-1] if done.stderr.strip() else f"ended with status {done.returncode}"
    mend = "apt-get install libgomp1" if "libgomp" in why else "install Andon's packages again in this environment"
    return DoctorFinding("packages", DoctorState.WRONG, f"{begun}: {why}", mend)


def _disk(root: Path) -> DoctorFinding:
    free = shutil.disk_usage(root).free
    found = f"{free / _GIGABYTE:.1f} GB free at {root}"
    if free >= _GIGABYTE:
        return DoctorFinding("disk", DoctorState.FINE, found)
    state = DoctorState.WARNING if free >= _GIGABYTE // 4 else DoctorState.WRONG
    return DoctorFinding(
        "disk",
        state,
        found,
        "free some space: decisions are kept permanently, and PostgreSQL stops when the disk is full",
    )


def _memory() -> DoctorFinding:
    free = psutil.virtual_memory().available
    found = f"{free / _GIGABYTE:.1f} GB available"
    if free >= _GIGABYTE // 2:
        return DoctorFinding("memory", DoctorState.FINE, found)
    return DoctorFinding(
        "memory",
        DoctorState.WARNING,
        found,
        "an installation needs about half a gigabyte: end other processes, or add memory",
    )


def _ports(settings: Settings) -> Iterator[DoctorFinding]:
    running = holder(settings.data)
    own = set(running.addresses.values()) if running else set()
    for address in configured(settings):
        yield _port(address, own, running.pid if running else None)


def _port(address: Address, own: set[str], up: int | None) -> DoctorFinding:
    check = f"{address.part} port"
    if address.port == 0:
        return DoctorFinding(check, DoctorState.FINE, "any free one")
    if address.url in own and up is not None and _is_family(up, listeners(address.port)):
        return _answering(check, address)
    trouble = trouble_at(address)
    if trouble is None:
        return DoctorFinding(check, DoctorState.FINE, f"{address.port} is free")
    what, _, mend = trouble.rpartition(": ")
    return DoctorFinding(check, DoctorState.WRONG, what, mend)


def _is_family(up: int, processes: Sequence[psutil.Process]) -> bool:
    """Return whether one of the processes is `andon up` or was started by it."""
    return any(up in (one.pid, *(parent.pid for parent in one.parents())) for one in processes)


def _answering(check: str, address: Address) -> DoctorFinding:
    """Check that the part at an address answers: its socket exists anyway, since `andon up` holds it."""
    if ask(address) is not None:
        return DoctorFinding(check, DoctorState.FINE, f"{address.url}, ours")
    found = f"{address.part} does not answer at {address.url}"
    return DoctorFinding(check, DoctorState.WRONG, found, "see the log of `andon up`")


def _folder(settings: Settings) -> DoctorFinding:
    """Check that `.andon` and the secrets in it are ours and closed to others."""
    if not settings.data.exists():
        return DoctorFinding("data folder", DoctorState.FINE, f"{settings.data} will be created by `andon up`")
    found = settings.data.stat()
    if os.geteuid() not in (0, found.st_uid) or not os.access(settings.data, os.W_OK | os.X_OK):
        mend = "run Andon as its owner, or: chown -R to the user who runs Andon"
        return DoctorFinding(
            "data folder", DoctorState.WRONG, f"{settings.data} belongs to user id {found.st_uid}", mend
        )
    closed = {settings.data: 0o066, settings.data / "pepper": 0o077, settings.data / "postgres" / "password": 0o077}
    for path, forbidden in closed.items():
        if path.exists() and stat.S_IMODE(path.stat().st_mode) & forbidden:
            return DoctorFinding(
                "data folder", DoctorState.WRONG, f"{path} is accessible to other users", f"chmod go-rwx {path}"
            )
    return DoctorFinding("data folder", DoctorState.FINE, f"{settings.data} is not accessible to others")


def _storage(settings: Settings) -> tuple[list[DoctorFinding], str | None]:
    """Return the findings about the embedded PostgreSQL, and the url of a reachable database."""
    if settings.database.url is not None:
        return [], settings.database.url.get_secret_value()
    check = "embedded PostgreSQL"
    try:
        server = postgres.running(postgres.place_of(settings))
        programs = postgres.locate()
    except AndonError as error:
        return [_wrong(check, error, "see docs/explain/embedded-postgresql.md")], None
    if server is None:
        made = "stopped" if postgres.place_of(settings).exists() else "not created yet"
        return [DoctorFinding(check, DoctorState.FINE, f"version {programs.major}, {made}; `andon up` starts it")], None
    found = f"process {server.pid} on 127.0.0.1:{server.port}, data in {server.home.data}"
    return [DoctorFinding(check, DoctorState.FINE, found)], server.url


def _database(database: Database) -> Iterator[DoctorFinding]:
    try:
        migrations.check(database)
        yield DoctorFinding("database", DoctorState.FINE, f"PostgreSQL {database.version()} at {database.shown}")
        yield _schema(database)
        yield _clock(database, lambda: datetime.now(UTC))
    except DatabaseUnfit as error:
        yield _wrong("database", error, "set ANDON_DATABASE_URL to another database")
    except AndonError as error:
        yield _wrong("database", error, "start it, or correct ANDON_DATABASE_URL")
    except Refusal as error:
        said = str(error).splitlines()[0]
        yield DoctorFinding("database", DoctorState.WRONG, f"{type(error).__name__}: {said}", "see PostgreSQL's log")


def _schema(database: Database) -> DoctorFinding:
    if migrations.is_current(database):
        return DoctorFinding("schema", DoctorState.FINE, "current")
    return DoctorFinding(
        "schema", DoctorState.WRONG, "does not match this version of Andon", "run `andon up`, which migrates it"
    )


def _clock(database: Database, now: Callable[[], datetime]) -> DoctorFinding:
    before = now()
    there = database.now()
    apart = max(before - there, there - now(), timedelta())
    if apart <= _DRIFT:
        return DoctorFinding("clock", DoctorState.FINE, "agrees with the database's")
    found = f"{apart.total_seconds():.0f} s apart from the database's"
    return DoctorFinding(
        "clock",
        DoctorState.WRONG,
        found,
        "synchronise both clocks (NTP): Andon uses the database's clock, its log and TLS use this machine's",
    )


def _automations(settings: Settings, database: Database | None, check_project: ProjectCheck) -> DoctorFinding:
    wrong = [f"{problem.where}: {problem.message}".removeprefix(": ") for problem in check_project(settings, database)]
    files = ", ".join(settings.project.automations)
    if wrong:
        return DoctorFinding("automations", DoctorState.WRONG, "\n".join(wrong), "correct these problems")
    return DoctorFinding(
        "automations", DoctorState.FINE, f"{files}: no problems" + ("" if database else "; models were not checked")
    )


def _in_force(settings: Settings, database: Database, check_force: ForceCheck) -> DoctorFinding:
    apart = [f"{problem.where}: {problem.message}" for problem in check_force(settings, database)]
    if apart:
        return DoctorFinding("in force", DoctorState.WARNING, "\n".join(apart), "see docs/how-to/release-a-version.md")
    return DoctorFinding("in force", DoctorState.FINE, "code and policies on disk match what is in force")


def _wrong(check: str, error: AndonError, mend: str) -> DoctorFinding:
    lines = [f"{fault.where}: {fault.message}" for fault in error.faults]
    return DoctorFinding(
        check, DoctorState.WRONG, "; ".join([str(error), *(line for line in lines if line not in str(error))]), mend
    )
