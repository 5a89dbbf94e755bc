"""Connectors are found by their folder; a faulty action is reported with file and line; a new one works at once."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from andon.actions import Surroundings
from andon.bootstrap.connecting import Connected, Kinds, destination_of, destinations
from andon.bootstrap.delivering import build_deliveries
from andon.bootstrap.measures import Measures
from andon.bootstrap.pools import watch_pools
from andon.bootstrap.project import check_project, load_automations
from andon.cli import app
from andon.decisions import AutomationInvalid
from andon.kernel import config
from andon.kernel.clock import SystemClock
from andon.kernel.config import SettingsInvalid
from andon.kernel.db import Database
from andon.kernel.events import Events

OWN = {"http", "python", "smtp", "sql", "webhook"}

AUTOMATION = """
from automations import POLICY, Payment
from andon import Automation, Policy, action, http, python, sql, webhook

payments = Automation(
    "payments",
    contract=Payment,
    model="fraud-risk",
    policy=Policy.yaml(POLICY),
    actions={
        "release": webhook("bank"),
        "pause": ACTION,
    },
)
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BANK_SECRET", "whsec_" + "a" * 32)
    return tmp_path


def declare(root: Path, action: str, settings: str = "") -> None:
    (root / "automation.py").write_text(AUTOMATION.replace("ACTION", action), encoding="utf-8")
    (root / "andon.toml").write_text(
        f'[destinations.bank]\nurl = "http://bank.test/"\nsecret_env = "BANK_SECRET"\n{settings}', encoding="utf-8"
    )


def problems(root: Path) -> list[str]:
    return [f"{problem.where}: {problem.message}" for problem in check_project(config.load(root), None)]


def andon(*arguments: str, status: int = 0) -> Result:
    result = CliRunner().invoke(app, ["connectors", *arguments])
    assert result.exit_code == status, result.output
    return result


def test_all_of_andons_own_are_found_and_told_with_their_options(project: Path) -> None:
    declare(project, 'webhook("bank")')
    listed = {one["name"]: one for one in json.loads(andon("list", "--json").stdout)}
    assert set(listed) >= OWN
    assert "statement" in listed["sql"]["options"]
    assert "token_url" in listed["http"]["settings"]
    assert "webhook" in andon("list").output


@pytest.mark.parametrize(
    ("action", "says"),
    [
        ('http("bank", "payments")', "action 'pause': option path: a path begins with /"),
        ('http("bank", "/{amount}")', "'{amount}' is not a value"),
        ('http("bank", method="FETCH")', "option method: Input should be 'POST'"),
        ('action("http", "bank", patch="/x")', "option patch: Extra inputs are not permitted"),
        (
            'action("fax", "bank")',
            "unknown connector 'fax'; expected one of automation_anywhere, browser, correspondence",
        ),
        ('python("bank", "effects.py:hold")', "there is no file effects.py in the project"),
        ('sql("bank", "")', "option statement: String should have at least 1 character"),
    ],
)
def test_a_wrong_option_is_named_with_file_and_line_before_anything_runs(project: Path, action: str, says: str) -> None:
    declare(project, action)
    [problem] = problems(project)
    assert problem.startswith(f"{project / 'automation.py'}:12: ")
    assert says in problem
    with pytest.raises(AutomationInvalid):
        load_automations(config.load(project))


@pytest.mark.parametrize(
    ("action", "settings", "says"),
    [
        ('http("core")', "", "action 'pause' needs [destinations.core] in andon.toml"),
        ('http("core")', "[destinations.core]\n", "action 'pause' needs a url under [destinations.core]"),
        (
            'http("core")',
            '[destinations.core]\nurl = "https://c"\n[destinations.core.http]\nclient_id = "a"\n',
            "go together",
        ),
        (
            'http("core")',
            '[destinations.core]\nurl = "https://c"\n[destinations.core.fax]\na = 1\n',
            "unknown connector 'fax'",
        ),
        (
            'http("core")',
            '[destinations.core]\nurl = "https://c"\n[destinations.core.http]\nheader_env = "NOT_SET"\n',
            "[destinations.core.http] header_env: the environment variable NOT_SET is not set",
        ),
        ('sql("core", "SELECT 1")', '[destinations.core]\nurl_env = "NOT_SET"\n', "NOT_SET"),
    ],
)
def test_what_the_settings_lack_is_named_where_the_action_is(
    project: Path, action: str, settings: str, says: str
) -> None:
    declare(project, action, settings)
    [problem] = problems(project)
    assert problem.startswith(f"{project / 'automation.py'}:12: ")
    assert says in problem


