"""The transfer screening example as `andon init` writes it: planned and applied twice, and run by its own pipelines."""

from pathlib import Path

import lightgbm
import pytest

from andon.kernel.db import Database
from andon.models import encode, encode_labels, pack
from packages import FEATURES, some_rows
from pipelines import commands_of
from planned import run

CLASSES = ("honest", "fraud")


def a_package(folder: Path) -> Path:
    """Make a model that knows amount and country, with the classes of the example."""
    (rows, labels), (held, held_labels) = some_rows(1)
    named = [["fraud" if label == "fraud" else "honest" for label in some] for some in (labels, held_labels)]
    data = lightgbm.Dataset(encode(FEATURES, rows), encode_labels(CLASSES, named[0]))
    booster = lightgbm.train({"objective": "binary", "verbose": -1, "num_threads": 1}, data, 5)
    return pack(
        folder,
        name="fraud-risk",
        model=booster,
        features=FEATURES,
        classes=CLASSES,
        training=(rows, named[0]),
        held_out=(held, named[1]),
        split="the first half trains",
    )


@pytest.fixture
def bank(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the example with its code released, as `andon up` would leave it, and some changes by people."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ANDON_DATABASE_URL", database.url)
    monkeypatch.setenv("CORE_BANKING_SECRET", "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3")
    run("init", "bank")
    monkeypatch.chdir(tmp_path / "bank")
    run("models", "register", str(a_package(tmp_path / "package")), "--alias", "champion", "--reason", "the first")
    run("release", "transfer-screening", "--reason", "the first")
    run("audits", "set", "transfer-screening", "--share", "0.05", "--reason", "by hand")
    return tmp_path / "bank"


def test_the_second_time_there_is_nothing_to_do(bank: Path) -> None:
    planned = run("plan", "config", "--exit-code", status=1).stdout
    assert planned.startswith("automations.transfer-screening.audit_share  0.05 → 0.02\n")
    assert run("apply", "config", "--reason", "as in Git", "--yes").stdout.endswith("Applied: 1 change\n")
    for _ in range(2):
        assert run("plan", "config", "--exit-code").stdout == "Nothing to do\n"
        assert run("apply", "config", "--reason", "as in Git", "--yes").stdout == "Nothing to do\n"


def test_its_pipelines_check_plan_and_apply(bank: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GITHUB_SHA", "CI_COMMIT_SHA"):
        monkeypatch.setenv(name, "0b5e7c1")
    for name in ("GITHUB_ACTOR", "GITLAB_USER_LOGIN"):
        monkeypatch.setenv(name, "ada")
    said = [run(*words).stdout for words in commands_of(bank, "check", "plan", "apply")]
    assert len(said) == 10
    assert said[0] == "transfer-screening: 7 cases, 7 passed\n"
    assert said[4].endswith("Applied: 1 change\n")
    assert said[9] == "Nothing to do\n"
