"""From a data file to a project that trains, tests itself and decides its own rows; and the template."""

import json
import os
import random
import subprocess
import sys
import tomllib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import duckdb
import pytest
from typer.testing import CliRunner, Result

from andon import datafile
from andon.cli import app
from andon.decisions import DecisionRequest, assemble, load_file
from andon.models import ModelVersion, manifest
from andon.serving import load
from andon.testing import decide

START = datetime(2024, 1, 1, tzinfo=UTC)
ROWS = 1200

Andon = Callable[..., Result]


@pytest.fixture
def andon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Andon:
    """Return the command line, run in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return lambda *words: CliRunner().invoke(app, list(words), catch_exceptions=False)


def transfers(seed: int = 1) -> list[dict[str, object]]:
    """Rows with a target that amount, country and hour explain in part."""
    rng = random.Random(seed)
    rows = []
    for i in range(ROWS):
        amount, country = round(rng.lognormvariate(4, 1), 2), rng.choice(("DE", "FR", "US", "XK"))
        risk = amount / 200 + 2 * (country == "XK") + rng.gauss(0, 0.3)
        rows.append(
            {
                "": i,
                "Transfer ID": f"{rng.getrandbits(64):016x}",
                "created": (START + timedelta(minutes=7 * i)).isoformat(sep=" ", timespec="minutes")[:16],
                "Amount (EUR)": amount,
                "country": country if rng.random() > 0.05 else "",
                "class": rng.choice(("new", "old")),
                "visits": rng.randint(0, 30) if rng.random() > 0.1 else "NA",
                "is_new": rng.choice(("yes", "no")),
                "note": "said that\nit was; urgent",
                "kind": "low" if risk < 0.5 else "middle" if risk < 1.5 else "high",
                "is_fraud": int(risk > 1.5),
            }
        )
    return rows


def write_csv(folder: Path, *columns: str, encoding: str = "utf-8", separator: str = ",") -> Path:
    """Write some columns of the transfers as a CSV file."""
    file = folder / "data.csv"
    lines = [columns, *([row[name] for name in columns] for row in transfers())]
    quoted = [separator.join(_quoted(cell) for cell in line) for line in lines]
    file.write_text("\n".join(quoted) + "\n", encoding=encoding)
    return file


def _quoted(cell: object) -> str:
    return f'"{cell}"' if any(c in str(cell) for c in ',;\n"') else str(cell)


def run(folder: Path, *words: str) -> None:
    """Run Python in the project, as its owner would; its output is shown when it fails."""
    environment = {**os.environ, "CI": "", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    ended = subprocess.run(
        [sys.executable, *words], cwd=folder, capture_output=True, text=True, check=False, env=environment
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr


def outcomes_of_its_own_rows(folder: Path, data: Path) -> dict[str, int]:
    """Every row of the file decided by the project's line with the model it packed."""
    run(folder, "train.py")
    (automation,) = load_file(folder / "automation.py")
    package = folder / "package"
    packed = manifest.parse((package / "manifest.json").read_text(), source="manifest.json")
    version = ModelVersion(packed.name, 1, packed.digest, packed, "test", "test", START)
    line = assemble(automation, load(version, package), number=1)
    evidence = line.traffic.champion.evidence
    assert (evidence.because, evidence.table.rows) == ("", packed.risk.rows), "the line begins without a proof"
    raws = [json.dumps(row).encode() for row in datafile.read_rows(data)]
    requests = [
        DecisionRequest(uuid4(), automation.name, raw, line.contract.read(raw), "test", "c", START, 0) for raw in raws
    ]
    decisions, _ = line.decide(requests, {}, now=requests[0].asked_at)
    counts: dict[str, int] = {}
    for decision in decisions:
        assert decision.judgement.prediction is not None
        assert decision.judgement.ruling.error is None
        counts[decision.judgement.ruling.outcome] = counts.get(decision.judgement.ruling.outcome, 0) + 1
    return counts


def check_clean(folder: Path) -> None:
    """Ruff finds nothing to complain about or to format."""
    run(folder, "-m", "ruff", "check", "--no-cache", "--select", "E,F,I,B,UP,W,N,SIM,RUF", "--ignore", "E501,N815", ".")
    run(folder, "-m", "ruff", "format", "--no-cache", "--check", ".")