def test_what_is_wrong_with_a_destination_that_no_action_names_is_found_too(project: Path) -> None:
    declare(project, 'webhook("bank")', '[destinations.spare]\nurl = "https://c"\n[destinations.spare.fax]\na = 1\n')
    [problem] = problems(project)
    assert problem.startswith(f"{project / 'andon.toml'}: [destinations.spare.fax]: unknown connector 'fax'")


def test_an_unknown_setting_of_a_destination_is_refused_by_name(project: Path) -> None:
    declare(project, 'webhook("bank")', "max_attemps = 3\n")
    with pytest.raises(SettingsInvalid, match="unknown setting max_attemps"):
        config.load(project)


def test_a_secret_that_is_read_is_in_no_text(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORE_KEY", "hush-hush")
    monkeypatch.setenv("WAREHOUSE", "postgresql://a:hush-hush@h/d")
    declare(
        project,
        'http("core")',
        '[destinations.core]\nurl_env = "WAREHOUSE"\n[destinations.core.http]\nheader_env = "CORE_KEY"\n',
    )
    settings = config.load(project)
    found = destinations(settings, Kinds(project))
    assert "hush-hush" not in repr([settings, found])
    assert "hush-hush" in found["core"].url


def test_a_new_connector_is_found_and_keeps_the_contract(project: Path) -> None:
    declare(project, 'action("fax", "office", text="{outcome}")', '[destinations.office]\nurl = "tcp://127.0.0.1:9"\n')
    assert "unknown connector 'fax'" in problems(project)[0]
    assert "connectors/fax/connector.py" in andon("new", "fax").output
    assert problems(project) == []
    assert "fax (own)" in andon("list").output
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", "tests"],
        cwd=project,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "11 passed" in done.stdout


@pytest.mark.parametrize(("name", "status"), [("Fax", 2), ("../fax", 2), ("http", 5), ("1fax", 2)])
def test_a_name_that_is_none_or_taken_makes_nothing(project: Path, name: str, status: int) -> None:
    declare(project, 'webhook("bank")')
    andon("new", name, status=status)
    assert not (project / "connectors").exists()


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("import nowhere", "cannot be imported: no module nowhere"),
        ("1 / 0", "cannot be imported: ZeroDivisionError"),
        ("x = 1", "has no KIND"),
    ],
)
def test_a_broken_connector_of_the_project_is_named_and_breaks_nothing_else(
    project: Path, code: str, says: str
) -> None:
    (project / "connectors" / "fax").mkdir(parents=True)
    (project / "connectors" / "fax" / "__init__.py").write_text(code, encoding="utf-8")
    declare(project, 'action("fax", "bank")')
    assert says in problems(project)[0]
    assert "fax (own)" in andon("list").output
    connected = Connected(Kinds(project), Surroundings(root=project))
    assert connected["webhook"] is connected["webhook"]


def test_a_destination_may_be_reached_by_several_kinds(project: Path) -> None:
    declare(project, 'http("bank", "/x")', '[destinations.bank.http]\nkey_header = "X-Key"\n')
    settings, kinds = config.load(project), Kinds(project)
    bank = destination_of("bank", settings.destinations["bank"], kinds)
    assert bank.settings_of("http", kinds["http"].settings).model_dump()["key_header"] == "X-Key"
    assert problems(project) == []


def test_a_worker_shows_how_each_destination_is_treated(project: Path, database: Database) -> None:
    declare(project, 'webhook("bank")')
    measures = Measures()
    watch_pools(measures.metrics, list)
    build_deliveries(config.load(project), database, SystemClock(), measures, Events())
    shown = measures.metrics.text().decode()
    for line in (
        'andon_destination_breaker_open{destination="bank"} 0.0',
        'andon_deliveries_in_flight{destination="bank"} 0.0',
        'andon_retry_budget_remaining{destination="bank"} 5.0',
    ):
        assert line in shown
