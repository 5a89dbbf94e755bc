"""The pages about policies and features say what is so: their examples run, their tables match the code."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from andon import Request, Window, policies
from andon.authoring import AGGREGATES
from andon.bootstrap.telling import EXIT_CODES
from andon.cli import app
from andon.features import FeatureSet, MemoryTiles
from andon.features.domain import Step, steps_of
from andon.kernel.errors import Invalid, NotFound
from andon.policies import GIVEN, ValueKind, conditions, kind_of, reading

DOCS = Path(__file__).parents[2] / "docs"
HOW_TO = (DOCS / "how-to/write-a-policy.md").read_text(encoding="utf-8")
REFERENCE = (DOCS / "reference/policy.md").read_text(encoding="utf-8")
FEATURES = (DOCS / "how-to/features.md").read_text(encoding="utf-8")

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
VARIABLES: Mapping[str, ValueKind] = {
    "input.country": ValueKind.STRING,
    "input.amount": ValueKind.NUMBER,
    "input.tip": ValueKind.OPTIONAL_NUMBER,
    "features.amount_count_10m": ValueKind.NUMBER,
}


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page, re.MULTILINE | re.DOTALL)


def rows(page: str, heading: str) -> list[list[str]]:
    """Return the cells of all table rows below a heading, code marks removed."""
    section = page.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in lines]


TABLES = blocks(HOW_TO, "yaml")


@pytest.mark.parametrize("text", TABLES)
def test_every_table_on_the_page_is_sound(text: str) -> None:
    table = policies.parse(text, source="policy.yaml")
    policies.compile(table, VARIABLES)
    assert table.warnings == ()


def test_the_facts_on_the_page_come_out_as_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("policy.yaml").write_text(TABLES[1])
    Path("facts.json").write_text(blocks(HOW_TO, "json")[0])
    [command] = [line for block in blocks(HOW_TO, "sh") for line in block.splitlines() if " try " in line]
    tried = json.loads(CliRunner().invoke(app, [*command.split()[1:], "--json"]).stdout)
    assert (tried["outcome"], tried["rule"]) == ("review", "burst")
    assert {rule["id"]: rule["holds"] for rule in tried["rules"]} == {"sanctioned": False, "burst": True, "safe": True}


def test_a_typo_is_told_as_the_page_shows() -> None:
    table = policies.parse(TABLES[1].replace("input.country", "input.contry"), source="policy.yaml")
    with pytest.raises(policies.PolicyInvalid) as caught:
        policies.compile(table, VARIABLES)
    assert [f"{fault.where}: {fault.message}\n" for fault in caught.value.faults] == blocks(HOW_TO, "text")


@pytest.mark.parametrize(("tip", "rule"), [(None, "otherwise"), (3, "small-tip"), (7, "otherwise")])
def test_a_rule_that_asks_first_is_no_error(tip: float | None, rule: str) -> None:
    ruling = policies.compile(policies.parse(TABLES[2], source="p"), VARIABLES).evaluate({"tip": tip}, {}, {}, {})
    assert (ruling.rule, ruling.error) == (rule, None)


def test_the_keys_of_the_reference_are_those_that_are_read() -> None:
    assert sorted(row[0].strip("`") for row in rows(REFERENCE, "The table")[1:]) == sorted(reading.KEYS)
    assert [row[0].strip("`") for row in rows(REFERENCE, "A rule")[1:]] == list(reading.RULE_KEYS)


def test_the_limits_of_the_reference_are_those_that_hold() -> None:
    assert f"at most {reading.MAX_RULES}" in REFERENCE
    assert f"at most {conditions.MAX_CHARACTERS:,} characters" in REFERENCE


def test_the_variables_of_the_reference_are_those_there_are() -> None:
    named = {row[0].strip("`"): row[1].split(",")[0] for row in rows(REFERENCE, "What a condition may name")}
    given = {name: kind for name, kind in named.items() if name.split(".")[0] in ("prediction", "risk")}
    assert given == {name: str(kind) for name, kind in GIVEN.items()}


def test_the_types_of_the_reference_have_the_kinds_it_says() -> None:
    names: dict[str, Any] = {"float": float, "int": int, "str": str, "bool": bool, "list[str]": list[str]}
    names |= {"set[str]": set[str], "list[float]": list[float], "dict[str, float]": dict[str, float]}
    named = {row[0]: row[1] for row in rows(REFERENCE, "What a condition may name")}
    checked = {
        word: (kind_of(names[word]), kind)
        for types, kind in named.items()
        for word in re.findall(r"`([^`]+)`", types)
        if word in names
    }
    assert set(checked) == set(names)
    assert all(found == told for found, told in checked.values()), checked


@pytest.mark.parametrize("condition", re.findall(r"`(input\.amount [^`]*)`", REFERENCE))
def test_every_condition_of_the_reference_compiles(condition: str) -> None:
    text = f"outcomes: [review]\nrules: [{{id: r, then: review, when: {json.dumps(condition)}}}]\notherwise: review"
    assert policies.compile(policies.parse(text, source="p"), VARIABLES).reads == ("input.amount",)


def test_the_exit_codes_of_the_reference_are_those_of_the_errors() -> None:
    codes = {code for row in rows(REFERENCE, "Commands")[1:] if (code := int(row[0]))}
    assert codes == {code for kind, code in EXIT_CODES if kind in (Invalid, NotFound)}


@pytest.mark.parametrize("line", re.findall(r"^andon .*$", HOW_TO + REFERENCE, re.MULTILINE))
def test_every_command_and_option_exists(line: str) -> None:
    _, noun, verb, *rest = line.split()
    help_text = CliRunner().invoke(app, [noun, verb, "--help"], env={"COLUMNS": "200"})
    assert help_text.exit_code == 0
    assert all(word in help_text.output for word in rest if word.startswith("--"))


def declared() -> list[Request | Window]:
    """Return the features that the Python blocks of the page declare."""
    found: list[Request | Window] = []
    for block in blocks(FEATURES, "python"):
        namespace: dict[str, Any] = {}
        exec(block, namespace)
        found += namespace["features"]
    return found


def test_the_declarations_of_the_page_give_the_features_it_names() -> None:
    features = FeatureSet("line", declared())
    [row] = features.compute([{"hour": 3, "amount": 5.0, "account_id": "A"}], [NOW], {}).rows
    assert row["at_night"] is True
    named = set(re.findall(r"`(?:features\.)?(amount_\w+)`", FEATURES))
    assert {"amount_count_10m", "amount_sum_10m", "amount_max_10m", "amount_count_1h"} <= named
    assert named <= set(row)


def test_an_empty_window_has_what_the_page_says() -> None:
    told = {row[0].strip("`"): row[1] for row in rows(FEATURES, "Windows over recent inputs")[1:]}
    features = FeatureSet("line", [Window("amount", by="account", over=("1h",), aggregates=AGGREGATES)])
    [row] = features.compute([{"amount": 5.0, "account": None}], [NOW], {}).rows
    assert told == {
        aggregate: "missing" if (value := row[f"amount_{aggregate}_1h"]) is None else f"{value:g}"
        for aggregate in AGGREGATES
    }


def test_tiles_are_as_wide_as_the_page_says() -> None:
    assert '10 seconds for `"10m"`' in FEATURES
    assert steps_of([600, 3600, 86_400], 3600) == [[Step(10, 3600), Step(24 * 60, 86_400)]]
    assert '24 minutes at most for `"24h"`' in FEATURES
    assert steps_of([86_400], 3600) == [[Step(24 * 60, 86_400)]]


def test_an_input_at_the_far_end_is_forgotten_at_most_one_tile_early() -> None:
    features, tiles = FeatureSet("line", [Window("amount", by="account", over=("10m",))]), MemoryTiles()
    counts = []
    for seconds in (9, 600, 609):
        at = [NOW + timedelta(seconds=seconds)]
        inputs = [{"amount": 1.0, "account": "A"}]
        computed = features.compute(inputs, at, tiles.read(features.needs(inputs, at)))
        tiles.write(computed.deltas if seconds == 9 else [])
        counts.append(computed.rows[0]["amount_count_10m"])
    assert counts == [1, 1, 1]
    at = [NOW + timedelta(seconds=599)]
    assert features.compute(inputs, at, tiles.read(features.needs(inputs, at))).rows[0]["amount_count_10m"] == 2