def test_a_binary_target_with_a_time(andon: Andon, tmp_path: Path) -> None:
    data = write_csv(tmp_path, "", "Transfer ID", "created", "Amount (EUR)", "country", "class", "visits", "is_fraud")
    told = andon("init", "fraud", "--from", "data.csv", "--target", "is_fraud", "--time", "created")
    assert told.exit_code == 0, told.output
    assert "'1' counts as positive" in told.output
    counts = outcomes_of_its_own_rows(tmp_path / "fraud", data)
    assert sum(counts.values()) == ROWS
    assert counts["clear"] > ROWS / 4
    check_clean(tmp_path / "fraud")


def test_a_binary_target_without_a_time_in_a_german_file(andon: Andon, tmp_path: Path) -> None:
    data = write_csv(
        tmp_path, "Amount (EUR)", "country", "note", "is_new", "is_fraud", encoding="cp1252", separator=";"
    )
    told = andon("init", "fraud", "--from", "data.csv", "--target", "is_fraud", "--positive", "0")
    assert told.exit_code == 0, told.output
    counts = outcomes_of_its_own_rows(tmp_path / "fraud", data)
    assert sum(counts.values()) == ROWS
    check_clean(tmp_path / "fraud")


def test_a_target_of_three_classes(andon: Andon, tmp_path: Path) -> None:
    data = write_csv(tmp_path, "Amount (EUR)", "country", "class", "visits", "kind")
    told = andon("init", "kinds", "--from", "data.csv", "--target", "kind")
    assert told.exit_code == 0, told.output
    counts = outcomes_of_its_own_rows(tmp_path / "kinds", data)
    assert set(counts) <= {"low", "middle", "high", "review"}
    assert sum(counts.values()) == ROWS
    check_clean(tmp_path / "kinds")


def test_a_parquet_file(andon: Andon, tmp_path: Path) -> None:
    write_csv(tmp_path, "Transfer ID", "created", "Amount (EUR)", "country", "visits", "is_new", "is_fraud")
    data = tmp_path / "data.parquet"
    duckdb.connect().execute(
        f'COPY (SELECT * REPLACE (is_fraud = 1 AS is_fraud, "Amount (EUR)"::DECIMAL(12, 2) AS "Amount (EUR)")'
        f" FROM read_csv('{tmp_path}/data.csv', nullstr='NA')) TO '{data}'"
    )
    told = andon("init", "fraud", "--from", "data.parquet", "--target", "is_fraud", "--time", "created")
    assert told.exit_code == 0, told.output
    assert "'true' counts as positive" in told.output
    assert sum(outcomes_of_its_own_rows(tmp_path / "fraud", data).values()) == ROWS


def payments(folder: Path) -> Path:
    """Write payments of 1 to 120 by accounts, with bursts of fraud, a row number and a column filled in afterwards."""
    rng, moment, burst, left = random.Random(5), START, "", 0
    lines = ["row,paid at,account,amount,country,refund,is_fraud"]
    for i in range(ROWS):
        moment += timedelta(minutes=rng.expovariate(1 / 10))
        if left == 0 and rng.random() < 0.06:
            burst, left = f"A{rng.randrange(100)}", 6
        account = burst if left else f"A{rng.randrange(100)}"
        fraud = 0 < left < 4
        left = max(0, left - 1)
        refund = rng.randint(1, 99) if fraud and rng.random() < 0.7 else ""
        paid = f"{moment:%Y-%m-%d %H:%M}"
        lines.append(f"{i},{paid},{account},{rng.randint(1, 120)},{rng.choice(('DE', 'FR'))},{refund},{int(fraud)}")
    file = folder / "payments.csv"
    file.write_text("\n".join(lines) + "\n")
    return file


