"""Monitors as people and programs see them: commands, the API, metrics."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from andon.access import Grant, Role
from andon.authoring import MONITORS
from andon.bootstrap.monitors import watch_monitors
from andon.cli import app
from andon.kernel.clock import SystemClock
from andon.kernel.db import Database
from andon.kernel.metrics import Metrics
from andon.monitors.metrics import MonitorMetrics
from calls import call
from lines import Installation, install
from watched import DAY, HOUR, WatchedLine

NOW = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


@pytest.fixture
def line(database: Database, tmp_path: Path) -> WatchedLine:
    """Return a line that drifted yesterday."""
    line = WatchedLine(database, tmp_path / "package")
    line.write([{**one, "amount": one["amount"] + 200} for one in line.usual(250)], NOW - DAY, DAY)
    now = SystemClock().now()
    line.read(now)
    line.judged(max(now, NOW + timedelta(minutes=1)))
    with database.begin() as tx:
        line.judge.judge_service_level(tx, NOW)
    return line


@pytest.fixture
def here(line: WatchedLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WatchedLine:
    (tmp_path / "andon.toml").write_text('[project]\nname = "test"\n', encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ANDON_DATABASE_URL", line.database.url)
    monkeypatch.setenv("COLUMNS", "220")
    return line


def andon(*arguments: str, status: int = 0) -> Result:
    result = CliRunner().invoke(app, ["monitors", *arguments])
    assert result.exit_code == status, result.output
    return result


def test_the_list_shows_the_worst_first_and_why_others_are_silent(here: WatchedLine) -> None:
    rows = json.loads(andon("list", "payments", "--json").stdout)
    assert (rows[0]["monitor"], rows[0]["series"], rows[0]["state"]) == ("drift", "amount", "warning")
    assert {row["monitor"] for row in rows} == set(MONITORS)
    assert all(row["reason"] for row in rows if row["state"] == "silent")
    shown = andon("list", "payments").stdout
    assert "standard deviations" in shown
    assert "too few labels, 0 of 50" in shown


def test_one_monitor_is_shown_with_its_trend(here: WatchedLine) -> None:
    found = json.loads(andon("show", "payments", "drift", "--by-day", "--json").stdout)
    [day] = found["trend"]
    assert (day["decisions"], day["complete"], day["hours"]) == (250, True, 24)
    assert day["values"]["amount"] > 0.5
    hours = json.loads(andon("show", "payments", "latency", "--json").stdout)["trend"]
    assert sum(one["decisions"] for one in hours) == 250
    assert hours[0]["values"]["p50"] == pytest.approx(2, rel=0.06)
    assert "amount" in andon("show", "payments", "drift").stdout


@pytest.mark.parametrize("monitor", MONITORS)
def test_every_monitor_can_be_shown(here: WatchedLine, monitor: str) -> None:
    found = json.loads(andon("show", "payments", monitor, "--json").stdout)
    assert {one["monitor"] for one in found["series"]} == {monitor}


def test_what_does_not_exist_is_named(here: WatchedLine) -> None:
    assert "no monitor 'nonsense'" in andon("show", "payments", "nonsense", status=4).output
    assert "nobody" in andon("list", "nobody", status=4).output


@pytest.fixture
def installation(standing: None, database: Database, tmp_path: Path) -> Installation:
    return install(database, tmp_path)


def test_the_api_gives_series_and_trends_to_those_who_may_read_the_automation(
    installation: Installation, tmp_path: Path
) -> None:
    path = "/v1/automations/payments/monitors"
    viewer = installation.key("vera", Grant(Role.VIEWER))
    body: dict[str, Any] = call(installation, "GET", path, viewer).json()
    assert {one["monitor"] for one in body["series"]} == set(MONITORS)
    assert {one["state"] for one in body["series"]} == {"silent"}
    one = call(installation, "GET", f"{path}/drift?by=day", viewer).json()
    assert (one["automation"], one["monitor"], one["trend"]) == ("payments", "drift", [])
    assert call(installation, "GET", f"{path}/nonsense", viewer).status_code == 404
    assert call(installation, "GET", "/v1/automations/nobody/monitors", viewer).status_code == 404
    stranger = installation.key("sam", Grant(Role.CALLER))
    assert call(installation, "GET", path, stranger).status_code == 403


def test_metrics_count_breaches_and_show_states(line: WatchedLine) -> None:
    metrics = Metrics()
    counted = MonitorMetrics(metrics)
    counted.follow(line.published.bus)
    watch_monitors(metrics, line.database)
    line.write(line.usual(250), NOW, HOUR, latency_us=5_000_000)
    line.read(NOW + HOUR)
    with line.database.begin() as tx:
        line.judge.judge_service_level(tx, NOW + HOUR)
    text = metrics.text().decode()
    assert 'andon_monitor_series{automation="payments",monitor="drift",state="warning"} 1.0' in text
    assert 'andon_monitor_breaches_total{automation="payments",level="critical",monitor="service-level"} 2.0' in text
