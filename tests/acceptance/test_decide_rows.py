"""`andon decide` as a person uses it: files in three formats, a query, bad rows, the requested output format."""

import csv
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from sqlalchemy import text

from andon.kernel import config, postgres
from andon.kernel.db import Database
from andon_demo.line import ANDON, Line, LineFailed
from installed import InstalledLine
from packages import a_package

pytestmark = pytest.mark.long

ROWS = [{"payment_id": f"p{n}", "account": f"a{n % 3}", "amount": 10.0 * n + 1, "country": "NA"} for n in range(40)]


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Line]:
    folder = tmp_path_factory.mktemp("rows")
    for place in (folder, folder.parent, folder.parent.parent):
        place.chmod(0o711)
    (folder / "automation.py").write_text("from automations import an_automation\n\npayments = an_automation()\n")
    (folder / "andon.toml").write_text(
        '[destinations.bank]\nurl = "http://127.0.0.1:9/"\nsecret_env = "BANK_SECRET"\nallow_private = true\n'
    )
    package = a_package(folder / "package")
    environment = {"PYTHONPATH": str(Path(__file__).parent.parent), "BANK_SECRET": "whsec_" + "eA" * 16}
    with InstalledLine(folder, environment=environment) as line:
        line.register(package)
        line.up()
        yield line


@pytest.fixture
def database(line: Line) -> Iterator[Database]:
    database = Database(postgres.url_of(config.load(line.folder, {})))
    yield database
    database.close()


def count(database: Database, what: str) -> int:
    with database.begin() as tx:
        return int(tx.execute(text(f"SELECT count(*) FROM {what}")).scalar_one())


def parquet(file: Path) -> list[dict[str, Any]]:
    found = duckdb.connect().execute("SELECT * FROM read_parquet(?) ORDER BY row", [str(file)])
    names = [column[0] for column in found.description or []]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def test_the_same_rows_in_any_format_come_out_alike(line: Line) -> None:
    ndjson = line.folder / "alike.ndjson"
    ndjson.write_text("".join(json.dumps({**row, "country": "DE"}) + "\n" for row in ROWS))
    read = f"FROM read_json('{ndjson}', format='newline_delimited')"
    duckdb.connect().execute(f"COPY (SELECT * {read}) TO '{line.folder}/alike.parquet' (FORMAT parquet)")
    scores = []
    for name in ("alike.ndjson", "alike.parquet"):
        told = line.command("decide", name, "--output", f"of-{name}.parquet")
        assert "Decided 40 of 40 rows" in told
        rows = parquet(line.folder / f"of-{name}.parquet")
        scores.append([(row["row"], row["outcome"], row["score"], row["reasons"]) for row in rows])
        assert all(row["interval_low"] < row["interval_high"] for row in rows if row["interval_low"] is not None)
        assert {row["model_version"] for row in rows} == {1}
    assert scores[0] == scores[1]
    assert {outcome for _, outcome, *_ in scores[0]} == {"release", "pause", "review"}


def test_a_query_is_decided_with_its_own_types_and_keys(line: Line, database: Database) -> None:
    with database.begin() as tx:
        tx.execute(
            text(
                "CREATE TABLE claims (id int, payment_id text, account text, amount numeric, country text, extra json)"
            )
        )
        tx.execute(
            text("INSERT INTO claims VALUES (:id, :payment_id, :account, :amount, :country, '{\"a\":\n 1}')"),
            [{"id": n, **row} for n, row in enumerate(ROWS)],
        )
    query = "SELECT * FROM claims ORDER BY id -- the oldest first"
    told = line.command("decide", "--query", query, "--output", "claims.parquet", "--keep", "id", "--keep", "extra")
    assert "Left out, not in the contract: id" not in told
    rows = parquet(line.folder / "claims.parquet")
    assert [row["id"] for row in rows] == [str(n) for n in range(40)]
    with database.begin() as tx:
        recorded = text("SELECT convert_from(record, 'UTF8')::json->'input'->>'country' FROM decisions WHERE id = :id")
        assert tx.execute(recorded, {"id": rows[0]["decision_id"]}).scalar_one() == "NA", "a code, not a missing value"
    assert list((line.folder / ".andon" / "runs").iterdir()) == []


