"""`andon features`: training sets, what a value is made of, expectations of a data set."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import Result
from tests.integration.features.payments import decide, installed, request
from typer.testing import CliRunner

from andon import labels
from andon.cli import app
from andon.decisions import Decision
from andon.kernel.db import Database
from andon.kernel.events import Events
from lines import OWNER, Installation

polars = pytest.importorskip("polars")


@pytest.fixture
def here(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    (tmp_path / "andon.toml").write_text('[project]\nname = "test"\nautomations = ["automation.py"]\n')
    (tmp_path / "automation.py").write_text(
        "from tests.integration.features.payments import a_line\npayments = a_line()\n", encoding="utf-8"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ANDON_DATABASE_URL", database.url)
    monkeypatch.setenv("COLUMNS", "200")
    return installed(database, tmp_path)


def andon(*arguments: str, status: int = 0) -> Result:
    result = CliRunner().invoke(app, ["features", *arguments])
    assert result.exit_code == status, result.output
    return result


def some(here: Installation) -> list[Decision]:
    amounts = [("a1", 10.0, None), ("a2", 20.0, None), ("a1", 30.0, timedelta(minutes=30)), ("a1", 990.0, None)]
    return decide(here, *[[request(here, {"account": a, "amount": m}, late=late)] for a, m, late in amounts])


def test_a_training_set_has_every_decision_as_it_was_seen_and_its_label(here: Installation) -> None:
    decided = some(here)
    with here.database.begin() as tx:
        source = labels.LabelSource.EVENT
        for value in ("ok", "fraud"):
            labels.record(
                tx,
                decision_id=decided[0].request.id,
                value=value,
                source=source,
                actor=OWNER,
                events=Events(),
                now=here.clock.now(),
            )
    assert "4 rows are in payments.parquet" in andon("dataset", "--from", "2020-01-01", "--labels").output
    frame = polars.read_parquet("payments.parquet")
    assert frame["decision_id"].to_list() == [str(d.request.id) for d in decided]
    assert frame["amount_sum_24h"].to_list() == [10.0, 20.0, 30.0, 1030.0]
    assert frame["customers_segment"].to_list() == ["gold", None, "gold", "gold"]
    assert frame["expectations_breached"].to_list() == ["", "", "", "amount_sum_24h"]
    assert frame["label"].to_list() == ["fraud", None, None, None]
    assert frame["label_source"].to_list() == ["event", None, None, None]
    assert frame["label_weight"].to_list() == [1.0, None, None, None]
    assert frame["label_mature"].to_list() == [True, None, None, None]
    assert "already exists" in andon("dataset", "--from", "2020-01-01", status=5).output


def test_computed_anew_from_the_ledger_it_says_what_was_seen(here: Installation) -> None:
    some(here)
    andon("dataset", "--from", "2020-01-01", "--output", "seen.parquet")
    andon("dataset", "--from", "2020-01-01", "--history", "ledger", "--output", "anew.parquet")
    seen, anew = polars.read_parquet("seen.parquet"), polars.read_parquet("anew.parquet")
    assert seen.columns == anew.columns  # in one order
    features = [name for name in seen.columns if "_1h" in name or "_24h" in name or "customers" in name]
    assert len(features) == 9
    assert seen.select(features).equals(anew.select(features))


def test_a_history_from_a_file_keeps_every_row(here: Installation, tmp_path: Path) -> None:
    (tmp_path / "raw.csv").write_text(
        "payment_id,account,amount,country,at\n"
        "p3,a1,4,DE,2026-01-01T10:30:00Z\n"
        "p1,a1,1,DE,2026-01-01T10:00:00Z\n"
        "p2,a1,2,DE,2026-01-01T11:00:00+01:00\n"
        "p4,a1,-1,DE,2026-01-01T10:31:00Z\n"
        "p5,a1,8,XX,2026-01-01T10:40:00\n"
    )
    output = andon("dataset", "--from", "2026-01-01T10:10Z", "--history", "raw.csv", "--output", "h.parquet").output
    assert "3 rows" in output
    frame = polars.read_parquet("h.parquet")
    assert frame["row"].to_list() == [1, 4, 5]
    assert frame["amount_sum_1h"].to_list() == [7.0, None, 15.0]
    assert "greater than 0" in frame["error"].to_list()[1]
    assert frame["expectations_breached"].to_list() == ["", None, "country"]
    (tmp_path / "bad.csv").write_text("payment_id,account,amount,country,at\np1,a1,1,DE,yesterday\n")
    told = andon("dataset", "--from", "2026-01-01", "--history", "bad.csv", "--output", "b.parquet", status=2).output
    assert "row 1: 'yesterday' in column 'at' is not a time" in " ".join(told.split())


def test_a_value_is_explained_by_its_tiles_and_decisions(here: Installation) -> None:
    decided = some(here)
    [one] = json.loads(andon("show", "a1", "--json").stdout)
    assert (one["values"]["amount_count_24h"], one["values"]["amount_sum_24h"]) == (3, 1030.0)
    assert sum(tile["entries"] for tile in one["tiles"]) == 3
    assert {tuple(tile["widths"]) for tile in one["tiles"]} == {(60, 1440)}
    assert {e["decision_id"] for e in one["events"]} == {
        str(d.request.id) for d in decided if d.request.input["account"] == "a1"
    }
    assert "Tiles of 60 s, later of 1440 s" in andon("show", "a1").output
    [before] = json.loads(andon("show", "a1", "--at", "2020-01-01", "--json").stdout)
    assert (before["values"]["amount_count_24h"], before["events"]) == (0, [])


def test_windows_of_counts_and_sums_alone_are_explained_too(here: Installation) -> None:
    some(here)
    declared = 'Window("amount", by="account", over=("1h", "24h"), aggregates=("count", "sum"))'
    Path("automation.py").write_text(
        "from andon import Window\nfrom tests.integration.features.payments import a_line\n"
        f"payments = a_line()\npayments.features = ({declared},)\n",
        encoding="utf-8",
    )
    [one] = json.loads(andon("show", "a1", "--json").stdout)
    assert (sum(tile["entries"] for tile in one["tiles"]), one["values"]["amount_count_24h"]) == (3, 3)
    assert "Tiles of 60 s, later of 1440 s" in andon("show", "a1").output


def test_every_feature_is_listed_with_what_it_is_and_what_is_expected(here: Installation) -> None:
    told = {row["feature"]: row for row in json.loads(andon("list", "--json").stdout)}
    assert told["amount_last_24h"]["from"] == "last of amount by account over 24h"
    assert told["amount_sum_24h"]["expected"] == "at most 1000, never missing"
    assert told["country"]["expected"] == "one of DE, FR, never missing"


def test_a_data_set_is_held_against_the_expectations(here: Installation) -> None:
    decide(here, [request(here, {"account": "a1", "amount": 10.0})])
    andon("dataset", "--from", "2020-01-01", "--output", "good.parquet")
    assert "All 2 expectations hold for 1 rows" in andon("check", "good.parquet").output
    some(here)
    andon("dataset", "--from", "2020-01-01", "--output", "odd.parquet")
    (breach,) = json.loads(andon("check", "odd.parquet", "--json", status=5).stdout)["breaches"]
    assert (breach["name"], breach["rows"], breach["first"]) == ("amount_sum_24h", 1, [5])


def test_what_cannot_be_written_or_is_no_time_is_said(here: Installation) -> None:
    assert "is not before" in andon("dataset", "--from", "2026-02-01", "--to", "2026-01-01", status=2).output
    assert "is not a moment" in andon("dataset", "--from", "soon", status=2).output
    assert "is not a moment" in andon("breaches", "--since", "9999-12-31T23:59:59-14:00", status=2).output
    for far in ("0001-01-01", "9999-12-31"):
        assert "is out of range" in andon("show", "a", "--at", far, status=2).output
    assert "no folder" in andon("dataset", "--from", "2020-01-01", "--output", "nowhere/x.parquet", status=2).output
    assert "There is no file" in andon("dataset", "--from", "2020-01-01", "--history", "none.csv", status=2).output
    assert "cannot be read" in andon("check", "none.parquet", status=2).output
