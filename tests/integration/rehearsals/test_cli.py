"""`andon rehearse`: recorded calls go to another installation and are compared; invented rows are decided."""

import csv
import json
from pathlib import Path

import duckdb
import httpx
import pytest
from click.testing import Result
from sqlalchemy import text
from typer.testing import CliRunner

from andon.cli import app
from andon.kernel.db import Database
from automations import POLICY, an_automation, payment
from calls import DECIDE, calling
from lines import CALLER, Installation, install
from listening import listening
from receiver import SECRET

STRICTER = POLICY.replace("prediction.score < 0.3', then: release", "prediction.score < 0.3', then: pause")


@pytest.fixture
def recorded(database: Database, tmp_path: Path) -> Installation:
    """Return the installation whose calls are recorded: 40 payments, of which some are large."""
    installation = install(database, tmp_path / "recorded")
    rows = "\n".join(json.dumps(payment(n, account=f"a{n % 7}", amount=10.0 + 12 * n)) for n in range(40))
    headers = {"Authorization": f"Bearer {installation.key('bank', CALLER)}", "content-type": "application/x-ndjson"}

    async def work(client: httpx.AsyncClient) -> httpx.Response:
        return await client.post(f"{DECIDE}:batch", content=rows.encode(), headers=headers)

    assert len(calling(installation, work).text.splitlines()) == 40
    return installation


@pytest.fixture(autouse=True)
def project(recorded: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    bank = 'url = "http://127.0.0.1:9/"\nsecret_env = "BANK_SECRET"\nallow_private = true\n'
    (tmp_path / "andon.toml").write_text(f"[destinations.bank]\n{bank}")
    code = "from automations import an_automation\n\npayments = an_automation()\n"
    (tmp_path / "automation.py").write_text(code)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ANDON_DATABASE_URL", recorded.database.url)
    monkeypatch.setenv("BANK_SECRET", SECRET)
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path


def andon(*words: str, status: int = 0) -> Result:
    result = CliRunner().invoke(app, list(words))
    assert result.exit_code == status, result.output
    return result


def decisions(database: Database) -> int:
    with database.begin() as tx:
        return int(tx.execute(text("SELECT count(*) FROM decisions")).scalar_one())


def test_recorded_calls_are_decided_elsewhere_in_their_rhythm_and_compared(
    module_database: Database, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    automation = an_automation()
    automation.policy = type(automation.policy).yaml(STRICTER)
    staging = install(module_database, project / "staging", automation)
    monkeypatch.setenv("STAGING_KEY", staging.key("rehearsal", CALLER))
    with listening(staging) as url:
        words = ("rehearse", "traffic", "--to", url, "--pace", "100", "--key-env", "STAGING_KEY")
        report = json.loads(andon(*words, "--json").stdout)
        assert (report["sent"], report["answered"], report["failures"]) == (40, 40, {})
        changed = {(one["recorded"], one["now"]) for one in report["outcomes"] if one["recorded"] != one["now"]}
        assert changed == {("release", "pause")}
        assert 0 < report["same"] < 40
        assert 0 < report["latency_ms"]["half"] <= report["latency_ms"]["slowest"]
        shown = andon(*words).stdout
    assert "40, " in shown
    assert "release" in shown
    assert decisions(module_database) == 80, "a second rehearsal is not answered from the first"


def test_traffic_is_not_sent_to_who_recorded_it_nor_to_nobody(
    recorded: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = andon("keys", "create", "--name", "own", "--role", "caller", "--reason", "test").stdout.split()[-1]
    monkeypatch.setenv("OWN_KEY", own)
    to = ("rehearse", "traffic", "--to", "http://127.0.0.1:9")
    assert "--even-here" in andon(*to, "--key-env", "OWN_KEY", status=5).stderr
    assert "Nothing answers" in andon(*to, "--key-env", "OWN_KEY", "--even-here", status=2).stderr
    assert "--key-file or --key-env" in andon(*to, status=2).stderr
    assert "NO_KEY" in andon(*to, "--key-env", "NO_KEY", status=2).stderr
    Path("key").write_text("andon_wrong\n")
    with listening(recorded) as url:
        refused = andon("rehearse", "traffic", "--to", url, "--key-file", "key", status=2).stderr
    assert "401: Unauthenticated" in refused
    assert decisions(recorded.database) == 40


@pytest.mark.parametrize("ending", ["jsonl", "csv", "parquet"])
def test_invented_rows_are_decided(recorded: Installation, ending: str) -> None:
    said = andon("rehearse", "rows", "--rows", "60", "--out", f"rows.{ending}").stdout
    assert "profile of fraud-risk" in said
    assert "too few inputs" in said
    andon("decide", f"rows.{ending}", "--output", "decided.csv")
    with Path("decided.csv").open(newline="", encoding="utf-8") as file:
        decided = list(csv.DictReader(file))
    assert len(decided) == 60
    assert {row["error"] for row in decided} == {""}
    assert len({row["score"] for row in decided}) > 1


def test_edges_are_decided_too_and_what_cannot_be_written_is_said(recorded: Installation, project: Path) -> None:
    said = andon("rehearse", "rows", "--rows", "0", "--edges", "--out", "edges.jsonl").stdout
    rows = duckdb.sql("SELECT * FROM read_json('edges.jsonl')").fetchall()
    assert f"{len(rows)} rows are in edges.jsonl, {len(rows)} of them at the edges" in said
    assert len(rows) > 30
    andon("decide", "edges.jsonl", "--output", "edges.parquet")
    for file, status in (("edges.jsonl", 2), ("edges.csv", 2), ("edges.txt", 2), ("nowhere/edges.jsonl", 2)):
        andon("rehearse", "rows", "--edges", "--out", file, status=status)
