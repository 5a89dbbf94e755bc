"""The pipelines of a new project: their checks pass in it without a model, a database or a secret in an argument."""

from pathlib import Path

import pytest
import yaml
from tests.unit.scaffold.tables import write
from typer.testing import CliRunner

from andon import scaffold
from andon.cli import app
from pipelines import commands_of

COLUMNS = {"n": [f"{i * 7 % 40}.5" for i in range(60)], "kind": ["no", "a, b", "1"] * 20}


def example(parent: Path) -> Path:
    return scaffold.from_template("line", parent)


def binary(parent: Path) -> Path:
    return scaffold.from_data("line", parent, write(parent, {**COLUMNS, "y": ["yes", "no"] * 30}), target="y")[0]


def of_classes(parent: Path) -> Path:
    return scaffold.from_data("line", parent, write(parent, COLUMNS), target="kind")[0]


@pytest.mark.parametrize("make", [example, binary, of_classes])
def test_the_checks_of_a_new_project_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: object) -> None:
    assert callable(make)
    monkeypatch.chdir(make(tmp_path))
    monkeypatch.setenv("ANDON_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nowhere")
    done = list(commands_of(Path(), "check"))
    assert [words[0] for words in done] == ["test", "policy"] * 2
    for words in done:
        result = CliRunner().invoke(app, words)
        assert result.exit_code == 0, result.output
    assert "passed" in CliRunner().invoke(app, ["test"]).output


@pytest.mark.parametrize("file", [".github/workflows/andon.yml", ".gitlab-ci.yml"])
def test_a_pipeline_names_no_place_of_one_machine_and_gives_no_secret_as_an_argument(tmp_path: Path, file: str) -> None:
    project = example(tmp_path)
    text = (project / file).read_text()
    assert yaml.safe_load(text)
    words = [word for command in commands_of(project, "check", "plan", "apply") for word in command]
    assert not [word for word in words if word.startswith(("/", "~", "postgresql:")) or "DATABASE" in word]
    assert "ANDON_DATABASE_URL" in text
