"""Kill `andon decide` with SIGKILL at random moments and restart it: each row is decided once, the output is whole."""

import csv
import json
import os
import random
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from andon.kernel import config, postgres
from andon.kernel.db import Database
from andon.scoring import PART_ROWS
from andon_demo.line import ANDON, Line
from counted import counted_in_windows
from installed import InstalledLine
from packages import a_package

ROWS = 10_000
KILLS = int(os.environ.get("ANDON_TEST_RUN_KILLS", "3"))

AUTOMATION = """
from andon import Automation, Policy, Request, Review, Window
from automations import Payment

POLICY = '''
outcomes: [release, pause, review]
rules:
  - {id: busy, when: 'features.amount_count_1h > 100.0', then: pause, reasons: [BUSY, "MANY"]}
  - {id: risky, when: 'prediction.score >= 0.8', then: pause, unproven: true, reasons: [HIGH_SCORE]}
  - {id: safe, when: 'prediction.score < 0.3', then: release, unproven: true}
otherwise: review
'''


def line(name):
    return Automation(
        name,
        contract=Payment,
        subject="account",
        features=[
            Request("round_amount", lambda payment: payment["amount"] % 100 == 0),
            Window("amount", by="account", over=("1h",), aggregates=("count", "sum")),
        ],
        model="fraud-risk",
        policy=Policy.yaml(POLICY),
        review=Review(queue="fraud"),
    )


undisturbed = line("undisturbed")
killed = line("killed")
"""


@pytest.fixture
def line(short_folder: Path) -> Iterator[Line]:
    (short_folder / "automation.py").write_text(AUTOMATION, encoding="utf-8")
    (short_folder / "andon.toml").write_text("", encoding="utf-8")
    package = a_package(short_folder / "package")
    with InstalledLine(short_folder, environment={"PYTHONPATH": str(Path(__file__).parent.parent)}) as line:
        line.register(package)
        line.up()
        yield line


@pytest.fixture
def database(line: Line) -> Iterator[Database]:
    database = Database(postgres.url_of(config.load(line.folder, {})))
    yield database
    database.close()


@pytest.mark.crash
@pytest.mark.timeout(300)
def test_a_killed_run_goes_on_and_decides_no_row_twice(line: Line, database: Database) -> None:
    seed = int(os.environ.get("ANDON_TEST_SEED", str(random.randrange(10**6))))
    print(f"seed {seed}, {KILLS} kills; repeat with ANDON_TEST_SEED={seed}")
    draw = random.Random(seed)
    file = a_file(line.folder / "payments.ndjson", draw)
    undisturbed = outputs(line, file, "undisturbed")
    before_the_last_part = ROWS - PART_ROWS  # once that is there, so is the output
    for rows in sorted(draw.randrange(before_the_last_part) for _ in range(KILLS)):
        kill_when(line, database, file, rows)
    killed = outputs(line, file, "killed")
    assert [without_id(row) for row in killed] == [without_id(row) for row in undisturbed]
    assert len(killed) == ROWS
    assert len({row["decision_id"] for row in [*killed, *undisturbed]}) == 2 * ROWS
    with database.begin() as tx:
        counted = dict(tx.execute(text("SELECT automation, count(*) FROM decisions GROUP BY 1")).all())
        tiles = {automation: counted_in_windows(tx, automation) for automation in counted}
        unfinished = tx.execute(text("SELECT count(*) FROM scoring_runs WHERE ended_at IS NULL")).scalar_one()
    assert counted == tiles == {"undisturbed": ROWS, "killed": ROWS}
    assert unfinished == 0
    assert '"ok": true' in line.command("audit", "verify", "--json")


@pytest.mark.crash
@pytest.mark.timeout(300)
def test_a_killed_run_is_given_up_on_demand_and_leaves_nothing_behind(line: Line, database: Database) -> None:
    file = a_file(line.folder / "payments.ndjson", random.Random(1))
    kill_when(line, database, file, PART_ROWS)
    assert drafts(line)
    decided = outputs(line, file, "killed", "--again")
    assert len({row["decision_id"] for row in decided}) == ROWS
    assert drafts(line) == []
    with database.begin() as tx:
        ends = tx.execute(text("SELECT id, ended_at IS NOT NULL FROM scoring_runs ORDER BY begun_at")).all()
        counts = tx.execute(text("SELECT count(*) FROM decisions WHERE automation = 'killed'")).scalar_one()
    assert [ended for _, ended in ends] == [True, True]
    assert counts > ROWS + PART_ROWS


def drafts(line: Line) -> list[str]:
    """Return what runs left beside their outputs."""
    return [file.name for file in line.folder.iterdir() if ".part" in file.name]


def a_file(path: Path, draw: random.Random) -> Path:
    with path.open("w", encoding="utf-8") as file:
        for number in range(ROWS):
            account, amount = f"a{draw.randrange(150)}", round(draw.uniform(1, 600), 2)
            file.write(json.dumps({"payment_id": f"p{number}", "account": account, "amount": amount}) + "\n")
    return path


def outputs(line: Line, file: Path, automation: str, *more: str) -> list[dict[str, str]]:
    """Return the decisions, by a run that comes to its end."""
    target = line.folder / f"{automation}.csv"
    wanted = ["--automation", automation, "--output", target.name, "--keep", "payment_id"]
    print(line.command("decide", file.name, *wanted, *more))
    with target.open(newline="", encoding="utf-8") as rows:
        return list(csv.DictReader(rows))


def kill_when(line: Line, database: Database, file: Path, rows: int) -> None:
    """Begin the run or go on with it, and kill it once the ledger has so many of its rows."""
    command = [ANDON, "decide", file.name, "--automation", "killed", "--output", "killed.csv"]
    process = subprocess.Popen(command, cwd=line.folder, env=line.environment, stdout=subprocess.DEVNULL)
    try:
        while process.poll() is None:
            with database.begin() as tx:
                count = text("SELECT count(*) FROM decisions WHERE automation = 'killed'")
                if tx.execute(count).scalar_one() > rows:
                    break
            time.sleep(0.01)
    finally:
        process.kill()
    assert process.wait() == -9, "it was over before it could be killed"
    assert not (line.folder / "killed.csv").exists()


def without_id(row: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in row.items() if name not in ("decision_id", "automation_version")}