def test_what_lies_outside_of_the_file_is_decided_and_goes_to_a_person(andon: Andon, tmp_path: Path) -> None:
    payments(tmp_path)
    told = andon("init", "pay", "--from", "payments.csv", "--target", "is_fraud", "--time", "paid at")
    assert told.exit_code == 0, told.output
    output = " ".join(told.output.split())
    assert "row: left out, it numbers the rows; --keep row brings it back" in output
    assert "refund: left out, it is filled in only for some values of the target is_fraud" in output
    assert "windows of amount by account over 1 h and 24 h: area under the curve on the newest 300 rows" in output
    folder = tmp_path / "pay"
    run(folder, "train.py")
    run(folder, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    check_clean(folder)
    (line,) = load_file(folder / "automation.py")
    given: dict[str, object] = {"account": "A1", "amount": 60, "country": "DE"}
    inside, outside, elsewhere = decide(
        line,
        [given, {**given, "amount": 301}, {**given, "account": "Z9", "country": "Elbonia"}],
        model=folder / "package",
    )
    assert "UNEXPECTED_VALUES" not in inside.judgement.ruling.reasons
    assert (outside.judgement.ruling.outcome, outside.judgement.ruling.rule) == ("review", "unexpected")
    assert outside.judgement.prediction is not None
    assert "UNEXPECTED_VALUES" not in elsewhere.judgement.ruling.reasons
    assert elsewhere.judgement.ruling.error is None
    words = ("--target", "is_fraud", "--time", "paid at", "--keep", "refund", "--keep", "row", "--no-windows")
    kept = andon("init", "kept", "--from", "payments.csv", *words)
    assert kept.exit_code == 0, kept.output
    assert "refund: kept as you asked, though it is filled in only for some" in " ".join(kept.output.split())
    script = (tmp_path / "kept" / "train.py").read_text()
    assert '    "refund": FeatureKind.NUMBER,' in script
    assert '    "row": FeatureKind.NUMBER,' in script
    assert "andon.Window(" not in (tmp_path / "kept" / "features.py").read_text()


def test_the_project_tests_itself(andon: Andon, tmp_path: Path) -> None:
    write_csv(tmp_path, "Amount (EUR)", "country", "class", "visits", "is_new", "created", "is_fraud")
    assert andon("init", "fraud", "--from", "data.csv", "--target", "is_fraud").exit_code == 0
    run(tmp_path / "fraud", "train.py")
    run(tmp_path / "fraud", "-m", "pytest", "-q", "-p", "no:cacheprovider")


def test_what_cannot_be_used_ends_with_the_reason_and_writes_nothing(andon: Andon, tmp_path: Path) -> None:
    write_csv(tmp_path, "Amount (EUR)", "is_fraud")
    told = andon("init", "fraud", "--from", "data.csv", "--target", "is_frad")
    assert told.exit_code == 2
    assert "did you mean 'is_fraud'" in told.output
    assert [path.name for path in tmp_path.iterdir()] == ["data.csv"]


def test_without_a_file_the_transfer_screening_example_is_written(andon: Andon, tmp_path: Path) -> None:
    assert andon("init", "screening").exit_code == 0
    assert not list((tmp_path / "screening").rglob("__pycache__"))
    (automation,) = load_file(tmp_path / "screening" / "automation.py")
    assert automation.name == "transfer-screening"
    assert (tmp_path / "screening" / ".gitignore").read_text().startswith("#")


def test_what_is_told_to_do_next_sets_every_secret_the_example_needs(andon: Andon, tmp_path: Path) -> None:
    told = andon("init", "screening").output
    commands = [line.strip() for line in told.partition("Next:")[2].splitlines() if line.strip()]
    assert commands[-1] == "andon up"
    assert f"    {commands[1]}" in (tmp_path / "screening" / "README.md").read_text()
    script = "\n".join([*commands[:-1], "pwd", "env"])
    shown = subprocess.run(["sh", "-euc", script], cwd=tmp_path, env={"PATH": os.environ["PATH"]}, capture_output=True)
    folder, *environment = shown.stdout.decode().splitlines()
    assert folder == str(tmp_path / "screening")
    settings = tomllib.loads((tmp_path / "screening" / "andon.toml").read_text())
    wanted = [destination["secret_env"] for destination in settings["destinations"].values()]
    assert wanted
    for name in wanted:
        assert any(one.startswith(f"{name}=whsec_") and len(one) > len(name) + 30 for one in environment)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("init", "My Line"), "for example 'my-line'"),
        (("init", "x", "--from", "data.csv"), "--from needs --target"),
        (("init", "x", "--target", "y"), "name it with --from"),
        (("init", "x", "--keep", "y"), "name it with --from"),
        (("init", "x", "--from", "nothing.csv", "--target", "y"), "There is no file"),
    ],
)
def test_a_wrong_call_is_explained(andon: Andon, words: tuple[str, ...], told: str) -> None:
    ended = andon(*words)
    assert ended.exit_code == 2
    assert told in ended.output


def test_a_folder_with_something_in_it_is_left_alone(andon: Andon, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    ended = andon("init", "mine")
    assert ended.exit_code == 5
    assert "is not empty" in ended.output
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["thesis.txt"]