def test_a_query_elsewhere_is_reached_by_a_variable_that_is_never_shown(line: Line, database: Database) -> None:
    ask = ("decide", "--output", "elsewhere.csv", "--url-env", "CLAIMS_URL", "--query")
    values = "SELECT 'p1' AS payment_id, 'a1' AS account, 9.5 AS amount"
    line.environment["CLAIMS_URL"] = database.url
    assert "Decided 1 of 1 rows" in line.command(*ask, values)
    line.environment["CLAIMS_URL"] = "postgresql://u:secret-word@127.0.0.1:9/none"
    with pytest.raises(LineFailed, match="ended with 6") as failed:
        line.command(*ask, values, "--overwrite")
    assert "secret-word" not in str(failed.value)


def test_memory_does_not_grow_with_the_rows(line: Line) -> None:
    def peak_of(rows: int) -> float:
        """Return the peak memory of a run, in MB. Each row brings a kilobyte that is kept."""
        name = f"wide-{rows}.ndjson"
        with (line.folder / name).open("w", encoding="utf-8") as file:
            for n in range(rows):
                row = {"payment_id": f"p{n}", "account": f"a{n % 3}", "amount": n % 400 + 1.0, "country": f"{n:01024}"}
                file.write(json.dumps(row) + "\n")
        command = [ANDON, "decide", name, "--keep", "country", "--output", f"of-{name}"]
        process = subprocess.Popen(command, cwd=line.folder, env=line.environment, stdout=subprocess.DEVNULL)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0
        with (line.folder / f"of-{name}").open(encoding="utf-8") as file:
            assert sum(1 for _ in file) == rows
        return used.ru_maxrss / 1024

    few, many = peak_of(4_000), peak_of(30_000)
    assert many < few + 13, f"26 MB more of rows took {many - few:.0f} MB more"


def test_bad_rows_stand_in_the_output_with_the_reason_and_the_exit_code_says_so(line: Line, database: Database) -> None:
    file = line.folder / "bad.csv"
    file.write_text("payment_id,account,amount\np1,a1,10\np2,a1,-5\np3,a1,many\np4,a1,20\n")
    with pytest.raises(LineFailed, match=r"ended with 2.*2 rows do not match the contract: row 2: input.amount"):
        line.command("decide", "bad.csv", "--output", "bad-out.csv")
    with (line.folder / "bad-out.csv").open(newline="") as rows:
        found = list(csv.DictReader(rows))
    assert [row["outcome"] == "" for row in found] == [False, True, True, False]
    assert "greater than 0" in found[1]["error"]
    assert count(database, "scoring_runs WHERE ended_at IS NULL") == 0


def test_a_run_that_ended_is_made_anew_and_one_that_others_make_is_left_to_them(line: Line, database: Database) -> None:
    file = line.folder / "anew.ndjson"
    file.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    before = count(database, "decisions")
    line.command("decide", "anew.ndjson", "--output", "anew.csv")
    with pytest.raises(LineFailed, match=r"ended with 5.*--overwrite"):
        line.command("decide", "anew.ndjson", "--output", "anew.csv")
    line.command("decide", "anew.ndjson", "--output", "anew.csv", "--overwrite")
    assert count(database, "decisions") == before + 80
    (digest,) = {run for run in _digests(database) if count(database, f"scoring_runs WHERE digest = '{run}'") == 2}
    with database.alone(f"andon.scoring/payments/{digest}") as alone:
        assert alone
        with pytest.raises(LineFailed, match=r"ended with 5.*Another process is deciding anew.ndjson"):
            line.command("decide", "anew.ndjson", "--overwrite")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "Name a file, or give a query"),
        (["a.csv", "--query", "SELECT 1"], "Name a file, or give a query"),
        (["--query", "SELECT 1"], "needs --output"),
        (["rows.csv", "--output", "out.xlsx"], "should end in"),
        (["--query", "SELECT 1", "--output", "o.csv", "--url-env", "NOT_SET"], "NOT_SET"),
    ],
)
def test_what_cannot_be_done_is_said_before_anything_is_decided(line: Line, arguments: list[str], said: str) -> None:
    (line.folder / "rows.csv").write_text("payment_id,account,amount\np1,a1,10\n")
    with pytest.raises(LineFailed, match=r"ended with 2") as failed:
        line.command("decide", *arguments)
    assert said in str(failed.value)


def _digests(database: Database) -> list[str]:
    with database.begin() as tx:
        return list(tx.execute(text("SELECT DISTINCT digest FROM scoring_runs")).scalars())
