"""`andon doctor` finds what is wrong, says how to mend it, and changes nothing."""

import json
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from andon import cli
from andon.kernel import postgres
from andon.kernel.config import Settings
from andon.kernel.db import Database
from andon.supervisor.evidence import examine_evidence
from andon.supervisor.examination import examine
from andon.supervisor.findings import DoctorFinding, DoctorState

from .conftest import Up

pytestmark = [pytest.mark.postgres, pytest.mark.long]


@dataclass
class Wrong:
    where: str
    message: str


def nothing_wrong(settings: Settings, database: Database | None) -> list[Wrong]:
    return []


def findings(folder: Path) -> dict[str, DoctorFinding]:
    return {finding.check: finding for finding in examine(folder, nothing_wrong, nothing_wrong, examine_evidence)}


def wrong(folder: Path) -> list[str]:
    return [check for check, finding in findings(folder).items() if finding.state is DoctorState.WRONG]


@pytest.fixture
def quiet_ports(project: Path) -> None:
    (project / "andon.toml").write_text("[gateway]\nport = 0\n[worker]\nport = 0\n[console]\nport = 0\n")


@pytest.fixture
def on_database(database: Database, quiet_ports: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANDON_DATABASE_URL", database.url)


def test_a_new_project_is_fine_and_stays_untouched(project: Path, quiet_ports: None) -> None:
    found = findings(project)
    assert [finding for finding in found.values() if finding.state is DoctorState.WRONG] == []
    assert "not created yet" in found["embedded PostgreSQL"].found
    assert [path.name for path in project.iterdir()] == ["andon.toml"]


def test_a_running_installation_is_fine_and_its_ports_are_ours(
    start: Callable[..., Up], monkeypatch: pytest.MonkeyPatch
) -> None:
    up = start(embedded=True).until_running()
    for part in ("gateway", "worker", "console"):
        monkeypatch.setenv(f"ANDON_{part.upper()}_PORT", str(up.seen(part)["port"]))
    found = findings(up.folder)
    assert [finding for finding in found.values() if finding.state is DoctorState.WRONG] == []
    assert found["gateway port"].found == f"http://127.0.0.1:{up.seen('gateway')['port']}, ours"
    assert found["schema"].found == "current"
    assert "process" in found["embedded PostgreSQL"].found


def test_a_port_of_somebody_else_is_wrong(project: Path, monkeypatch: pytest.MonkeyPatch, quiet_ports: None) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        monkeypatch.setenv("ANDON_CONSOLE_PORT", str(listener.getsockname()[1]))
        found = findings(project)["console port"]
    assert found.state is DoctorState.WRONG
    assert "ANDON_CONSOLE_PORT" in found.mend


def test_settings_that_cannot_be_read_are_named(project: Path) -> None:
    (project / "andon.toml").write_text("[gateway]\nport = 'x'\n")
    assert wrong(project) == ["settings"]
    assert "gateway.port" in findings(project)["settings"].found


def test_secrets_that_others_can_read_are_named(project: Path, quiet_ports: None) -> None:
    (project / ".andon").mkdir(mode=0o700)
    pepper = project / ".andon" / "pepper"
    pepper.write_text("x")
    pepper.chmod(0o644)
    assert wrong(project) == ["data folder"]
    assert findings(project)["data folder"].mend == f"chmod go-rwx {pepper}"


def test_a_database_that_does_not_answer_is_wrong(
    project: Path, quiet_ports: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANDON_DATABASE_URL", "postgresql://andon:secret@127.0.0.1:1/andon")
    assert wrong(project) == ["database"]
    assert "secret" not in findings(project)["database"].found


@pytest.mark.usefixtures("on_database")
def test_a_migrated_database_is_fine(project: Path) -> None:
    assert wrong(project) == []
    assert findings(project)["clock"].state is DoctorState.FINE


@pytest.mark.usefixtures("on_database")
def test_an_older_schema_is_wrong_and_is_left_as_it_is(project: Path, database: Database) -> None:
    with database.begin() as tx:
        tx.execute(text("DELETE FROM alembic_version"))
    assert wrong(project) == ["schema"]
    assert wrong(project) == ["schema"]


@pytest.mark.usefixtures("on_database")
def test_what_is_wrong_with_an_automation_is_named_by_place(project: Path) -> None:
    asked: list[bool] = []

    def check(settings: Settings, database: Database | None) -> list[Wrong]:
        asked.append(database is not None)
        return [Wrong("line.py:3", "no such model"), Wrong("", "twice the same name")]

    found = list(examine(project, check, nothing_wrong, examine_evidence))[-1]
    assert found.found == "line.py:3: no such model\ntwice the same name"
    assert found.state is DoctorState.WRONG
    assert asked == [True]


def test_an_embedded_postgresql_whose_password_is_lost_is_wrong(project: Path, quiet_ports: None) -> None:
    place = project / ".andon" / "postgres"
    postgres.start(place)
    (place / "password").rename(place / "away")
    found = findings(project)["embedded PostgreSQL"]
    (place / "away").rename(place / "password")
    assert found.state is DoctorState.WRONG
    assert "password is missing" in found.found


def test_the_command_ends_with_status_6_when_something_is_wrong(project: Path, quiet_ports: None) -> None:
    (project / "andon.toml").write_text(
        "[project]\nautomations = ['absent.py']\n" + (project / "andon.toml").read_text()
    )
    done = CliRunner().invoke(cli.app, ["doctor", str(project), "--json"])
    assert done.exit_code == 6
    told = {finding["check"]: finding for finding in json.loads(done.stdout)}
    assert told["automations"]["state"] == "wrong"
    assert "absent.py" in told["automations"]["found"]
    assert told["python"] == {**told["python"], "state": "fine", "mend": ""}
