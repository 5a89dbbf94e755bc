"""ARCHITECTURE.md names real files, real names and real packages."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
PACKAGE = ROOT / "src" / "andon"

STEPS = re.findall(r"`([a-z_/]+\.py)` `([A-Za-z_.]+)`", PAGE)
MAP = PAGE.split("## The map", 1)[1].split("Beside them", 1)[0]


@pytest.mark.parametrize(("file", "name"), STEPS)
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
    packages = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()} - {"migrations"}
    assert shown == packages


def test_the_page_stays_short() -> None:
    assert len(PAGE.splitlines()) < 200
