"""ARCHITECTURE.md names real files, real names and real packages."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
PACKAGE = ROOT / "src" / "andon"

NAMED = re.compile(r"`([a-z_/]+\.py)` `([A-Za-z_.]+)`")
STEPS = NAMED.findall(PAGE)
SPECIALISTS = sorted(PACKAGE.glob("*/README.md"))
FURTHER = [named for page in SPECIALISTS for named in NAMED.findall(page.read_text(encoding="utf-8"))]
MAP = PAGE.split("## The map", 1)[1].split("In addition", 1)[0]


@pytest.mark.parametrize(("file", "name"), sorted({*STEPS, *FURTHER}))
def test_every_step_of_a_decision_is_where_it_is_said_to_be(file: str, name: str) -> None:
    source = (PACKAGE / file).read_text(encoding="utf-8")
    for part in name.split("."):
        assert re.search(rf"^\s*(async )?(def|class) {part}\b", source, re.MULTILINE), f"{file} has no {part}"


def test_the_walkthrough_has_steps() -> None:
    assert len(STEPS) >= 12


def test_the_map_shows_every_package_and_no_other() -> None:
    shown = {
        name.strip()
        for line in MAP.splitlines()
        if line.startswith("    ")
        for name in re.split(r"\s{2,}", line.strip())[0].split(",")
    }
    packages = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()} - {"migrations", "datafile"}
    assert shown == packages


def test_the_page_is_read_in_a_quarter_of_an_hour() -> None:
    assert len(PAGE.splitlines()) < 200
    assert len(PAGE.split()) < 3_200


def test_it_draws_a_decision_and_the_processes() -> None:
    assert re.findall(r"^## (.+)\n\n```\n", PAGE, re.MULTILINE) == ["One decision", "The processes"]


def test_the_rules_come_before_the_walk_and_the_map() -> None:
    headings = re.findall(r"^## (.+)$", PAGE, re.MULTILINE)
    first = ["What this is", "The rules that matter first", "One decision", "The processes", "The map"]
    assert headings[: len(first)] == first


def test_it_leads_to_what_specialists_need() -> None:
    links = {(ROOT / link).resolve() for link in re.findall(r"\]\(([^)#]+)", PAGE)}
    assert {page.resolve() for page in SPECIALISTS} <= links
