"""A model file that ends the process which predicts with it harms nobody: it is tried, refused or quarantined."""

import asyncio
import json
import os
import pickle
import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from hashlib import sha256
from pathlib import Path
from threading import Semaphore

import httpx
import pytest
from click.testing import Result
from sqlalchemy import create_engine, text
from typer.testing import CliRunner

from andon import alerts, audit, models, serving
from andon.alerts import AlertSelection
from andon.bootstrap.casing import results_of
from andon.bootstrap.project import build_events
from andon.bootstrap.recorded import RecordedLines
from andon.bootstrap.trials import VersionTrials, loading
from andon.cases import FiledCase
from andon.cases.domain import DecisionCase, ExpectedDecision
from andon.cli import app
from andon.decisions import Deployment
from andon.gateway import create_app
from andon.kernel.clock import SystemClock
from andon.kernel.config import Settings, load
from andon.kernel.db import Database
from andon.kernel.events import Events
from andon.models import ModelVersion, VersionHeld, open_package
from andon.serving import Hosting, TrialEnd, TrialResult
from automations import an_automation
from lines import ADMIN, OWNER, install, register_champion
from packages import a_package, a_pickled_package


def rewritten(package: Path, content: bytes) -> Path:
    """Give the package another model file, as its author would have packed it."""
    manifest = open_package(package).manifest
    (package / manifest.model_file).write_bytes(content)
    document = json.loads((package / "manifest.json").read_text())
    model = next(file for file in document["files"] if file["name"] == manifest.model_file)
    model |= {"digest": sha256(content).hexdigest(), "size": len(content)}
    (package / "manifest.json").write_text(json.dumps(document))
    return package


def pointing_outside(package: Path) -> Path:
    """Make the first tree of a package name a child far outside its arrays."""
    lines = (package / open_package(package).manifest.model_file).read_text().split("\n")
    at = next(number for number, line in enumerate(lines) if line.startswith("left_child="))
    children = lines[at].removeprefix("left_child=").split(" ")
    lines[at] = "left_child=" + " ".join(["100000000", *children[1:]])
    return rewritten(package, "\n".join(lines).encode())


