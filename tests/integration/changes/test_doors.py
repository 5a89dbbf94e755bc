"""Figures and history through every door: the command line, HTTP, the console and Prometheus."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from click.testing import Result
from tests.served import served
from typer.testing import CliRunner

from andon import changes, console
from andon.access import Grant, KeyRing, Role
from andon.bootstrap.changed import SPAN, watch_changes
from andon.cli import app
from andon.decisions import AuditDraws, Deployment, Subjects
from andon.kernel.clock import SystemClock
from andon.kernel.config import Settings
from andon.kernel.db import Database
from andon.kernel.events import Events
from andon.kernel.metrics import Metrics
from calls import call
from changing import NAME, ChangingLine, policy_version
from integration.changes.march import on, write_march
from lines import PEPPER, Installation

VIEWER, STRANGER = Grant(Role.VIEWER, NAME), Grant(Role.VIEWER, "other")
CHANGES, HISTORY, FIGURES = f"/v1/automations/{NAME}/changes", f"/v1/automations/{NAME}/history", "/v1/changes/figures"


@pytest.fixture(scope="module")
def line(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> ChangingLine:
    line = ChangingLine(module_database, tmp_path_factory.mktemp("packages"))
    write_march(line)
    return line


@pytest.fixture(scope="module")
def installation(line: ChangingLine) -> Installation:
    clock = SystemClock()
    deployment = Deployment(
        line.database,
        (),
        cache=line.folder,
        clock=clock,
        events=Events(),
        subjects=Subjects(PEPPER),
        draws=AuditDraws(PEPPER),
    )
    return Installation(line.database, deployment, clock)


def key(installation: Installation, grant: Grant) -> str:
    return installation.key(f"somebody-{uuid4().hex}", grant)


@contextmanager
def visiting(installation: Installation, grant: Grant) -> Iterator[httpx.Client]:
    application = console.create_app(Settings(), installation.database, installation.clock, KeyRing(PEPPER), Events())
    with served(application) as address, httpx.Client(base_url=address, headers={"Origin": address}) as client:
        client.post("/sign-in", data={"key": key(installation, grant), "next": "/"})
        yield client


def test_figures_over_http_are_those_of_the_service(line: ChangingLine, installation: Installation) -> None:
    with line.database.begin() as tx:
        now = installation.clock.now()
        expected = changes.account_of(tx, NAME, since=on(1), now=now)
    viewer = key(installation, VIEWER)
    found = call(installation, "GET", CHANGES, viewer, params={"since": "7000d"}).json()
    assert found["changes"] == expected.figures.changes == 6
    assert found["kinds"] == {"release": 2, "policy": 1, "split": 1, "promotion": 1, "gate": 1}
    assert (found["failures"]["some"], found["failures"]["all"]) == (3, 6)
    assert found["lead_time"]["median"] == expected.figures.lead_time.median.total_seconds()  # type: ignore[union-attr]
    assert found["recovery_time"]["count"] == 2
    assert (found["unrecovered"], found["automatic_rollbacks"]["some"]) == (1, 1)
    assert [one["what"] for one in found["made"]] == [one.what for one in expected.changes]
    failed = [one for one in found["made"] if one["kind"] == "policy"]
    assert [(one["failed"], one["recovery_time"], one["signs"][0]["kind"]) for one in failed] == [
        (True, 6 * 3600, "rolled back")
    ]
    (all_of_it,) = call(installation, "GET", FIGURES, viewer, params={"since": "7000d"}).json()
    assert {name: found[name] for name in ("automation", "changes", "kinds")} == {
        name: all_of_it[name] for name in ("automation", "changes", "kinds")
    }


def test_history_over_http_says_who_and_why(installation: Installation) -> None:
    viewer = key(installation, VIEWER)
    found = call(installation, "GET", HISTORY, viewer, params={"at": "2025-03-03T15:00:00+01:00"}).json()
    assert found["release"] == {
        "what": "version 1",
        "by": "olga",
        "at": "2025-03-02T12:00:00Z",
        "reason": "go live",
    }
    assert (found["shares"], found["audit_share"]) == ({"1": 90, "2": 10}, 0.02)
    assert [one["threshold"] for one in found["gates"]] == [0.9, 0.85]
    assert [(one["segment"], one["state"]) for one in found["held"]] == [({"country": "AT"}, "supervised")]
    assert found["after"][0]["what"] == "country=AT: supervised to automatic"
    assert call(installation, "GET", HISTORY, viewer).json()["state"] == "stopped"


def test_the_stranger_sees_nothing_and_nonsense_is_refused(installation: Installation) -> None:
    stranger, viewer = key(installation, STRANGER), key(installation, VIEWER)
    assert [call(installation, "GET", path, stranger).status_code for path in (CHANGES, HISTORY)] == [403, 403]
    assert call(installation, "GET", FIGURES, stranger).json() == []
    refused = [
        (CHANGES, {"since": "soon"}, "RequestInvalid"),
        (CHANGES, {"since": "9999999999999d"}, "RequestInvalid"),
        (HISTORY, {"at": "8000-01-01T00:00:00Z"}, "MomentNotYet"),
        (HISTORY, {"at": "yesterday"}, "RequestInvalid"),
    ]
    for path, params, code in refused:
        answer = call(installation, "GET", path, viewer, params=params)
        assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert call(installation, "GET", HISTORY, viewer, params={"at": "0001-01-01T00:00:00Z"}).json()["release"] is None


def test_the_console_shows_figures_weeks_and_moments(installation: Installation) -> None:
    with visiting(installation, VIEWER) as client:
        assert f"/lines/{NAME}/changes?since=365d" in client.get("/changes", params={"since": "365d"}).text
        page = client.get(f"/lines/{NAME}/changes", params={"since": "7000d"}).text
        assert "Change failure rate" in page
        assert "50.0 %" in page
        assert page.count('<svg class="bars"') == 3
        assert f"policy {policy_version(2)}" in page
        moment = client.get(f"/lines/{NAME}/history", params={"at": "2025-03-03 14:00"}).text
        assert "version 1: 90 %" in moment
        assert "try version 2" in moment
        wrong = client.get(f"/lines/{NAME}/history", params={"at": "lunch"})
        assert (wrong.status_code, "expected a time such as" in wrong.text) == (422, True)
        assert client.get(f"/lines/{NAME}/history", params={"at": "3000-01-01"}).status_code == 422
    with visiting(installation, STRANGER) as client:
        assert NAME not in client.get("/changes").text
        assert client.get(f"/lines/{NAME}/changes").status_code == 404
        assert client.get(f"/lines/{NAME}/history").status_code == 404


def test_the_console_names_no_weekly_rate_before_a_week_has_passed(installation: Installation) -> None:
    with visiting(installation, VIEWER) as client:
        assert "known after a week" in client.get(f"/lines/{NAME}/changes", params={"since": "2d"}).text
        assert "known after a week" not in client.get(f"/lines/{NAME}/changes", params={"since": "30d"}).text
        assert 'title="Known after a week"' in client.get("/changes", params={"since": "2d"}).text


@pytest.fixture
def run(line: ChangingLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    (tmp_path / "andon.toml").write_text('[project]\nname = "test"\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ANDON_DATABASE_URL", line.database.url)

    def run(*words: str) -> Result:
        return CliRunner().invoke(app, words, env={"COLUMNS": "200", "TERM": "dumb"})

    return run


def test_the_commands_print_figures_and_moments(run) -> None:  # type: ignore[no-untyped-def]
    whole = run("kpi", NAME, "--since", "7000d").output
    assert "50.0% (11.8% to 88.2%), 3 of 6" in whole
    assert "median of 2; 1 not over" in whole
    assert NAME in run("kpi").output
    assert json.loads(run("kpi", NAME, "--since", "7000d", "--json").output)["changes"] == 6
    moment = run("history", NAME, "--at", "2025-03-03 14:00").output
    assert "by olga 2025-03-03 09:00:00 UTC: try version 2" in moment
    assert "country=AT is supervised" in moment
    held = json.loads(run("history", NAME, "--at", "2025-03-03 14:00", "--json").output)["held"]
    assert held[0]["segment"] == {"country": "AT"}
    assert (run("history", NAME, "--at", "noon").exit_code, run("kpi", "nobody").exit_code) == (2, 4)


def test_a_worker_shows_the_figures_to_prometheus(line: ChangingLine) -> None:
    metrics = Metrics()

    class April:
        """The last of March, from where 90 days hold all changes."""

        def now(self) -> object:
            return on(31)

    watch_changes(metrics, line.database, April())  # type: ignore[arg-type]
    text = metrics.text().decode()
    assert 'andon_changes{automation="payments",kind="release"} 2.0' in text
    assert 'andon_change_failure_ratio{automation="payments"} 0.5' in text
    assert 'andon_change_automatic_rollback_ratio{automation="payments"} 1.0' in text
    with line.database.begin() as tx:
        (expected,) = changes.figures(tx, since=on(31) - SPAN, now=on(31))
    assert (
        f'andon_line_state_ratio{{automation="payments",state="stopped"}} {expected.states.share("stopped")}'
    ) in text  # type: ignore[arg-type]
