"""`andon measures`: the sums as a table and as JSON; and the same as Prometheus gauges."""

import json
from pathlib import Path

import pytest
from click.testing import Result
from tests.integration.measures.metering import decide, measured, work
from typer.testing import CliRunner

from andon.bootstrap.measured import watch_measures
from andon.cli import app
from andon.kernel.db import Database
from andon.kernel.metrics import Metrics
from andon.measures import Meter
from lines import install


@pytest.fixture(autouse=True)
def project(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installation = install(database, tmp_path, measured())
    for number, country in ((1, "DE"), (2, "FR")):
        decide(installation, number, amount=1000.0 * number, country=country)
    (tmp_path / "andon.toml").write_text('[project]\nname = "test"\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ANDON_DATABASE_URL", database.url)
    monkeypatch.setenv("COLUMNS", "100")


def andon(*arguments: str, status: int = 0) -> Result:
    result = CliRunner().invoke(app, ["measures", *arguments])
    assert result.exit_code == status, result.output
    return result


def test_it_shows_sums_for_people_and_as_json_and_prometheus_reads_the_same(database: Database) -> None:
    assert "Nothing was measured" in andon("payments").output
    with database.begin() as tx:
        now = database.now()
        del tx
    work(database, Meter(), now)
    told = andon("payments", "--since", "7d").output
    assert "screened" in told
    assert "3,000.00" in told
    assert "country=FR" in andon("payments", "--by", "segment").output
    rows = json.loads(andon("payments", "--by", "version", "--json").stdout)["measures"]
    assert [(one["measure"], one["group"], one["total"]) for one in rows if one["measure"] == "screened"] == [
        ("screened", {"version": "fraud-risk@1"}, 3000.0)
    ]
    metrics = Metrics()
    watch_measures(metrics, database)
    labels = 'automation="payments",measure="screened",unit="EUR",version="fraud-risk@1"'
    assert f"andon_measure_sum{{{labels}}} 3000.0" in metrics.text().decode()
    assert f"andon_measure_decisions{{{labels}}} 2.0" in metrics.text().decode()


def test_an_automation_that_was_never_deployed_is_not_found() -> None:
    assert "No automation" in andon("lending", status=4).output