@pytest.fixture
def project(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "andon.toml").write_text('[project]\nname = "test"\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ANDON_DATABASE_URL", database.url)
    return tmp_path


def andon(*arguments: str, status: int = 0) -> Result:
    result = CliRunner().invoke(app, list(arguments), env={"COLUMNS": "220"})
    assert result.exit_code == status, result.output
    return result


def test_a_tree_that_points_outside_of_itself_is_not_registered(project: Path, database: Database) -> None:
    bad = pointing_outside(a_package(project / "bad"))
    refused = andon("models", "register", str(bad), "--alias", "champion", status=2)
    assert "tree 0: left_child contains 100000000" in refused.output
    with database.begin() as tx:
        assert models.list_versions(tx) == []


def deployment_of(database: Database, folder: Path, events: Events) -> Deployment:
    """Make a gateway's deployment, whose versions are tried."""
    clock, settings = SystemClock(), Settings(root=folder)
    load = loading(settings, database, clock, events)
    return Deployment(database, (an_automation(),), cache=folder / "models", clock=clock, events=events, load=load)


class Fatal:
    """Ends the process that unpickles it, as a library does whose file leads it astray."""

    def __init__(self, by: signal.Signals = signal.SIGSEGV) -> None:
        self.by = by

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return os.kill, (FatalPid(), int(self.by))


class FatalPid:
    """The process that unpickles it."""

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return os.getpid, ()


def a_fatal_champion(database: Database, package: Path, by: signal.Signals = signal.SIGSEGV) -> ModelVersion:
    """Make a version champion that kills whoever loads it, as an older Andon would have let one."""
    version = a_fatal_version(database, package, by)
    with database.begin() as tx:
        given = {"actor": OWNER, "reason": "test", "events": Events(), "now": SystemClock().now()}
        models.set_alias(tx, version.name, "champion", version.number, **given)
    return version


def a_fatal_version(database: Database, package: Path, by: signal.Signals = signal.SIGSEGV) -> ModelVersion:
    """Register a version that kills whoever loads it."""
    rewritten(package, pickle.dumps(Fatal(by)))
    given = {"actor": OWNER, "reason": "test", "events": Events(), "now": SystemClock().now()}
    with database.begin() as tx:
        return models.register(tx, package, trust_pickle=True, **given)


def test_a_trial_that_is_ended_from_outside_says_nothing_about_the_version(project: Path, database: Database) -> None:
    register_champion(database, a_package(project / "good"))
    stopped = a_fatal_champion(database, a_pickled_package(project / "stopped"), signal.SIGTERM)
    deployment = deployment_of(database, project, Events())
    deployment.refresh()
    assert "its process was ended by SIGTERM" in str(deployment.problems["payments"])
    with database.begin() as tx:
        assert models.held_versions(tx, stopped.name) == {}


def test_a_version_that_ends_its_trial_is_held_and_the_last_good_one_answers(project: Path, database: Database) -> None:
    good = register_champion(database, a_package(project / "good"))
    events = build_events(Settings(root=project))
    deployment_of(database, project, events).refresh()
    fatal = a_fatal_champion(database, a_pickled_package(project / "fatal"))
    deployment = deployment_of(database, project, events)
    deployment.refresh()
    assert deployment.problems == {}
    assert deployment.lines["payments"].traffic.champion.version == good.number
    with database.begin() as tx:
        (held,) = models.held_versions(tx, fatal.name).values()
        (alert,) = alerts.page(tx, AlertSelection())
        (entry,) = audit.page(tx, action="model.quarantine")
    assert (held.number, held.reason) == (fatal.number, "its process was ended by SIGSEGV when it was tried")
    assert (alert.automation, alert.monitor, alert.level) == ("payments", "quarantine", "critical")
    assert entry.after == {"number": fatal.number, "quarantined": True}
    assert "SIGSEGV" in andon("models", "show", fatal.name).output
    refused = andon("models", "alias", "set", "next", "2", "--reason", "again", status=6)
    assert "in quarantine" in refused.output
    andon("models", "release", fatal.name, "2", "--reason", "the library was at fault")
    with database.begin() as tx:
        assert models.held_versions(tx, fatal.name) == {}
    deployment_of(database, project, events).refresh()
    with database.begin() as tx:
        assert list(models.held_versions(tx, fatal.name)) == [fatal.number]


def test_a_version_is_tried_once_for_each_content(project: Path, database: Database) -> None:
    version = register_champion(database, a_package(project / "one"))
    for _ in range(2):
        deployment_of(database, project, Events()).refresh()
        with database.begin() as tx:
            found = tx.execute(text("SELECT digest, passed, tried_at FROM model_trials")).all()
        assert [(row.digest, row.passed) for row in found] == [(version.digest, True)]
    assert len({row.tried_at for row in found}) == 1


def held(database: Database, name: str) -> list[int]:
    with database.begin() as tx:
        return list(models.held_versions(tx, name))


def test_a_version_that_ends_its_trial_is_held_by_a_replay_too(project: Path, database: Database) -> None:
    register_champion(database, a_package(project / "good"))
    fatal = a_fatal_champion(database, a_pickled_package(project / "fatal"))
    lines = RecordedLines(Settings(root=project), database, an_automation())
    for words in ("is now in quarantine: its process was ended by SIGSEGV", "`andon models release"):
        with pytest.raises(VersionHeld, match=words):
            lines.load(fatal.number)
    assert held(database, fatal.name) == [fatal.number]


def test_a_version_that_ends_its_trial_is_held_by_cases_too(project: Path, database: Database) -> None:
    fatal = a_fatal_champion(database, a_pickled_package(project / "fatal"))
    case = FiledCase("payments", "c.yaml", DecisionCase(name="one", input={}, expect=ExpectedDecision(outcome="a")))
    with pytest.raises(VersionHeld, match="its process was ended by SIGSEGV"):
        results_of(load(project), [an_automation()], [case], str(fatal.number))
    assert held(database, fatal.name) == [fatal.number]


def test_a_gateway_that_is_asked_to_let_a_fatal_version_answer_holds_it(project: Path, database: Database) -> None:
    installation = install(database, project)
    fatal = a_fatal_version(database, a_pickled_package(project / "fatal"))
    key = installation.key("admin", ADMIN)
    gateway, side = installation.gateway()
    gateway.trials = VersionTrials(Settings(root=project), database, SystemClock(), Events())

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(create_app(gateway, side), raise_app_exceptions=False)  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
            return await client.put(
                f"/v1/models/{fatal.name}/aliases/champion",
                json={"number": fatal.number, "reason": "test"},
                headers={"Authorization": f"Bearer {key}"},
            )

    answer = asyncio.run(ask())
    assert answer.status_code == 503
    assert "its process was ended by SIGSEGV" in answer.json()["detail"]
    assert held(database, fatal.name) == [fatal.number]
    with database.begin() as tx:
        assert [(one.alias, one.number) for one in models.list_aliases(tx)] == [("champion", 1)]


def with_one_connection(database: Database) -> Database:
    """Return the database with a pool that never opens a second connection."""
    small = Database(database.url, pool_size=1)
    small.engine = create_engine(small.engine.url, pool_size=1, max_overflow=0, pool_timeout=5)
    return small


@pytest.fixture
def open_ones(database: Database, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Count the transactions that are open during each trial."""
    found, tried = list[int](), serving.try_version
    query = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND xact_start < now()")

    def counted(version: ModelVersion, folder: Path, hosting: Hosting) -> TrialResult:
        with database.begin() as tx:
            found.append(tx.execute(query).scalar_one())
        return tried(version, folder, hosting)

    monkeypatch.setattr(serving, "try_version", counted)
    return found


def test_no_transaction_is_open_while_a_gateway_tries_a_version_and_one_connection_suffices(
    project: Path, database: Database, open_ones: list[int]
) -> None:
    installation, given = install(database, project), {"actor": OWNER, "reason": "test", "events": Events()}
    with database.begin() as tx:
        package = a_pickled_package(project / "second")
        second = models.register(tx, package, trust_pickle=True, now=SystemClock().now(), **given)
    key = installation.key("admin", ADMIN)
    gateway, side = installation.gateway()
    gateway.database = with_one_connection(database)
    gateway.trials = VersionTrials(Settings(root=project), gateway.database, SystemClock(), Events())

    async def ask(path: str, body: dict[str, object]) -> httpx.Response:
        transport = httpx.ASGITransport(create_app(gateway, side))  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
            return await client.put(path, json=body, headers={"Authorization": f"Bearer {key}"})

    split = {"shares": {str(second.number): 10}, "shadows": [], "reason": "test"}
    answer = asyncio.run(ask("/v1/automations/payments/split", split))
    assert (answer.status_code, open_ones) == (200, [0]), answer.text
    alias = {"number": second.number, "reason": "test"}
    assert asyncio.run(ask(f"/v1/models/{second.name}/aliases/champion", alias)).status_code == 200
    assert open_ones == [0]
    gateway.database.close()


def test_no_transaction_is_open_while_a_command_tries_a_version(
    project: Path, database: Database, open_ones: list[int]
) -> None:
    andon("models", "register", str(a_package(project / "good")), "--alias", "champion")
    assert open_ones == [0]
    with database.begin() as tx:
        [only] = models.list_versions(tx)
        assert [alias.number for alias in models.list_aliases(tx)] == [only.number]


def test_two_processes_try_a_version_once(project: Path, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    version = register_champion(database, a_package(project / "good"))
    claims, tries = Semaphore(0), list[int]()
    alone = Database.alone

    def claimed(self: Database, name: str, *, within: float) -> AbstractContextManager[bool]:
        claims.release()
        return alone(self, name, within=within)

    def tried(version: ModelVersion, *_: object) -> TrialResult:
        tries.append(version.number)
        assert all(claims.acquire(timeout=30) for _ in range(2))  # until both have asked for it
        return TrialResult(TrialEnd.ANSWERED, "")

    monkeypatch.setattr(Database, "alone", claimed)
    monkeypatch.setattr(serving, "try_version", tried)
    trials = [VersionTrials(Settings(root=project), database, SystemClock(), Events()) for _ in range(2)]
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(lambda one: one.attempt(version), trials))
    assert tries == [version.number]
