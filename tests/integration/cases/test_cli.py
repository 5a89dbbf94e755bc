"""`andon test` in a project: a recorded decision becomes a case, which passes until policy or model say otherwise."""

import json
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest
import yaml

from andon import decisions
from andon.kernel.db import Database
from packages import a_package
from planned import POLICY, STRICTER, run


@pytest.fixture
def case(project: Path, database: Database) -> Path:
    """Return the file of a case that was recorded of a released payment."""
    (project / "rows.csv").write_text("amount,country\n40,DE\n700,NO\n")
    run("decide", "rows.csv")
    with database.begin() as tx:
        (released,) = [one for one in decisions.newest(tx, "payments", 2) if one.row.outcome == "release"]
    said = run("test", "--record", str(released.row.id), "--name", "The complaint of March").stdout
    assert said == "cases/payments/the-complaint-of-march.yaml: written\n"
    return project / "cases/payments/the-complaint-of-march.yaml"


def test_a_recorded_decision_is_kept_and_fails_when_the_policy_changes(
    case: Path, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as without:
        without.setenv("ANDON_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nowhere")
        assert run("test").stdout == "payments: 1 case, 1 passed\n"
        (project / "policy.yaml").write_text(STRICTER)
        said = run("test", "payments", "--junit", "report.xml", status=1).stdout
        (project / "policy.yaml").write_text(POLICY)
    assert "FAIL payments: The complaint of March" in said
    assert "outcome  expected release   got review" in said
    assert "rule     expected safe      got otherwise" in said
    (suite,) = Xml.parse(project / "report.xml").getroot()
    assert (suite.get("tests"), suite.get("failures")) == ("1", "1")
    assert run("test").stdout == "payments: 1 case, 1 passed\n"


def test_models_are_tested_by_the_same_cases(case: Path, project: Path, tmp_path: Path) -> None:
    (one,) = yaml.safe_load(case.read_text())
    for model in ("1", str(a_package(tmp_path / "again"))):
        assert run("test", "--model", model).stdout == "payments: 1 case, 1 passed\n"
    one["input"]["amount"] = 700.0
    case.write_text(json.dumps([one]))
    assert run("test").stdout == "payments: 1 case, 1 passed\n"
    said = run("test", "--model", "1", status=1).stdout
    assert "outcome  expected release" in said
    assert "score" in said
    del one["prediction"]
    case.write_text(json.dumps([one]))
    assert "outcome  expected release" in run("test", status=1).stdout
    assert "There is no folder nowhere" in run("test", "--model", "nowhere", status=4).output


def test_what_makes_no_sense_is_refused(case: Path, project: Path) -> None:
    run("test", "--record", "0" * 32, "--name", "x", status=4)
    run("test", "--name", "x", status=2)
    run("test", "invoices", status=4)
    case.write_text("- {name: x}")
    said = run("test", status=2).output
    assert "cases/payments/the-complaint-of-march.yaml: 0.input: Field required" in said
