"""`andon policy`, run as a person would run it beside a policy file."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from andon.cli import app

from .tables import SCREENING

AUTOMATION = """
from pydantic import BaseModel
from andon import Automation, Policy, Window

class Transfer(BaseModel):
    account: str
    amount: float
    country: str
    note: str | None = None

screening = Automation(
    "screening", contract=Transfer, model="m", policy=Policy.file("policy.yaml"),
    features=[Window("amount", by="account", over=("10m",))],
)
"""

FACTS: dict[str, Any] = {
    "input": {"amount": 50, "country": "DE"},
    "features": {"amount_count_10m": 1},
    "prediction": {"score": 0.95},
    "risk": {"certain": True},
}


@pytest.fixture(autouse=True)
def in_a_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    Path("policy.yaml").write_text(SCREENING)
    Path("automation.py").write_text(AUTOMATION)
    Path("facts.json").write_text(json.dumps(FACTS))


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["policy", *arguments])


def test_a_sound_table_is_told_with_its_version_and_what_was_not_checked() -> None:
    checked = run("check", "policy.yaml")
    assert checked.exit_code == 0
    assert checked.stdout == (
        "policy.yaml is sound: 5 rules, version 1ccf496444d8; "
        "checked without an automation, so names under input and features are not checked\n"
    )


def test_with_an_automation_every_name_is_checked() -> None:
    assert "checked for screening" in run("check", "policy.yaml", "--automation", "automation.py").stdout
    Path("policy.yaml").write_text(SCREENING.replace("input.country", "input.contry"))
    assert run("check", "policy.yaml").exit_code == 0
    checked = run("check", "policy.yaml", "--automation", "automation.py")
    assert checked.exit_code == 2
    assert "policy.yaml:7:29: rule `sanctioned`: unknown name `input.contry`; did you mean" in checked.stderr


def test_every_fault_is_told_and_the_exit_code_says_invalid() -> None:
    Path("policy.yaml").write_text(SCREENING.replace("then: release}", "then: relaese}").replace("[LARGE]", "[large]"))
    checked = run("check", "policy.yaml")
    assert checked.exit_code == 2
    assert "policy.yaml:9: rule `large`: a reason must be a code such as HIGH_SCORE, got `large`" in checked.stderr
    assert "policy.yaml:11: rule `safe`: `then` is `relaese`; expected one of the outcomes" in checked.stderr


def test_a_warning_is_told_and_is_no_fault() -> None:
    Path("policy.yaml").write_text(SCREENING.replace("pause, review]", "pause, hold, review]"))
    checked = run("check", "policy.yaml")
    assert (checked.exit_code, checked.stderr) == (0, "warning: policy.yaml:3: no rule chooses outcome `hold`\n")


def test_a_check_can_be_read_by_a_program() -> None:
    assert json.loads(run("check", "policy.yaml", "--json").stdout) == {
        "version": "1ccf496444d8",
        "rules": ["sanctioned", "risky", "large", "velocity", "safe"],
        "outcomes": ["release", "pause", "review"],
        "warnings": [],
    }


def test_a_truth_of_an_outcome_that_the_table_lacks_is_named() -> None:
    truth = 'truth=Truth({"pause": "fraud", "burn": "fraud"}), features='
    declared = AUTOMATION.replace("features=", truth).replace("Policy, Window", "Policy, Truth, Window")
    Path("automation.py").write_text(declared)
    checked = run("check", "policy.yaml", "--automation", "automation.py")
    assert checked.exit_code == 2
    assert "automation.py:11: truth: 'burn' is not an outcome of the policy (release, pause, review)" in checked.output


def test_an_automation_file_with_several_lines_is_checked_for_those_that_name_the_policy() -> None:
    other = AUTOMATION + '\nother = Automation("other", contract=Transfer, model="m", policy=Policy.file("other.yaml"))'
    Path("automation.py").write_text(other)
    assert "checked for screening" in run("check", "policy.yaml", "--automation", "automation.py").stdout
    Path("policy.yaml").rename("third.yaml")
    checked = run("check", "third.yaml", "--automation", "automation.py")
    assert (checked.exit_code, "none of them names third.yaml" in checked.stderr) == (2, True)


def test_trying_shows_the_outcome_and_of_each_rule_whether_it_holds() -> None:
    tried = run("try", "policy.yaml", "--input", "facts.json")
    assert tried.exit_code == 0
    holds = {words[-4]: words[-3] for line in tried.stdout.splitlines() if len(words := cells(line)) >= 4}
    assert holds == {"rule": "holds", "sanctioned": "no", "risky": "yes", "large": "no", "velocity": "no", "safe": "no"}
    assert "outcome: pause\nrule:    risky\nreasons: HIGH_SCORE, MODEL\n" in tried.stdout


def cells(line: str) -> list[str]:
    """Return the cells of a printed table's row: rule, holds, then, condition."""
    return [cell.strip() for cell in line.replace("┃", "│").split("│")[1:-1]]


