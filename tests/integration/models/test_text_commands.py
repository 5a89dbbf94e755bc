"""Texts at the command line: a pipeline registers with a sample, decides a file, and says which words counted."""

import csv
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas
import pytest
import skops.io
from click.testing import Result
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from typer.testing import CliRunner

from andon.cli import app
from andon.kernel.db import Database
from texts import a_sentence_embedding, mails, rows_of

AUTOMATION = """
from typing import Annotated

from andon import Automation, Policy, Text
from pydantic import BaseModel


class Mail(BaseModel):
    subject: Annotated[str | None, Text(max_length=100)] = None
    body: Annotated[str, Text(max_length=1_000)]


triage = Automation(
    "triage",
    contract=Mail,
    model="mail",
    policy=Policy.yaml('''
outcomes: [accounts, cards, loans, review]
rules:
  - {id: accounts, when: 'prediction.label == "accounts"', then: accounts, unproven: true}
  - {id: cards, when: 'prediction.label == "cards"', then: cards, unproven: true}
  - {id: loans, when: 'prediction.label == "loans"', then: loans, unproven: true}
otherwise: review
'''),
)
"""

ODD = {"subject": "", "body": 'Meine Karte, "gestohlen";\nbitte den card sperren, 日本'}
"""Quotation marks, delimiters, a line break and other scripts in one cell, and an empty one."""


def andon(*arguments: str, status: int = 0) -> Result:
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == status, result.output
    return result


def write(file: Path, rows: Sequence[dict[str, Any]]) -> Path:
    with file.open("w", newline="", encoding="utf-8") as opened:
        writer = csv.DictWriter(opened, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return file


def read(file: str) -> list[dict[str, str]]:
    with Path(file).open(newline="", encoding="utf-8") as opened:
        return list(csv.DictReader(opened))


@pytest.fixture(scope="module")
def here(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Yield the folder of a project, from which commands are run."""
    folder = tmp_path_factory.mktemp("triage")
    (folder / "andon.toml").write_text('[project]\nname = "test"\n')
    (folder / "automation.py").write_text(AUTOMATION)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("ANDON_DATABASE_URL", module_database.url)
        patch.setenv("COLUMNS", "200")
        yield folder


@pytest.fixture(scope="module")
def registered(here: Path) -> str:
    """Register a fitted pipeline that reads two columns of texts, and return what the command said."""
    columns, teams = mails(120)
    model = make_pipeline(
        ColumnTransformer([(name, TfidfVectorizer(), name) for name in columns]), LogisticRegression(C=30)
    ).fit(pandas.DataFrame(columns), teams)
    skops.io.dump(model, here / "model.skops")
    columns, teams = mails(90, seed=2)
    write(here / "sample.csv", [{**row, "team": team} for row, team in zip(rows_of(columns), teams, strict=True)])
    command = ("models", "register", "model.skops", "--sample", "sample.csv", "--target", "team")
    return andon(*command, "--name", "mail", "--alias", "champion").output


@pytest.fixture(scope="module")
def decided(here: Path, registered: str) -> list[dict[str, str]]:
    """Decide a file of mails, and return the decisions."""
    write(here / "mails.csv", [*rows_of(mails(12, seed=3)[0]), ODD])
    assert "Decided 13 of 13 rows" in andon("decide", "mails.csv", "--output", "decided.csv").output
    return read("decided.csv")


def test_a_pipeline_registers_with_a_sample_that_holds_texts(registered: str) -> None:
    assert "classes   accounts, cards, loans" in registered
    assert [line.split() for line in registered.splitlines() if "  text " in line] == [
        ["text", "subject"],
        ["text", "body"],
    ]
    assert "mail 1 (" in registered
    assert "now the champion" in registered


def test_a_file_of_texts_is_decided_row_by_row(decided: list[dict[str, str]]) -> None:
    _, teams = mails(12, seed=3)
    right = [row["outcome"] == team for row, team in zip(decided, teams, strict=False)]
    assert sum(right) >= 10
    assert decided[-1]["outcome"] == "cards"


def test_a_text_beyond_its_bound_is_refused_and_the_other_rows_are_decided(here: Path, registered: str) -> None:
    write(here / "long.csv", [{"subject": "", "body": "card " * 300}, {"subject": "", "body": "my card"}])
    told = andon("decide", "long.csv", "--output", "long.decided.csv", status=2).output
    assert "row 1: input.body: String should have at most 1000 characters" in told
    assert "card card card" not in told
    refused, good = read("long.decided.csv")
    assert (refused["outcome"], good["outcome"]) == ("", "cards")
    assert "1000" in refused["error"]


def test_explaining_a_decision_names_the_words_that_spoke_for_its_class(decided: list[dict[str, str]]) -> None:
    decision = decided[-1]["decision_id"]
    found = json.loads(andon("explain", decision, "--json").stdout)
    assert (found[0]["feature"], found[0]["word"]) == ("body", "card")
    assert found[0]["weight"] > 0
    shown = andon("explain", decision, "--last", "1").output
    assert "For cards, by mail version 1" in shown
    assert "body" in shown
    assert "card" in shown
    assert "sperren" not in shown


def test_an_unknown_decision_cannot_be_explained(registered: str) -> None:
    assert "No decision" in andon("explain", "00000000-0000-7000-8000-000000000000", status=4).output


def test_a_project_is_made_and_trained_with_a_sentence_embedding(here: Path) -> None:
    columns, teams = mails(120)
    source = write(here / "all.csv", [{**r, "team": t} for r, t in zip(rows_of(columns), teams, strict=True)])
    place = a_sentence_embedding(here / "embedding")
    told = andon("init", "embedded", "--from", str(source), "--target", "team", "--embeddings", "embedding").output
    assert "the model will learn team from subject, body" in told
    script = here / "embedded" / "train.py"
    assert str(place) in script.read_text()
    andon("models", "register", "--from-script", str(script))
    shown = json.loads(andon("models", "show", "embedded", "--json").stdout)
    assert shown["manifest"]["runtime"] == "embeddings"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--embeddings", "nowhere"), "nowhere is not a file, folder or installed package with a .onnx file"),
        (("--embeddings", "bare"), "bare is not a file, folder or installed package with a tokenizer.json file"),
        (("--embeddings", "pytest"), "pytest is not a file, folder or installed package with a .onnx file"),
        (("--tokenizer", "bare"), "--tokenizer needs --embeddings"),
    ],
    ids=["nowhere", "no tokenizer", "another package", "only a tokenizer"],
)
def test_an_embedding_that_cannot_be_found_is_named_and_no_project_is_written(
    here: Path, options: tuple[str, str], told: str
) -> None:
    (here / "bare").mkdir(exist_ok=True)
    (here / "bare" / "network.onnx").touch()
    write(here / "few.csv", [{"body": "my card is lost", "team": "cards"}])
    said = andon("init", "unmade", "--from", "few.csv", "--target", "team", *options, status=2).output
    assert told in " ".join(said.split())
    assert not (here / "unmade").exists()
