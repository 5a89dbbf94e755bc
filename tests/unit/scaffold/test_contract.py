"""The contract of a new project takes tomorrow's customers: new values pass, and `Expect` watches for far-out ones."""

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest
from pydantic import ValidationError
from tests.unit.scaffold.tables import write

from andon import scaffold
from andon.authoring import Automation
from andon.decisions import compile_policy, load_file
from andon.testing import decide

ROWS = 400
GIVEN = {"amount": 60, "age": 40, "country": "DE", "share of cash": 0.3}


@pytest.fixture
def line(tmp_path: Path) -> Automation:
    """Return a line learnt from payments of 1 to 120."""
    random = Random(1)
    columns = {
        "amount": [str(random.randint(1, 120)) for _ in range(ROWS)],
        "age": [str(random.randint(18, 60)) for _ in range(ROWS)],
        "country": [random.choice(("DE", "FR")) for _ in range(ROWS)],
        "share of cash": [f"{random.uniform(0.2, 0.6):.3f}" for _ in range(ROWS)],
        "y": [random.choice(("yes", "no")) for _ in range(ROWS)],
    }
    columns["refund"] = [f"{random.random():.3f}" if y == "yes" else "" for y in columns["y"]]
    folder, _ = scaffold.from_data("line", tmp_path, write(tmp_path, columns), target="y")
    (found,) = load_file(folder / "automation.py")
    return found


@pytest.mark.parametrize(
    ("given", "breached"),
    [
        ({}, ""),
        ({"amount": 301}, "amount"),
        ({"amount": 12.5}, ""),
        ({"amount": 90_000}, "amount"),
        ({"age": 112}, "age"),
        ({"country": "Elbonia and the isles beyond the sea"}, ""),
        ({"share of cash": 1}, ""),
    ],
)
def test_what_is_new_is_decided_and_what_is_unusual_goes_to_a_person(
    line: Automation, given: dict[str, Any], breached: str
) -> None:
    (decision,) = decide(line, [{**GIVEN, **given}], model=lambda _: 0.97)
    assert decision.features["expectations_breached"] == breached
    ruling = decision.judgement.ruling
    assert (ruling.outcome, ruling.rule) == (("review", "unexpected") if breached else ("flag", "flagged"))


@pytest.mark.parametrize(
    "given", [{"amount": -1}, {"amount": 1e9}, {"age": 151}, {"share of cash": 1.2}, {"country": 3.5e9, "age": -2}]
)
def test_nonsense_is_refused(line: Automation, given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        line.contract.model_validate_json(json.dumps({**GIVEN, **given}))


def test_without_its_rule_the_model_decides_about_what_is_unusual(line: Automation) -> None:
    table, _ = compile_policy(line)
    assert table.rules[0].id == "unexpected"
    assert [rule.id for rule in table.rules] == ["unexpected", "flagged", "cleared", "unsure"]