def test_trying_can_be_read_by_a_program() -> None:
    Path("facts.json").write_text(json.dumps(FACTS | {"input": {"amount": None, "country": "DE"}}))
    tried = json.loads(
        run("try", "policy.yaml", "--input", "facts.json", "--automation", "automation.py", "--json").stdout
    )
    assert (tried["outcome"], tried["rule"], tried["error"]) == ("pause", "risky", None)
    assert tried["rules"][2] == {"id": "large", "holds": "`input.amount` has no value"}


def test_what_cannot_be_evaluated_is_shown_as_a_review() -> None:
    facts = FACTS | {"input": {"amount": None, "country": "DE"}, "prediction": {"score": 0.5}}
    Path("facts.json").write_text(json.dumps(facts))
    tried = run("try", "policy.yaml", "--input", "facts.json", "--automation", "automation.py")
    assert tried.exit_code == 0
    assert "outcome: review\nrule:    error\nreasons: POLICY_ERROR\n" in tried.stdout
    assert "error:   rule `large`: `input.amount` has no value" in tried.stdout


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("{", "facts.json:1:2: not JSON"),
        ("[" * 100_000, "facts.json: nested too deeply"),
        ("[]", 'facts.json: expected {"input": {...}, "features": {...}'),
        ('{"inputs": {}}', "facts.json: unknown key `inputs`; known keys: input, features, prediction, risk"),
        ('{"input": []}', "facts.json: `input`: expected a mapping from names to values"),
        ("{}", "facts.json: no value for `input.country`, which rule `sanctioned` reads"),
        (json.dumps(FACTS | {"risk": {}}), "facts.json: no value for `risk.certain`, which rule `risky` reads"),
        (
            json.dumps(FACTS | {"input": {"amount": "50", "country": "DE"}}),
            "`>` cannot be applied to (string, whole number)",
        ),
    ],
)  # fmt: skip
def test_facts_that_cannot_be_used_are_told_as_such(written: str, told: str) -> None:
    Path("facts.json").write_text(written)
    tried = run("try", "policy.yaml", "--input", "facts.json")
    assert tried.exit_code == 2
    assert told in tried.stderr


def test_a_typo_in_the_policy_is_told_before_a_missing_value() -> None:
    Path("policy.yaml").write_text(SCREENING.replace("input.country", "input.contry"))
    tried = run("try", "policy.yaml", "--input", "facts.json", "--automation", "automation.py")
    assert "unknown name `input.contry`; did you mean `input.country`" in tried.stderr


@pytest.mark.parametrize("arguments", [("check", "no.yaml"), ("try", "policy.yaml", "--input", "no.json")])
def test_a_file_that_is_not_there_ends_with_the_exit_code_of_that(arguments: tuple[str, ...]) -> None:
    missing = run(*arguments)
    assert (missing.exit_code, "There is no file no." in missing.stderr) == (4, True)


def test_a_file_that_is_no_text_is_told() -> None:
    Path("policy.yaml").write_bytes(b"\xff\xfe")
    assert "policy.yaml is not UTF-8" in run("check", "policy.yaml").stderr
